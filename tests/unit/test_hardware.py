"""What is asked of the machine is given or refused, never silently replaced."""

import os
from dataclasses import replace

import pytest

from digits.core import records
from digits.core.errors import UserError
from digits.hardware import detect, selection

H100 = detect.Gpu("NVIDIA H100", (9, 0))
T4 = detect.Gpu("Tesla T4", (7, 5))
ASKED = detect.processor


def params(**changes):
    return selection.Params(
        **({"device": "auto", "precision": "auto", "threads": 0, "label": ""} | changes)
    )


@pytest.fixture
def processor():
    """What asks the system, which `machine` replaces: each time anew."""
    return ASKED.__wrapped__


@pytest.fixture(autouse=True)
def machine(monkeypatch):
    """A machine without a GPU and with bfloat16, whose environment is restored."""
    for name in ("CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("TF_NUM_INTEROP_THREADS", "")
    equip(monkeypatch)


def equip(monkeypatch, gpus=(), flags=("avx512_bf16",)):
    processor = detect.Processor("Test CPU", 25, 17, 1, frozenset(flags))
    monkeypatch.setattr(detect, "gpus", lambda: list(gpus))
    monkeypatch.setattr(detect, "processor", lambda: processor)


def test_auto_on_a_cpu(monkeypatch):
    chosen = selection.choose(params())
    assert (chosen.device, chosen.precision, chosen.gpu) == ("cpu", "float32", None)
    assert selection.choose(params(), gains_by_bfloat16=True).precision == "bfloat16"
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "-1"
    assert os.environ["TF_NUM_INTRAOP_THREADS"] == str(chosen.cores)
    equip(monkeypatch, flags=("avx2",))
    assert selection.choose(params(), gains_by_bfloat16=True).precision == "float32"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("AMD EPYC", "AMD EPYC (family 25, model 17, stepping 1)"),
        ("Intel Xeon Processor", "Intel Xeon Processor (family 25, model 17, stepping 1)"),
        ("AMD EPYC 9B14", "AMD EPYC 9B14"),
    ],
)
def test_a_brand_that_names_no_product_is_told_with_its_numbers(name, told):
    assert detect.Processor(name, 25, 17, 1, frozenset()).described == told
    assert detect.Processor(name, None, None, None, frozenset()).described == name


@pytest.mark.parametrize(
    "change",
    [{"family": 26}, {"model": 1}, {"stepping": 2}, {"flags": frozenset({"avx2"})}],
)
def test_processors_of_one_name_have_their_own_fingerprints(change):
    one = detect.Processor("AMD EPYC", 25, 17, 1, frozenset({"avx2", "amx_bf16"}))
    again = detect.Processor("AMD EPYC", 25, 17, 1, frozenset({"amx_bf16", "avx2"}))
    assert one.fingerprint == again.fingerprint
    assert replace(one, **change).fingerprint != one.fingerprint


def test_a_machine_is_recorded_with_the_fingerprint_of_its_processor():
    chosen = selection.choose(params())
    assert chosen.cpu_fingerprint == detect.processor().fingerprint
    assert records.Hardware(**chosen.as_dict()).cpu_fingerprint == chosen.cpu_fingerprint


X86 = """\
processor\t: 0
model name\t: AMD EPYC: 2 cores
cpu family\t: 25
model\t\t: 17
stepping\t: 1
flags\t\t: fpu avx512_bf16

processor\t: 1
model name\t: another
"""


def test_linux_tells_of_the_processor(processor, monkeypatch, tmp_path):
    monkeypatch.setattr(detect, "PROC_CPUINFO", tmp_path / "cpuinfo")
    (tmp_path / "cpuinfo").write_text(X86)
    flags = frozenset({"fpu", "avx512_bf16"})
    assert processor() == detect.Processor("AMD EPYC: 2 cores", 25, 17, 1, flags)


@pytest.mark.parametrize("told", [None, "", "processor: 0\nFeatures: fp asimd\n"])
def test_another_system_or_processor_is_asked_by_cpuinfo(processor, monkeypatch, tmp_path, told):
    monkeypatch.setattr(detect, "PROC_CPUINFO", tmp_path / "cpuinfo")
    monkeypatch.setattr("cpuinfo.get_cpu_info", lambda: {"brand_raw": "Apple M4"})
    if told is not None:
        (tmp_path / "cpuinfo").write_text(told)
    assert processor() == detect.Processor("Apple M4", None, None, None, frozenset())


def test_auto_on_a_gpu(monkeypatch):
    equip(monkeypatch, gpus=[H100])
    chosen = selection.choose(params())
    assert (chosen.device, chosen.device_name, chosen.precision) == ("gpu", H100.name, "bfloat16")
    assert os.environ["CUDA_VISIBLE_DEVICES"] == ""
    assert selection.choose(params(), gpu_capable=False).device == "cpu"
    equip(monkeypatch, gpus=[T4])
    assert selection.choose(params()).precision == "float32"
    assert selection.choose(params(precision="float16")).precision == "float16"


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
        selection.choose(params(**wanted))


def test_a_gpu_that_tensorflow_cannot_use(monkeypatch):
    import tensorflow as tf

    equip(monkeypatch, gpus=[H100])
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [])
    wanted = params()
    for gains, precision in ((False, "float32"), (True, "bfloat16")):
        settled = selection.confirm(selection.choose(wanted, gains), wanted, gains)
        assert (settled.device, settled.precision) == ("cpu", precision)
    wanted = params(device="gpu")
    with pytest.raises(UserError, match="TensorFlow cannot use it"):
        selection.confirm(selection.choose(wanted), wanted, gains_by_bfloat16=False)


def test_processors_of_one_name_are_told_apart():
    known = detect.Processor("AMD EPYC", 25, 17, 1, frozenset({"avx2", "avx512f"}))
    assert known.fingerprint == replace(known, flags=frozenset({"avx512f", "avx2"})).fingerprint
    for other in ({"model": 1}, {"family": 26}, {"stepping": 2}, {"flags": frozenset({"avx2"})}):
        assert known.fingerprint != replace(known, **other).fingerprint


def test_the_real_machine_can_be_described(monkeypatch):
    monkeypatch.undo()
    before = dict(os.environ)
    try:
        described = selection.choose(params(threads=1)).as_dict()
    finally:
        os.environ.clear()
        os.environ.update(before)
    assert described["threads"] == 1
    assert described["cores"] >= 1
    assert described["memory_gib"] > 0
    assert described["packages"]["keras"][0] == "3"


def group(folder, limit, usage, cached, version):
    """A control group of Linux, as its files tell of it."""
    names = detect.GROUP_FILES[version]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / names[0]).write_text(f"{limit}\n")
    (folder / names[1]).write_text(f"{usage}\n")
    (folder / "memory.stat").write_text(f"anon 5\n{names[2]} {cached}\n")


@pytest.fixture
def system(tmp_path, monkeypatch):
    """The root of a system, whose process is in a group of both versions; 16 GiB are free."""
    free = type("Memory", (), {"available": 16 * 2**30, "total": 32 * 2**30})
    monkeypatch.setattr("psutil.virtual_memory", lambda: free)
    (tmp_path / "proc/self").mkdir(parents=True)
    told = "9:name=systemd:/\n4:memory:/here/below\n0::/here/below\n"
    (tmp_path / "proc/self/cgroup").write_text(told)
    return tmp_path


@pytest.mark.parametrize("version", [1, 2])
def test_the_limits_of_control_groups_count(system, version):
    base = system / "sys/fs/cgroup" / ("memory" if version == 1 else "")
    unlimited = 2**63 - 4096 if version == 1 else "max"
    assert detect.available_memory(system) == 16 * 2**30
    group(base / "here/below", unlimited, 0, 0, version)
    assert detect.available_memory(system) == 16 * 2**30
    group(base / "here", 2**30, 2**29, 2**20, version)
    assert detect.available_memory(system) == 2**29 + 2**20
    group(base / "here/below", 2**28, 2**27, 0, version)
    assert detect.available_memory(system) == 2**27


def test_a_container_knows_its_group_by_the_hosts_name_alone(system):
    group(system / "sys/fs/cgroup", 2**30, 2**29, 0, 2)
    assert detect.available_memory(system) == 2**29


def test_a_system_without_control_groups_has_what_is_free(tmp_path):
    assert detect.available_memory(tmp_path) > 2**20
    assert detect.available_memory() > 2**20
