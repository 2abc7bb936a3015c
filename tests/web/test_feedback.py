"""Corrections: on the disk once they are confirmed, and a data set in the end."""

import base64
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
import pytest
import requests

from digits.core import paths
from digits.core.errors import UserError
from digits.datasets import download
from digits.datasets.raw.read import read_raw
from digits.scan.single.read import read_digit
from digits.serve import feedback

PREDICTIONS, MODELS = {"cnn": "1"}, {"cnn": "a" * 64}


def image(seed, label=7):
    picture = np.zeros((28, 28), np.uint8)
    cv2.putText(picture, str(label), (8, 21), cv2.FONT_HERSHEY_SIMPLEX, 0.6, 255, 2)
    picture[13:15, 13:15] = seed + 100
    return picture


def add(folder, seed, label):
    return feedback.add(folder, image(seed), label, PREDICTIONS, MODELS)


def test_a_correction_is_kept(service, drawing, tmp_path):
    digit = requests.post(f"{service.address}/api/predict", drawing, timeout=20).json()["digits"][0]
    response = requests.post(
        f"{service.address}/api/feedback",
        json={"image": digit["image"], "label": "1", "predictions": {"cnn": "7", "svc": "7"}},
        timeout=5,
    )
    assert response.status_code == 201
    kept = json.loads((tmp_path / "feedback" / f"{response.json()['id']}.json").read_text())
    assert kept["label"] == "1"
    assert kept["predictions"] == {"cnn": "7", "svc": "7"}
    assert kept["models"] == service.reader.digests
    assert kept["time"].endswith("Z")
    assert "data:image/png;base64," + kept["image"] == digit["image"]


def test_a_correction_can_be_withdrawn(service, tmp_path):
    folder = tmp_path / "feedback"
    kept, withdrawn = add(folder, 1, "1"), add(folder, 2, "2")
    address = f"{service.address}/api/feedback"
    assert requests.delete(f"{address}/{withdrawn}", timeout=5).status_code == 204
    assert [path.stem for path in folder.glob("*.json")] == [kept]
    again = requests.delete(f"{address}/{withdrawn}", timeout=5)
    assert (again.status_code, again.headers["content-type"]) == (404, "application/problem+json")
    other = requests.delete(f"{address}/{kept}", headers={"origin": "http://x.org"}, timeout=5)
    assert other.status_code == 403
    (folder / "notes.json").write_text("{}")
    for name in ("notes", "..%2f..%2fnotes", f"{kept}.json", "x" * 200):
        assert requests.delete(f"{address}/{name}", timeout=5).status_code in (404, 422)
    assert sorted(path.stem for path in folder.glob("*.json")) == [kept, "notes"]


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
def test_what_is_no_correction_is_refused(service, tmp_path, body, status):
    good = "data:image/png;base64," + base64.b64encode(feedback.png(image(1))).decode()
    response = requests.post(
        f"{service.address}/api/feedback",
        json={"image": good, "label": "1", "predictions": {"cnn": "7"}} | body,
        timeout=5,
    )
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert "secret" not in response.text
    assert not list(tmp_path.glob("feedback/*.json"))


def test_nothing_is_stored_unless_asked(serve):
    with serve() as service:
        assert not requests.get(f"{service.address}/api/models", timeout=5).json()["feedback"]
        response = requests.post(f"{service.address}/api/feedback", json={}, timeout=5)
        assert response.status_code == 404


def test_only_a_small_png_is_taken():
    np.testing.assert_array_equal(feedback.from_png(feedback.png(image(1))), image(1))
    assert feedback.from_png(feedback.png(np.zeros((28, 29), np.uint8))) is None
    assert feedback.from_png(feedback.png(image(1))[:60]) is None
    assert feedback.from_png(b"") is None


WRITER = """
import sys, threading
from pathlib import Path
import numpy as np
from digits.serve import feedback

def write():
    for number in range(10_000):
        image = np.full((28, 28), number % 256, np.uint8)
        name = feedback.add(Path(sys.argv[1]), image, "3", {"cnn": "8"}, {"cnn": "0"})
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
        assert feedback.from_png(base64.b64decode(record.image)) is not None


SERVICE = """
import sys
from pathlib import Path
from digits.serve.web import app, serving
from digits.serve.web.limits import Settings
from tests.web.conftest import StubReader

listening = serving.bind("127.0.0.1", 0)
print(listening.getsockname()[1], flush=True)
store = Path(sys.argv[1])
serving.server(app.create(StubReader(), Settings(), store)).run(sockets=[listening])
"""


def test_a_killed_service_loses_nothing_that_was_confirmed(tmp_path):
    service = subprocess.Popen(
        [sys.executable, "-c", SERVICE, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=paths.ROOT,
    )
    assert service.stdout
    address = f"http://127.0.0.1:{service.stdout.readline().strip()}/api/feedback"
    confirmed: list[str] = []

    def send(client):
        body = {"label": "1", "predictions": {"cnn": "7"}}
        with requests.Session() as session, suppress(requests.ConnectionError):
            for number in range(10_000):
                png = base64.b64encode(feedback.png(image(number % 100, client))).decode()
                body["image"] = f"data:image/png;base64,{png}"
                response = session.post(address, json=body, timeout=20)
                assert response.status_code == 201
                confirmed.append(response.json()["id"])

    clients = [threading.Thread(target=send, args=(client,)) for client in range(4)]
    for client in clients:
        client.start()
    deadline = time.monotonic() + 60
    while len(confirmed) < 100 and time.monotonic() < deadline:
        time.sleep(0.01)
    service.kill()
    service.wait()
    service.stdout.close()
    for client in clients:
        client.join()
    assert len(set(confirmed)) == len(confirmed) >= 100
    for name in confirmed:
        record = feedback.Record.model_validate_json((tmp_path / f"{name}.json").read_bytes())
        assert feedback.from_png(base64.b64decode(record.image)) is not None


def test_a_folder_that_takes_no_corrections_is_said_at_once(tmp_path):
    feedback.prepare(tmp_path / "new" / "feedback")
    feedback.prepare(tmp_path / "new" / "feedback")
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="--feedback"):
        feedback.prepare(tmp_path / "file" / "feedback")


def test_a_data_set_of_the_last_corrections(tmp_path):
    records, target = tmp_path / "records", tmp_path / "own"
    for seed, label in ((1, "3"), (2, "5"), (1, "8"), (3, "none"), (4, "5"), (4, "none")):
        add(records, seed, label)
    (records / "00-broken.json").write_text("{")
    (name, *_) = records.glob("*1*.json")
    good = json.loads(name.read_text())
    (records / "01-umlaut.json").write_text(json.dumps({**good, "image": "\u00e4"}))
    (target / "8").mkdir(parents=True)
    mine = target / "8" / "mine.png"
    mine.write_bytes(feedback.png(image(9)))
    made = feedback.export(records, target)
    assert made.counts == {"5": 1, "8": 1}
    assert (made.records, made.no_digit) == (6, 2)
    assert made.unreadable == ("00-broken.json", "01-umlaut.json")
    assert mine.is_file()

    add(records, 1, "5")
    assert feedback.export(records, target).counts == {"5": 2}
    assert list((target / "8").iterdir()) == [mine]

    params = download.Params(name="folder", path=str(target), fallback="none")
    download.download(params, tmp_path / "raw", read_digit)
    read = read_raw(tmp_path / "raw", read_digit)
    assert read.classes == ("5", "8")
    assert sorted(read.labels) == [0, 0, 1]


def test_no_correction_is_an_error(tmp_path):
    with pytest.raises(UserError, match="--feedback"):
        feedback.export(tmp_path, tmp_path / "own")
    assert not (tmp_path / "own").exists()
