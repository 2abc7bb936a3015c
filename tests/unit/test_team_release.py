"""A release is made whole; what is fetched of it is checked, resumed, and stays in its folder."""

import functools
import http.server
import json
import re
import subprocess
import threading
from pathlib import Path

import pytest

from digits.core import paths
from digits.core.errors import UserError
from digits.inference.predictor import Predictor
from digits.team import fetch, release


class Server(http.server.ThreadingHTTPServer):
    """A static server that knows ranges, and can hang up after some bytes."""

    def __init__(self, folder):
        super().__init__(("127.0.0.1", 0), functools.partial(Handler, directory=str(folder)))
        self.address = f"http://127.0.0.1:{self.server_port}"
        self.asked: list[tuple[str, str | None]] = []
        self.ranges, self.most = True, 2**40


class Handler(http.server.SimpleHTTPRequestHandler):
    """What it answers."""

    server: Server

    def do_GET(self):
        path, wanted = Path(self.translate_path(self.path)), self.headers.get("Range")
        self.server.asked.append((self.path, wanted))
        if not path.is_file():
            return self.send_error(404)
        content, begin = path.read_bytes(), 0
        if self.server.ranges and (found := re.match(r"bytes=(\d+)-", wanted or "")):
            begin = int(found[1])
        self.send_response(206 if begin else 200)
        self.send_header("Content-Length", str(len(content) - begin))
        self.end_headers()
        self.wfile.write(content[begin : begin + self.server.most])
        return None

    def log_message(self, *_):
        pass


@pytest.fixture
def checkout(models, monkeypatch):
    root = models.parent
    (root / "locks").mkdir()
    (root / "locks" / "base.lock").write_text(
        "numpy==2.4.6 ; python_version < '4' \\\n    --hash=sha256:aa\nPillow==12.0.0 \\\n"
    )
    (root / "params.yaml").write_text("a: 1\n")
    monkeypatch.setattr(paths, "ROOT", root)
    monkeypatch.setattr(paths, "MODELS", models)
    monkeypatch.setattr(paths, "PARAMS", root / "params.yaml")
    monkeypatch.setattr(paths, "PIPELINE_LOCK", root / "locks" / "pipeline.lock")
    for name in ("DVC_LOCK", "REPORTS", "PAGE"):
        monkeypatch.setattr(paths, name, root / "none")
    return root


@pytest.fixture
def released(checkout, tmp_path):
    release.make(tmp_path / "release")
    return tmp_path / "release"


@pytest.fixture
def server(released):
    with Server(released) as served:
        threading.Thread(target=served.serve_forever, daemon=True).start()
        yield served
        served.shutdown()


def fetched(server, target, **more):
    return fetch.fetch(server.address, target, more.get("pinned"), lambda line: None)


def changed(released, change):
    """Let release.json say something else."""
    index = json.loads((released / "release.json").read_text())
    change(index)
    (released / "release.json").write_text(json.dumps(index))


def test_what_was_fetched_reads_as_what_was_released(server, released, models, tmp_path, rng):
    target = tmp_path / "elsewhere"
    index = fetched(server, target, pinned=fetch.digest(released / "release.json").upper())
    assert set(index.models) == {"svc", "cnn", "reader"}
    images = rng.integers(0, 255, (2, 28, 28)).astype("uint8")
    for model in index.models:
        ours, theirs = (Predictor.load(folder / model) for folder in (models, target / "models"))
        assert (ours.read(images) == theirs.read(images)).all()
    assert not [path for path in target.rglob("*") if path.is_file() and "models" not in path.parts]
    server.asked.clear()
    fetched(server, target)
    assert [path for path, _ in server.asked] == ["/release.json"]


def test_the_checksums_are_right_and_the_bill_names_every_library(released):
    done = subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=released)
    assert done.returncode == 0
    listed = {line.split("  ")[1] for line in (released / "SHA256SUMS").read_text().splitlines()}
    assert listed == {path.name for path in released.iterdir()} - {"SHA256SUMS"}
    bill = json.loads((released / "sbom.json").read_text())
    assert [part["purl"] for part in bill["components"]] == [
        "pkg:pypi/numpy@2.4.6",
        "pkg:pypi/pillow@12.0.0",
    ]


@pytest.mark.parametrize("ranges", [True, False])
def test_what_was_cut_off_goes_on(server, tmp_path, ranges):
    target = tmp_path / "elsewhere"
    server.most = 4000
    with pytest.raises(UserError, match="run the same command again"):
        fetched(server, target)
    assert not (target / "models" / "cnn" / "model.onnx").exists()
    server.most, server.ranges = 2**40, ranges
    server.asked.clear()
    fetched(server, target)
    assert Predictor.load(target / "models" / "cnn")
    assert any(begin == "bytes=4000-" for _, begin in server.asked)
    assert not list(target.rglob("*.part"))


def test_a_changed_file_is_not_kept(server, released, tmp_path):
    file = released / "models--cnn--model.onnx"
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    with pytest.raises(UserError, match="nothing of it was kept"):
        fetched(server, tmp_path / "elsewhere")
    assert not list((tmp_path / "elsewhere").rglob("*model.onnx*"))


def test_a_file_without_end_is_not_read_to_its_end(server, released, tmp_path):
    with (released / "models--cnn--bundle.json").open("ab") as file:
        file.write(bytes(5 << 20))
    with pytest.raises(UserError, match="nothing of it was kept"):
        fetched(server, tmp_path / "elsewhere")


@pytest.mark.parametrize(
    "name",
    ["../x", "models/../../x", "/etc/x", "models//x", "models/./x", "C:/x", "models\\..\\x", ""],
)
def test_a_path_that_leads_out_is_refused(server, released, tmp_path, name):
    member = {"sha256": "a" * 64, "size": 1}
    changed(released, lambda index: index["files"].update({name: member}))
    with pytest.raises(UserError, match="leads out of the release"):
        fetched(server, tmp_path / "elsewhere")
    assert not (tmp_path / "elsewhere").exists()


def test_a_link_that_leads_out_is_not_followed(server, tmp_path):
    target, outside = tmp_path / "elsewhere", tmp_path / "outside"
    outside.mkdir()
    (target / "models").mkdir(parents=True)
    (target / "models" / "cnn").symlink_to(outside)
    with pytest.raises(UserError, match="a link leads out"):
        fetched(server, target)
    assert not list(outside.iterdir())


def test_another_index_than_the_pinned_one_is_refused(server, released, tmp_path):
    pinned = fetch.digest(released / "release.json")
    changed(released, lambda index: index.update(version="9"))
    with pytest.raises(UserError, match="nothing was taken from there"):
        fetched(server, tmp_path / "elsewhere", pinned=pinned)


def test_what_is_no_release(server, released, tmp_path):
    (released / "release.json").write_text("<html>")
    with pytest.raises(UserError, match="does not hold"):
        fetched(server, tmp_path)
    (released / "release.json").unlink()
    with pytest.raises(UserError, match="404"):
        fetched(server, tmp_path)
    with pytest.raises(UserError, match="begins with https"):
        fetch.fetch("file:///etc", tmp_path, None, print)


def test_nothing_is_written_over_and_nothing_half(checkout, tmp_path):
    folder = tmp_path / "release"
    folder.mkdir()
    (folder / "mine").touch()
    with pytest.raises(UserError, match="a new or an empty folder"):
        release.make(folder)
    graph = checkout / "models" / "cnn" / "model.onnx"
    graph.write_bytes(b"damaged")
    with pytest.raises(UserError, match="damaged"):
        release.make(tmp_path / "other")
    assert not (tmp_path / "other").exists()
