"""Energy, counted by files as Linux has them, and by an NVML that the test plays."""

import pynvml
import pytest

from digits.hardware import energy


@pytest.fixture
def powercap(tmp_path):
    """A folder as /sys/class/powercap, and what writes its counters in joules."""
    spans = {"intel-rapl:0": ("package-0", 1000), "intel-rapl:1": ("package-1", 1000),
             "intel-rapl:2": ("psys", 1000), "intel-rapl:0:0": ("core", 1000)}  # fmt: skip

    def write(**joules):
        for (zone, (name, span)), counted in zip(spans.items(), joules.values(), strict=True):
            folder = tmp_path / zone
            folder.mkdir(exist_ok=True)
            (folder / "name").write_text(f"{name}\n")
            (folder / "energy_uj").write_text(f"{counted * 10**6}\n")
            (folder / "max_energy_range_uj").write_text(f"{span * 10**6}\n")
        return tmp_path

    return write


def test_all_packages_count_and_nothing_twice(powercap):
    meter = energy.Meter("cpu", powercap(first=100, second=10, psys=0, core=0))
    powercap(first=160, second=15, psys=90, core=50)
    assert meter.stop() == 65


def test_a_counter_that_starts_over_goes_on_counting(powercap, monkeypatch):
    monkeypatch.setattr(energy, "SECONDS", 0.001)
    meter = energy.Meter("cpu", powercap(first=990, second=0, psys=0, core=0))
    powercap(first=20, second=0, psys=0, core=0)
    assert meter.stop() == 30


@pytest.mark.parametrize("lost", ["before", "meanwhile"])
def test_what_cannot_be_read_is_unknown(powercap, lost):
    folder = powercap(first=100, second=10, psys=0, core=0)
    file = folder / "intel-rapl:1" / "energy_uj"
    if lost == "before":
        file.unlink()
    meter = energy.Meter("cpu", folder)
    if lost == "meanwhile":
        file.write_text("")
    assert meter.stop() is None


def test_a_machine_without_counters_has_no_energy(tmp_path):
    assert energy.Meter("cpu", tmp_path / "missing").stop() is None


def test_a_gpu_is_asked_itself(monkeypatch):
    counted = iter([5_000, 12_500])
    for name in ("nvmlInit", "nvmlShutdown"):
        monkeypatch.setattr(pynvml, name, lambda: None)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetHandleByIndex", lambda index: index)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetTotalEnergyConsumption", lambda handle: next(counted))
    assert energy.Meter("gpu").stop() == 7.5


def test_a_gpu_that_does_not_count_has_no_energy(monkeypatch):
    def refused():
        raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)

    monkeypatch.setattr(pynvml, "nvmlInit", refused)
    assert energy.Meter("gpu").stop() is None
