"""Which runs this machine can do, and how DVC is asked for them."""

import os
import sys
from types import SimpleNamespace

import pytest

from digits.core.errors import UserError
from digits.experiments import definition, running
from digits.experiments.definition import Experiment, Run
from digits.experiments.running import FinishedRun


def test_a_choice_of_the_cpu_does_not_hide_the_gpu_from_the_next(monkeypatch):
    fake = SimpleNamespace(
        NVMLError=OSError,
        nvmlInit=lambda: None,
        nvmlShutdown=lambda: None,
        nvmlDeviceGetCount=lambda: 1,
        nvmlDeviceGetHandleByIndex=lambda index: index,
        nvmlDeviceGetName=lambda handle: "NVIDIA H100",
        nvmlDeviceGetCudaComputeCapability=lambda handle: (9, 0),
    )
    monkeypatch.setitem(sys.modules, "pynvml", fake)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    experiment = Experiment(
        title="t", models=("ann",), grid={"hardware.device": ("cpu", "gpu", "auto")}
    )
    able, left_out = running.possible(definition.runs("tried", experiment))
    assert [run.variant for run in able] == ["cpu", "gpu", "auto"]
    assert not left_out
    assert "CUDA_VISIBLE_DEVICES" not in os.environ


@pytest.mark.parametrize("error", [FileNotFoundError("gone"), OSError("broken"), KeyError("cache")])
def test_what_dvc_does_not_hold_any_more_is_said(monkeypatch, error):
    def gone(*_, **__):
        raise error

    monkeypatch.setattr("dvc.api.DVCFileSystem", gone)
    run = Run("tried", "a", None, ("ann",), True, False, {})
    with (
        pytest.raises(UserError, match=r"models/ann of the run tried-a .*dvc exp remove tried-a"),
        running.fetched(FinishedRun(run, "c0ffee", {}), "models/ann"),
    ):
        pass
