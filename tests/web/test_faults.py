"""What fails while the service runs: told clearly, logged once, and over when its cause is."""

import errno
import logging
import os
import shutil
import signal
import threading
import time
from multiprocessing import forkserver

import numpy as np
import psutil
import pytest
import requests

from digits.core.errors import UserError
from digits.inference import bundle
from digits.serve import answer
from digits.serve.reader import Reader
from digits.serve.web import scanning
from digits.serve.web.problems import LOG
from tests import tiny
from tests.web.browser import SEVEN, all_asked, number_is
from tests.web.conftest import StubReader, encoded, post, refused


@pytest.fixture
def logged(monkeypatch):
    """The lines of the service's log."""
    lines: list[str] = []
    form = logging.Formatter()
    monkeypatch.setattr(LOG, "callHandlers", lambda record: lines.append(form.format(record)))
    return lines


class TinyReader(Reader):
    """Models that read drawn rings and bars."""

    def __init__(self, folder):
        super().__init__(["svc", "cnn"], tiny.save_models(folder), threads=1)
        self.may_read = threading.Event()


PAGE = encoded(tiny.page("011"))


def raising(error):
    def run(*_):
        raise type(error)(*error.args)

    return run


FAILING = {
    "raises": raising(RuntimeError("Non-zero status code, /onnxruntime_src/x.cc")),
    "no memory": raising(MemoryError()),
    "not a number": lambda _, given: [np.full((len(given["images"]), 2), np.nan, np.float32)],
    "infinite": lambda _, given: [np.full((len(given["images"]), 2), np.inf, np.float32)],
    "another form": lambda _, given: [np.zeros((len(given["images"]) + 1, 2), np.float32)],
    "nothing": lambda _, given: [],
}


@pytest.mark.parametrize("fault", FAILING)
def test_a_model_that_fails_is_named_and_the_others_answer(serve, logged, tmp_path, fault):
    reader = TinyReader(tmp_path)
    graph = reader._predictors["svc"]._graph
    working = graph._session

    class Session:
        run = staticmethod(FAILING[fault])

    with serve(reader=reader) as service:
        assert post(service, PAGE).json()["numbers"] == {"svc": ["011"], "cnn": ["011"]}
        graph._session = Session()
        for _ in range(3):
            assert "svc is out of order" in refused(post(service, PAGE), 500)
            assert post(service, PAGE, "?model=cnn").json()["numbers"] == {"cnn": ["011"]}
        assert len(logged) == 1
        assert "svc" in logged[0]
        assert "dvc repro train_svc" in logged[0]
        graph._session = working
        assert post(service, PAGE).status_code == 200


@pytest.mark.parametrize("replaced", [False, True])
def test_a_service_keeps_the_models_that_it_was_started_with(serve, logged, tmp_path, replaced):
    with serve(reader=TinyReader(tmp_path)) as service:
        before = post(service, PAGE).content
        known = requests.get(f"{service.address}/api/models", timeout=5).json()
        if replaced:
            graph = tiny.ink_in_the_middle(weight=-1.0)
            bundle.save(tmp_path / "svc", graph, tiny.DESCRIPTION)
        else:
            shutil.rmtree(tmp_path)
        assert post(service, PAGE).content == before
        assert requests.get(f"{service.address}/api/models", timeout=5).json() == known
        assert logged == []


def scanning_processes(service):
    """Those of this test's service, and what forks them."""
    forking = vars(forkserver._forkserver)["_forkserver_pid"]
    return forking, psutil.Process(forking).children()


@pytest.mark.parametrize("killed", ["those that scan", "what forks them", "all"])
def test_processes_that_are_gone_are_replaced(service, drawing, killed):
    assert post(service, drawing).status_code == 200
    forking, scanning_now = scanning_processes(service)
    if killed != "what forks them":
        for process in scanning_now:
            process.kill()
        psutil.wait_procs(scanning_now, 5)
    if killed != "those that scan":
        os.kill(forking, signal.SIGKILL)
    response = post(service, drawing)
    if response.status_code != 200:  # it is still being killed
        assert "no process" in refused(response, 503)
        time.sleep(float(response.headers["retry-after"]))
    for _ in range(3):
        assert post(service, drawing).json()["numbers"]["cnn"] == ["77"]


@pytest.mark.parametrize(
    "error", [OSError(errno.EAGAIN, "no process"), OSError(errno.EMFILE, "no file"), EOFError()]
)
def test_where_no_process_can_be_made_it_is_said(service, logged, drawing, monkeypatch, error):
    assert post(service, drawing).status_code == 200
    _, scanning_now = scanning_processes(service)
    with monkeypatch.context() as broken:
        broken.setattr(scanning.ScanningProcess, "__init__", raising(error))
        for process in scanning_now:
            process.kill()
        psutil.wait_procs(scanning_now, 5)
        for _ in range(3):
            response = post(service, drawing)
            assert "no process" in refused(response, 503)
            assert int(response.headers["retry-after"]) > 0
            assert requests.get(f"{service.address}/healthz", timeout=5).ok
        assert len(logged) == 1
    assert post(service, drawing).status_code == 200


def test_a_fault_of_the_code_is_logged_once_with_its_trace(service, logged, drawing, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(answer, "of_page", raising(ValueError("fault")))
        for _ in range(3):
            assert "fault of the service" in refused(post(service, drawing), 500)
        assert len(logged) == 1
        assert "Traceback" in logged[0]
        assert "ValueError: fault" in logged[0]
    assert post(service, drawing).status_code == 200


class Broken(StubReader):
    def __init__(self, *broken):
        super().__init__()
        self.broken = broken

    def predict(self, images, model):
        if model in self.broken:
            raise UserError(f"models/{model}: model.onnx: its answer is not finite")
        return super().predict(images, model)


def test_the_page_shows_what_the_first_model_says_where_another_fails(browser, serve):
    reader = Broken("svc")
    with serve(reader=reader) as service:
        browser.open(service.address)
        browser.draw(SEVEN)
        browser.wait(number_is("7"))
        browser.wait_text("#state", "The other models give no answer")
        reader.broken = ()
        browser.draw([(x + 150, y) for x, y in SEVEN])
        browser.wait(all_asked(2))
        browser.wait("!document.querySelector('#state').checkVisibility()")


def test_the_page_says_that_the_first_model_fails(browser, serve):
    with serve(reader=Broken("cnn", "svc")) as service:
        browser.open(service.address)
        browser.draw(SEVEN)
        browser.wait_text("#problem", "cnn is out of order")
        assert not browser.seen("#state")
