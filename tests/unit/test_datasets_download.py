"""Mirrors in their order, the fallback, and what is stored."""

import contextlib
import json
import subprocess
import time
from dataclasses import replace

import numpy as np
import pytest

from digits.core.errors import UserError
from digits.datasets import download as downloading
from digits.datasets.raw.published import MIRROR_VARIABLE, PUBLISHED
from digits.datasets.raw.read import read_raw
from digits.datasets.transfer import LIMITS, Limits
from tests.bad_servers import WRONG, good, serving, stalled
from tests.raw_files import read_image, write

IMPATIENT = Limits(connect_seconds=0.3, answer_seconds=0.3, stretch_bytes=4096, stretch_seconds=0.3)
LABELS = "train-labels-idx1-ubyte.gz"


def download(tmp_path, name="mnist", fallback="none", limits=LIMITS):
    params = downloading.Params(name=name, path="own", fallback=fallback)
    return downloading.download(params, tmp_path / "raw", read_image, tmp_path, limits)


def refusals(capsys):
    return [line for line in capsys.readouterr().err.splitlines() if line.startswith("refused: ")]


def test_a_folder_is_a_mirror(published, tmp_path, capsys):
    write(tmp_path / "second", published)
    assert download(tmp_path) == "mnist"
    stored = json.loads((tmp_path / "raw" / "dataset.json").read_text())
    assert stored["name"] == "mnist"
    assert set(stored["files"]) == set(published)
    assert {path.name for path in (tmp_path / "raw").iterdir()} == {"dataset.json", *published}
    for name, data in published.items():
        assert (tmp_path / "raw" / name).read_bytes() == data
    images = read_raw(tmp_path / "raw", read_image)
    assert images.images.shape == (8, 4, 4)
    assert images.is_test.tolist() == [False] * 6 + [True] * 2
    assert images.images[7, 3, 3] == 31
    assert "4 file(s) of mnist from second" in capsys.readouterr().err


def test_an_address_is_a_mirror_and_goes_before_all(published, tmp_path, monkeypatch, capsys):
    write(tmp_path / "first", published)
    with serving(good, published) as address:
        monkeypatch.setenv(MIRROR_VARIABLE, f" {address}/\n")
        assert download(tmp_path) == "mnist"
    assert f"from {address}" in capsys.readouterr().err


def test_whatever_mirrors_do_the_next_one_is_tried_and_each_refusal_is_one_line(
    published, tmp_path, monkeypatch, capsys
):
    with contextlib.ExitStack() as servers:
        bad = [servers.enter_context(serving(behave, published)) for behave in WRONG.values()]
        mirrors = (*bad, "first")
        monkeypatch.setitem(PUBLISHED, "mnist", replace(PUBLISHED["mnist"], mirrors=mirrors))
        write(tmp_path / "first", published)
        assert download(tmp_path, limits=IMPATIENT) == "mnist"
    lines = refusals(capsys)
    assert [line.split(": ")[1] for line in lines] == bad


@pytest.mark.parametrize(
    "mirror",
    [
        "/no/such/folder",
        "htp//example.org",
        "~/no such folder",
        "HTTP://127.0.0.1:9",
        "ftp://example.org/mnist",
        "other bytes",
        "empty",
        "[/not markup]",
        "[bold]",
    ],
)
def test_a_refused_mirror_is_told_though_a_later_one_works(
    published, tmp_path, monkeypatch, capsys, mirror
):
    write(tmp_path / "other bytes", dict.fromkeys(published, b"other bytes"))
    (tmp_path / "empty").mkdir()
    write(tmp_path / "first", published)
    monkeypatch.setenv(MIRROR_VARIABLE, mirror)
    assert download(tmp_path) == "mnist"
    (line,) = refusals(capsys)
    assert line.lower().startswith(f"refused: {mirror}: ".lower())


def test_files_may_come_from_several_mirrors(published, tmp_path, capsys):
    write(tmp_path / "first", published | {LABELS: b"<!DOCTYPE html><html>sign in</html>"})
    write(tmp_path / "second", {LABELS: published[LABELS]})
    assert download(tmp_path) == "mnist"
    (line,) = refusals(capsys)
    assert line == f"refused: first: {LABELS}: it is an HTML page, not the file"


def test_without_a_fallback_the_error_names_every_mirror(published, tmp_path, monkeypatch):
    write(tmp_path / "first", published | {LABELS: b"other bytes"})
    monkeypatch.setenv(MIRROR_VARIABLE, "http://127.0.0.1:9")
    with pytest.raises(UserError) as error:
        download(tmp_path)
    for words in (
        rf"served {LABELS} as it is published",
        r"  http://127.0.0.1:9: no answer (",
        rf"  first: {LABELS}: expected {len(published[LABELS])} bytes, received 11",
        r"  second: expected a folder or an http(s) address, found none",
        f"set {MIRROR_VARIABLE} to a folder or an address",
    ):
        assert words in str(error.value)
    assert not (tmp_path / "raw").exists()


def test_a_wrong_count_is_refused(published, tmp_path, monkeypatch):
    monkeypatch.setitem(PUBLISHED, "mnist", replace(PUBLISHED["mnist"], images=(7, 2)))
    write(tmp_path / "first", published)
    with pytest.raises(UserError, match=r"expected \(7, 2\) images, found \(6, 2\)"):
        download(tmp_path)


def test_a_failed_download_keeps_the_former_one(published, tmp_path):
    write(tmp_path / "raw", {"dataset.json": b"{}"})
    with pytest.raises(UserError):
        download(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"raw", ".raw.lock"}
    assert (tmp_path / "raw" / "dataset.json").read_bytes() == b"{}"


def test_the_time_for_all_mirrors_is_limited(published, tmp_path, monkeypatch):
    with contextlib.ExitStack() as servers:
        bad = tuple(servers.enter_context(serving(stalled, published)) for _ in range(9))
        monkeypatch.setitem(PUBLISHED, "mnist", replace(PUBLISHED["mnist"], mirrors=bad))
        began = time.monotonic()
        with pytest.raises(UserError, match="the time for all transfers was over"):
            download(tmp_path, limits=replace(IMPATIENT, total_seconds=0.7))
    assert time.monotonic() - began < 0.3 * 9


def test_the_fallback_is_loud_and_bears_its_own_name(published, tmp_path, capsys):
    write(tmp_path / "first", published | {LABELS: b"other bytes"})
    assert download(tmp_path, fallback="optdigits") == "optdigits"
    said = capsys.readouterr().err
    for words in (
        "mnist is out of reach",
        "optdigits",
        "(metrics/, reports/, dvc.lock) are replaced in the working tree",
        "git restore dvc.lock metrics reports",
        "dvc repro --force --single-item download && dvc repro",
        f"refused: first: {LABELS}",
    ):
        assert words in said
    kept = {path.name for path in (tmp_path / "raw").iterdir()}
    assert kept == {"dataset.json", "digits.csv.gz"}
    assert set(json.loads((tmp_path / "raw" / "dataset.json").read_text())["files"]) < kept
    stored = read_raw(tmp_path / "raw", read_image)
    assert (stored.name, stored.images.shape, stored.white) == ("optdigits", (1797, 8, 8), 16)
    from sklearn.datasets import load_digits

    np.testing.assert_array_equal(stored.images, load_digits().images)
    np.testing.assert_array_equal(stored.labels, load_digits().target)


def test_the_commands_of_the_announcement_put_committed_results_back(published, tmp_path, capsys):
    def git(*words):
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        subprocess.run(["git", *identity, *words], cwd=tmp_path, check=True)

    for name in ("dvc.lock", "metrics/ann/test.json", "reports/report.html"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("of mnist")
    git("init", "--quiet")
    git("add", "--all")
    git("commit", "--quiet", "--message", "results")
    assert download(tmp_path, fallback="optdigits") == "optdigits"
    (tmp_path / "dvc.lock").write_text("of optdigits")
    (tmp_path / "metrics/ann/test.json").write_text("of optdigits")
    said = capsys.readouterr().err
    (command,) = (line.partition(": ")[2] for line in said.splitlines() if "git restore" in line)
    subprocess.run(command.split(), cwd=tmp_path, check=True)
    assert (tmp_path / "dvc.lock").read_text() == "of mnist"
    assert (tmp_path / "metrics/ann/test.json").read_text() == "of mnist"
