"""A stage does not outlive the dvc that started it."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from digits.core import paths

STAGE = """
import pathlib, sys, time
from digits.core import errors
with errors.reported():
    try:
        pathlib.Path(sys.argv[1]).write_text("at work")
        time.sleep(60)
    finally:
        pathlib.Path(sys.argv[1]).unlink()
"""
STARTER = """
import subprocess, sys
subprocess.run(sys.argv[1], shell=True, executable=sys.argv[2])
"""


def wait_for(condition, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    return condition()


@pytest.mark.parametrize("command", ["{stage}", "{stage}; true"])
@pytest.mark.parametrize("started_by_dvc", [True, False])
def test_a_stage_ends_when_dvc_is_killed(tmp_path, command, started_by_dvc):
    mark = tmp_path / "mark"
    (tmp_path / "stage.py").write_text(STAGE)
    stage = f"exec {sys.executable} {tmp_path}/stage.py {mark}"
    if command != "{stage}":
        stage = stage.removeprefix("exec ")
    environment = os.environ | {"PYTHONPATH": str(paths.ROOT)}
    environment.pop("DVC_STAGE", None)
    if started_by_dvc:
        environment["DVC_STAGE"] = "train"
    with subprocess.Popen(
        [sys.executable, "-c", STARTER, command.format(stage=stage), "/bin/sh"],
        env=environment,
        start_new_session=True,
    ) as starter:
        assert wait_for(mark.exists)
        (worker,) = [
            child
            for child in psutil.Process(starter.pid).children(recursive=True)
            if "stage.py" in " ".join(child.cmdline()) and "python" in child.name()
        ]
        starter.kill()
    try:
        ended = wait_for(lambda: not worker.is_running(), 6 if started_by_dvc else 2.5)
        assert ended == started_by_dvc
        assert mark.exists() != started_by_dvc
    finally:
        if worker.is_running():
            worker.send_signal(signal.SIGKILL)
