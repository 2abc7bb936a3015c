"""The second process of a stage: never in the way, whatever becomes of stage and store."""

import os
import signal
import subprocess
import sys
import time

import pytest

from digits.core import paths
from digits.tracking import connection
from digits.tracking.publisher import Publisher
from tests.trained import HARDWARE, MODEL

FINDS_TESTS = {"PYTHONPATH": str(paths.ROOT)}


def publish_from_a_stage(work):
    with Publisher() as publisher:
        publisher.open(MODEL, HARDWARE.as_dict())
        publisher.epoch({"epoch": 1, "train_loss": 0.5})
        work(publisher)


def test_a_stage_that_dies_leaves_no_running_run(store):
    def interrupt(publisher):
        raise KeyboardInterrupt

    def fail(publisher):
        raise ZeroDivisionError

    stage = (
        "import os; from tests.unit.test_tracking_publisher import publish_from_a_stage;"
        "publish_from_a_stage(lambda publisher: os.kill(os.getpid(), 9))"
    )
    killed = subprocess.run([sys.executable, "-c", stage], env=os.environ | FINDS_TESTS)
    assert killed.returncode == -signal.SIGKILL
    with pytest.raises(KeyboardInterrupt):
        publish_from_a_stage(interrupt)
    with pytest.raises(ZeroDivisionError):
        publish_from_a_stage(fail)

    def statuses():
        found = store.client.search_runs([store.experiment])
        return sorted(run.info.status for run in found)

    end = time.monotonic() + 60  # the killed stage's second process ends by itself
    while statuses() != ["FAILED", "KILLED", "KILLED"] and time.monotonic() < end:
        time.sleep(0.5)
    assert statuses() == ["FAILED", "KILLED", "KILLED"]
    runs = store.client.search_runs([store.experiment])
    assert all("epoch/train_loss" in run.data.metrics for run in runs)


@pytest.mark.parametrize(
    "uri", ["http://127.0.0.1:9", "sqlite:////proc/no/store.db", "nonsense://store"]
)
def test_a_store_out_of_reach_is_a_warning(uri, monkeypatch, capfd):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    publish_from_a_stage(lambda publisher: None)
    said = capfd.readouterr().err
    assert f"warning: MLflow's store {uri} cannot be used" in said
    assert "`digits sync`" in said
    assert "Traceback" not in said


def test_a_stage_waits_a_short_time_for_a_server_that_never_answers(
    silent_server, monkeypatch, capfd
):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", silent_server)
    with Publisher() as publisher:
        publisher.open(MODEL, HARDWARE.as_dict())
        time.sleep(connection.PATIENCE_SECONDS)  # the stage computes
        publisher.publish(MODEL)
        ended = time.monotonic()
    assert time.monotonic() - ended < connection.PATIENCE_SECONDS
    said = capfd.readouterr().err
    assert f"warning: MLflow's store {silent_server} cannot be used: it did not answer" in said


def test_the_second_process_loads_neither_tensorflow_nor_what_trains(store):
    code = """if True:
        import json, sys
        from digits.tracking.session import Session
        from tests.trained import HARDWARE, MODEL
        session = Session()
        session.handle({"open": MODEL, "hardware": HARDWARE.as_dict(), "at": 1.0})
        session.handle({"epoch": {"epoch": 1, "train_loss": 0.5}, "at": 2.0})
        session.close()
        print(*{"tensorflow", "keras", "sklearn", "torch", "onnxruntime"} & set(sys.modules))
    """
    shown = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | FINDS_TESTS,
    )
    assert not shown.stdout.strip()
    assert not shown.stderr.strip()
