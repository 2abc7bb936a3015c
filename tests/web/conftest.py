"""A running service on a free port, with a reader that needs no trained model."""

import socket
import threading
import time
from contextlib import contextmanager
from dataclasses import replace

import cv2
import numpy as np
import pytest
import requests

from digits.core import paths
from digits.serve.feedback import Store
from digits.serve.reader import Example, Page, Prediction, ReadDigit
from digits.serve.web import app, serving
from digits.serve.web.problems import ProblemAnswer
from digits.serve.web.settings import Settings
from tests.web.browser import CHROMIUM, Browser

CLASSES = tuple("0123456789")


class StubReader:
    """Takes every digit for a 7; the second model abstains."""

    models: tuple[str, ...] = ("cnn", "svc")
    classes = CLASSES
    digests = {"cnn": "a" * 64, "svc": "b" * 64}  # noqa: RUF012

    def __init__(self):
        self.may_read = threading.Event()
        self.may_read.set()

    def predict(self, images, model):
        self.may_read.wait(10)
        return [self.say(model) for _ in images]

    def page(self, width, height, found, predictions):
        first = next(iter(predictions))
        return Page(
            width,
            height,
            tuple(
                ReadDigit(
                    digit.box,
                    digit.row,
                    digit.image,
                    {model: said[place] for model, said in predictions.items()},
                    (Example(digit.image, predictions[first][place].label),) * 3
                    if predictions[first][place].withheld == "unlike"
                    else (),
                )
                for place, digit in enumerate(found)
            ),
        )

    def say(self, model):
        score = {"cnn": 0.97, "svc": 0.55}[model]
        scores = [(1 - score) / 9] * 10
        scores[7] = score
        confident = score > 0.9
        return Prediction("7", score, tuple(scores), confident, None if confident else "score")


class Service:
    def __init__(self, address, reader, connections):
        self.address, self.reader, self.connections = address, reader, connections
        self.port = int(address.rpartition(":")[2])


@pytest.fixture
def serve():
    """Start the service with changed settings: `with serve(store, waiting=1) as service`."""

    @contextmanager
    def start(store=None, reader=None, port=0, **changes):
        reader = reader or StubReader()
        settings = replace(Settings(), **changes)
        listening = serving.bind("127.0.0.1", port)
        server = serving.server(app.create(lambda: reader, settings, store and Store(store)))
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.005)
        try:
            address = f"http://127.0.0.1:{listening.getsockname()[1]}"
            yield Service(address, reader, server.server_state.connections)
        finally:
            reader.may_read.set()
            server.should_exit = True
            thread.join(10)
            listening.close()

    return start


@pytest.fixture
def service(serve, tmp_path):
    with serve(tmp_path / "feedback") as running:
        yield running


@pytest.fixture(scope="session")
def _chromium(tmp_path_factory):
    if CHROMIUM is None:
        pytest.skip("there is no Chromium")
    started = Browser(tmp_path_factory.mktemp("profile"))
    yield started
    started.close()


@pytest.fixture
def browser(_chromium):
    """A tab of a headless Chromium."""
    with _chromium.tab():
        yield _chromium


@pytest.fixture
def touching(browser):
    """The same with a touch screen."""
    browser("Emulation.setTouchEmulationEnabled", enabled=True, maxTouchPoints=5)
    return browser


def encoded(image, kind=".png"):
    return cv2.imencode(kind, image)[1].tobytes()


@pytest.fixture
def drawing():
    """Two digits, dark on light, as PNG."""
    image = np.full((120, 200), 255, np.uint8)
    cv2.putText(image, "77", (30, 90), cv2.FONT_HERSHEY_SIMPLEX, 2.5, 0, 8, cv2.LINE_AA)
    return encoded(image)


def post(service, data, query="", **headers):
    return requests.post(f"{service.address}/api/predict{query}", data, headers=headers, timeout=20)


def refused(response, status):
    """The detail of an error that has the right form and gives nothing away."""
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    problem = ProblemAnswer.model_validate_json(response.content)
    assert problem.status == status
    for secret in (str(paths.ROOT), "Traceback", "File ", "/tmp", ".py", "onnx"):
        assert secret not in response.text
    return problem.detail


def raw(service, data):
    """Send bytes over a connection of their own; returns the socket."""
    connection = socket.create_connection(("127.0.0.1", service.port), timeout=10)
    connection.sendall(data)
    return connection
