"""What is asked of the machine is given or refused, never silently replaced."""

import os

import pytest

from digits import hardware
from digits.core.errors import UserError

H100 = ("NVIDIA H100", (9, 0))
T4 = ("Tesla T4", (7, 5))


def params(**changes):
    return hardware.Params(
        **({"device": "auto", "precision": "auto", "threads": 0, "label": ""} | changes)
    )


@pytest.fixture(autouse=True)
def machine(monkeypatch):
    """A machine without a GPU and with bfloat16, whose environment is restored."""
    for name in ("CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("TF_NUM_INTEROP_THREADS", "")
    equip(monkeypatch)


def equip(monkeypatch, gpus=(), flags=("avx512_bf16",)):
    monkeypatch.setattr(hardware, "_gpus", lambda: list(gpus))
    monkeypatch.setattr(hardware, "_cpu", lambda: ("Test CPU", frozenset(flags)))


def test_auto_on_a_cpu(monkeypatch):
    chosen = hardware.choose(params())
    assert (chosen.device, chosen.precision, chosen.gpu) == ("cpu", "float32", None)
    assert hardware.choose(params(), gains_by_bfloat16=True).precision == "bfloat16"
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "-1"
    assert os.environ["TF_NUM_INTRAOP_THREADS"] == str(chosen.cores)
    equip(monkeypatch, flags=("avx2",))
    assert hardware.choose(params(), gains_by_bfloat16=True).precision == "float32"


def test_auto_on_a_gpu(monkeypatch):
    equip(monkeypatch, gpus=[H100])
    chosen = hardware.choose(params())
    assert (chosen.device, chosen.device_name, chosen.precision) == ("gpu", H100[0], "bfloat16")
    assert os.environ["CUDA_VISIBLE_DEVICES"] == ""
    assert hardware.choose(params(), gpu_capable=False).device == "cpu"
    equip(monkeypatch, gpus=[T4])
    assert hardware.choose(params()).precision == "float32"
    assert hardware.choose(params(precision="float16")).precision == "float16"


@pytest.mark.parametrize(
    ("wanted", "gpus", "words"),
    [
        ({"device": "gpu"}, [], "expected an NVIDIA GPU"),
        ({"precision": "float16"}, [], "float16 trains on GPUs only"),
        ({"precision": "bfloat16"}, [T4], "does not multiply bfloat16"),
        ({"threads": 4096}, [], "received 4096"),
    ],
)
def test_what_the_machine_lacks_is_an_error(monkeypatch, wanted, gpus, words):
    equip(monkeypatch, gpus=gpus, flags=())
    with pytest.raises(UserError, match=words):
        hardware.choose(params(**wanted))


def test_a_gpu_that_tensorflow_cannot_use(monkeypatch):
    import tensorflow as tf

    equip(monkeypatch, gpus=[H100])
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [])
    wanted = params()
    assert hardware.confirm(hardware.choose(wanted), wanted).device == "cpu"
    wanted = params(device="gpu")
    with pytest.raises(UserError, match="TensorFlow cannot use it"):
        hardware.confirm(hardware.choose(wanted), wanted)


def test_the_real_machine_can_be_described(monkeypatch):
    monkeypatch.undo()
    before = dict(os.environ)
    try:
        described = hardware.choose(params(threads=1)).as_dict()
    finally:
        os.environ.clear()
        os.environ.update(before)
    assert described["threads"] == 1
    assert described["cores"] >= 1
    assert described["memory_gib"] > 0
    assert described["packages"]["keras"][0] == "3"
