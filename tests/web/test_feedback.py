"""Corrections: on the disk once they are confirmed, and a data set in the end."""

import base64
import errno
import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress

import cv2
import numpy as np
import psutil
import pytest
import requests

from digits.core import paths
from digits.core.errors import UserError
from digits.datasets import download
from digits.datasets.raw.read import read_raw
from digits.scan.single.read import read_digit
from digits.serve import corrected, feedback, png
from digits.serve.feedback import FullError, Store

PREDICTIONS, MODELS = {"cnn": "1"}, {"cnn": "a" * 64}


def image(seed, label=7):
    picture = np.zeros((28, 28), np.uint8)
    cv2.putText(picture, str(label), (8, 21), cv2.FONT_HERSHEY_SIMPLEX, 0.6, 255, 2)
    picture[13:15, 13:15] = seed + 100
    return picture


def uri(file):
    return "data:image/png;base64," + base64.b64encode(file).decode()


def correct(service, **changes):
    """Send a correction that is right but for the changes."""
    body = {"label": "1", "predictions": {"cnn": "7"}} | changes
    return requests.post(f"{service.address}/api/feedback", json=body, timeout=20)


def given(service, drawing):
    """Images as the service gave them."""
    read = requests.post(f"{service.address}/api/predict", drawing, timeout=20).json()
    return [digit["image"] for digit in read["digits"]]


def detail(response, status):
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert "/tmp" not in response.text
    return response.json()["detail"]


# Over HTTP ------------------------------------------------------------------------------------


def test_a_correction_is_kept(service, drawing, tmp_path):
    image, _ = given(service, drawing)
    response = correct(service, image=image, predictions={"cnn": "7", "svc": "7"})
    assert response.status_code == 201
    kept = json.loads((tmp_path / "feedback" / f"{response.json()['id']}.json").read_text())
    assert kept["label"] == "1"
    assert kept["predictions"] == {"cnn": "7", "svc": "7"}
    assert kept["models"] == service.reader.digests
    assert kept["time"].endswith("Z")
    np.testing.assert_array_equal(
        png.decode(base64.b64decode(kept["image"])),
        png.decode(base64.b64decode(image.partition(",")[2])),
    )


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"label": "../../x"}, 422),
        ({"label": "11"}, 422),
        ({"label": None}, 422),
        ({"predictions": {"ann": "7"}}, 422),
        ({"predictions": {"cnn": "x"}}, 422),
        ({"predictions": {}}, 422),
        ({"predictions": {"/tmp/secret": "7"}}, 422),
        ({"/tmp/secret": 1}, 422),
        ({"image": "data:image/png;base64,\u00e9"}, 422),
        ({"image": "data:image/png;base64,AAAA"}, 409),
        ({"image": "data:image/svg+xml;base64,AAAA"}, 422),
        ({"extra": 1}, 422),
    ],
)
def test_what_is_no_correction_is_refused(service, drawing, tmp_path, body, status):
    good, _ = given(service, drawing)
    response = correct(service, **{"image": good} | body)
    assert "secret" not in detail(response, status)
    assert not list(tmp_path.glob("feedback/*.json"))


def test_only_what_predict_gave_can_be_corrected(serve, drawing, tmp_path):
    with serve(tmp_path / "a") as service:
        good, _ = given(service, drawing)
        signed = base64.b64decode(good.partition(",")[2])
        other = Store(tmp_path / "other").sign(image(1))
        flipped = bytearray(signed)
        flipped[-30] ^= 1
        forged = [
            png.encode(image(1)),
            png.encode(png.decode(signed)),
            other,
            png.encode(image(1))[:-12] + signed[-98:],  # another image with the good end
            bytes(flipped),
            signed[:-1],
            signed + b"\0",
        ]
        for file in forged:
            assert "predict gave" in detail(correct(service, image=uri(file)), 409)
        assert correct(service, image=good).status_code == 201
    # The key is the installation's: an answer outlasts the service that gave it.
    with serve(tmp_path / "a") as service:
        assert correct(service, image=good).status_code == 201
    with serve(tmp_path / "b") as service:
        assert correct(service, image=good).status_code == 409


def test_a_correction_can_be_withdrawn(service, drawing, tmp_path):
    one, other = given(service, drawing)
    keys = [correct(service, image=digit).json()["id"] for digit in (one, other)]
    address = f"{service.address}/api/feedback/{keys[0]}"
    refusal = requests.delete(address, headers={"origin": "http://evil.example"}, timeout=5)
    assert refusal.status_code == 403
    response = requests.delete(address, timeout=5)
    assert (response.status_code, response.content) == (204, b"")
    assert [path.stem for path in (tmp_path / "feedback").glob("*.json")] == [keys[1]]
    assert "withdrawn" in detail(requests.delete(address, timeout=5), 404)


@pytest.mark.parametrize(
    "key", ["x", "../x", "..%2f..%2fsecret", "%00", "1" * 20 + "-" + "g" * 32, "a" * 5000]
)
def test_nothing_else_can_be_withdrawn(service, tmp_path, key):
    secret = tmp_path / "secret.json"
    secret.touch()
    response = requests.delete(f"{service.address}/api/feedback/{key}", timeout=5)
    detail(response, response.status_code)
    assert response.status_code in (404, 405, 422)
    assert secret.exists()


def test_nothing_is_stored_unless_asked(serve, drawing):
    with serve() as service:
        assert not requests.get(f"{service.address}/api/models", timeout=5).json()["feedback"]
        image, _ = given(service, drawing)
        detail(correct(service, image=image), 404)
        detail(requests.delete(f"{service.address}/api/feedback/x", timeout=5), 404)


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (errno.ENOSPC, 507, "full"),
        (errno.EDQUOT, 507, "full"),
        (errno.EACCES, 503, "Permission denied"),
        (errno.EROFS, 503, "Read-only"),
        (errno.EIO, 503, "Input/output"),
        (errno.EMFILE, 503, "Too many open files"),
    ],
)
def test_a_disk_that_takes_nothing_is_said(service, drawing, monkeypatch, error, status, words):
    image, _ = given(service, drawing)
    key = correct(service, image=image).json()["id"]

    def fail(*_):
        raise OSError(error, os.strerror(error), "/tmp/secret")

    for call in ("fsync", "rename", "unlink"):
        with monkeypatch.context() as broken:
            broken.setattr(os, call, fail)
            if call == "unlink":
                response = requests.delete(f"{service.address}/api/feedback/{key}", timeout=5)
            else:
                response = correct(service, image=image)
            assert words in detail(response, status)
    assert correct(service, image=image).status_code == 201


@pytest.mark.parametrize("broken", ["file", "removed", "arriving"])
def test_a_broken_folder_is_said(service, drawing, tmp_path, broken):
    image, _ = given(service, drawing)
    folder = tmp_path / "feedback"
    moved = folder.rename(tmp_path / "moved")
    if broken == "file":
        folder.touch()
        assert "cannot be stored" in detail(correct(service, image=image), 503)
        folder.unlink()
    elif broken == "arriving":
        folder.mkdir()
        (folder / ".arriving").touch()
        assert "cannot be stored" in detail(correct(service, image=image), 503)
        (folder / ".arriving").unlink()
    # It is made anew, and what the service gave before is still known.
    assert correct(service, image=image).status_code == 201
    assert len(list(folder.glob("*.json"))) == 1
    assert moved.is_dir()


# The store ------------------------------------------------------------------------------------


def test_no_more_corrections_are_taken_than_may_be(tmp_path):
    store = Store(tmp_path, most=3)
    names = [store.add(image(seed), "3", PREDICTIONS, MODELS) for seed in range(3)]
    for one in (store, Store(tmp_path, most=3)):
        with pytest.raises(FullError, match="digits feedback"):
            one.add(image(4), "3", PREDICTIONS, MODELS)
    assert store.withdraw(names[0])
    names.append(store.add(image(5), "3", PREDICTIONS, MODELS))
    # Those that somebody has moved away make room, too.
    (tmp_path / f"{names[1]}.json").unlink()
    store.add(image(6), "3", PREDICTIONS, MODELS)
    with pytest.raises(FullError):
        store.add(image(7), "3", PREDICTIONS, MODELS)
    assert len(list(tmp_path.glob("*.json"))) == 3


def test_what_could_not_be_written_takes_no_room(tmp_path, monkeypatch):
    store = Store(tmp_path, most=1)

    def fail(*_):
        raise OSError(errno.ENOSPC, "full")

    for _ in range(3):
        with monkeypatch.context() as broken, pytest.raises(OSError, match="full"):
            broken.setattr(os, "fsync", fail)
            store.add(image(1), "3", PREDICTIONS, MODELS)
    assert not list((tmp_path / ".arriving").iterdir())
    store.add(image(1), "3", PREDICTIONS, MODELS)


def test_what_killed_services_left_is_cleared(tmp_path):
    store = Store(tmp_path)
    arriving = tmp_path / ".arriving"
    old, new = arriving / "old.json", arriving / "new.json"
    for path in (old, new):
        path.write_text("{")
    os.utime(old, (0, time.time() - 10 * feedback.ABANDONED_SECONDS))
    name = store.add(image(1), "3", PREDICTIONS, MODELS)
    os.utime(tmp_path / f"{name}.json", (0, 0))
    Store(tmp_path)
    assert [path.name for path in arriving.iterdir()] == ["new.json"]
    assert (tmp_path / f"{name}.json").is_file()


def test_an_image_is_signed_the_same_way_each_time(tmp_path):
    store = Store(tmp_path)
    assert store.sign(image(1)) == Store(tmp_path).sign(image(1)) != store.sign(image(2))
    np.testing.assert_array_equal(store.verify(store.sign(image(1))), image(1))
    np.testing.assert_array_equal(png.decode(store.sign(image(1))), image(1))
    assert (tmp_path / feedback.KEY).stat().st_mode & 0o077 == 0
    (tmp_path / feedback.KEY).write_bytes(b"short")
    with pytest.raises(UserError, match="remove it"):
        Store(tmp_path)


def test_services_that_start_together_make_one_key(tmp_path):
    signed: list[bytes] = []
    starts = [
        threading.Thread(target=lambda: signed.append(Store(tmp_path).sign(image(1))))
        for _ in range(8)
    ]
    for start in starts:
        start.start()
    for start in starts:
        start.join()
    assert len(signed) == 8
    assert len(set(signed)) == 1


def test_only_a_small_png_is_decoded():
    np.testing.assert_array_equal(png.decode(png.encode(image(1))), image(1))
    assert png.decode(png.encode(np.zeros((28, 29), np.uint8))) is None
    assert png.decode(png.encode(image(1))[:60]) is None
    assert png.decode(b"") is None


WRITER = """
import sys, threading
from pathlib import Path
import numpy as np
import psutil
from digits.serve.feedback import Store

store = Store(Path(sys.argv[1]))

def write():
    for number in range(10_000):
        image = np.full((28, 28), number % 256, np.uint8)
        name = store.add(image, "3", {"cnn": "8"}, {"cnn": "0"})
        sys.stdout.write(name + "\\n")
        sys.stdout.flush()

for _ in range(3):
    threading.Thread(target=write).start()
"""


def test_killed_writers_lose_nothing_that_was_confirmed(tmp_path):
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, cwd=paths.ROOT
        )
        for _ in range(3)
    ]
    deadline = time.monotonic() + 30
    while len(list(tmp_path.glob("*.json"))) < 200 and time.monotonic() < deadline:
        time.sleep(0.02)
    for writer in writers:
        os.kill(writer.pid, signal.SIGKILL)
    confirmed = [
        name for writer in writers for name in writer.communicate()[0].decode().split("\n")[:-1]
    ]
    assert len(confirmed) >= 100
    assert len(set(confirmed)) == len(confirmed)
    for name in confirmed:
        assert (tmp_path / f"{name}.json").is_file()
    for path in tmp_path.glob("*.json"):
        record = feedback.Record.model_validate_json(path.read_bytes())
        assert png.decode(base64.b64decode(record.image)) is not None


SERVICE = """
import sys
from pathlib import Path
from digits.serve.feedback import Store
from digits.serve.web import app, serving
from digits.serve.web.settings import Settings
from tests.web.conftest import StubReader

listening = serving.bind("127.0.0.1", 0)
print(listening.getsockname()[1], flush=True)
store = Store(Path(sys.argv[1]))
serving.server(app.create(StubReader, Settings(), store)).run(sockets=[listening])
"""


def test_a_killed_service_loses_nothing_that_was_confirmed_and_leaves_no_process(tmp_path):
    service = subprocess.Popen(
        [sys.executable, "-c", SERVICE, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=paths.ROOT,
    )
    assert service.stdout
    address = f"http://127.0.0.1:{service.stdout.readline().strip()}/api/feedback"
    while not (tmp_path / feedback.KEY).exists():
        time.sleep(0.01)
    store = Store(tmp_path)
    confirmed: list[str] = []

    def send(client):
        body = {"label": "1", "predictions": {"cnn": "7"}}
        with requests.Session() as session, suppress(requests.RequestException):
            for number in range(10_000):
                body["image"] = uri(store.sign(image(number % 100, client)))
                response = session.post(address, json=body, timeout=60)
                assert response.status_code == 201
                confirmed.append(response.json()["id"])

    clients = [threading.Thread(target=send, args=(client,)) for client in range(4)]
    for client in clients:
        client.start()
    deadline = time.monotonic() + 60
    while len(confirmed) < 100 and time.monotonic() < deadline:
        time.sleep(0.01)
    children = psutil.Process(service.pid).children(recursive=True)
    assert children
    service.kill()
    service.wait()
    service.stdout.close()
    for client in clients:
        client.join()
    assert len(set(confirmed)) == len(confirmed) >= 100
    for name in confirmed:
        record = feedback.Record.model_validate_json((tmp_path / f"{name}.json").read_bytes())
        assert png.decode(base64.b64decode(record.image)) is not None
    _, left = psutil.wait_procs(children, timeout=10)
    assert not [process for process in left if process.status() != psutil.STATUS_ZOMBIE]


def test_a_folder_that_takes_no_corrections_is_said_at_once(tmp_path):
    Store(tmp_path / "new" / "feedback")
    Store(tmp_path / "new" / "feedback")
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="--feedback"):
        Store(tmp_path / "file" / "feedback")


# The data set ---------------------------------------------------------------------------------


def test_a_data_set_of_the_last_corrections(tmp_path):
    records, target = tmp_path / "records", tmp_path / "own"
    store = Store(records)
    for seed, label in ((1, "3"), (2, "5"), (1, "8"), (3, "none"), (4, "5"), (4, "none")):
        store.add(image(seed), label, PREDICTIONS, MODELS)
    (records / "00-broken.json").write_text("{")
    (name, *_) = records.glob("*1*.json")
    good = json.loads(name.read_text())
    (records / "01-umlaut.json").write_text(json.dumps({**good, "image": "\u00e4"}))
    (target / "8").mkdir(parents=True)
    mine = target / "8" / "mine.png"
    mine.write_bytes(png.encode(image(9)))
    made = corrected.export(records, target)
    assert made.counts == {"5": 1, "8": 1}
    assert (made.records, made.no_digit) == (6, 2)
    assert made.unreadable == ("00-broken.json", "01-umlaut.json")
    assert mine.is_file()

    store.add(image(1), "5", PREDICTIONS, MODELS)
    assert corrected.export(records, target).counts == {"5": 2}
    assert list((target / "8").iterdir()) == [mine]

    params = download.Params(name="folder", path=str(target), fallback="none")
    download.download(params, tmp_path / "raw", read_digit)
    read = read_raw(tmp_path / "raw", read_digit)
    assert read.classes == ("5", "8")
    assert sorted(read.labels) == [0, 0, 1]


def test_no_correction_is_an_error(tmp_path):
    with pytest.raises(UserError, match="--feedback"):
        corrected.export(tmp_path, tmp_path / "own")
    assert not (tmp_path / "own").exists()
