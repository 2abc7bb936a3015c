"""The energy that a training takes, on the few machines that let it be read.

Linux counts what a processor's packages draw (RAPL, https://docs.kernel.org/power/powercap), but
since 2020 lets root alone read it; virtual machines have no such counter.  NVML counts what a GPU
draws, from Volta on.
"""

import functools
from pathlib import Path
from threading import Event, Thread

POWERCAP = Path("/sys/class/powercap")
SECONDS = 30.0
"""Between two readings: a package's counter starts over after some minutes."""

Readings = dict[str, tuple[float, float]]
"""By device: the counter, and the reading at which it starts over, both in joules."""


class Meter:
    """Adds up what a device draws from here on, by whatever process: the counters know no other."""

    def __init__(self, device: str, powercap: Path = POWERCAP) -> None:
        """Begin.

        Args:
            device: "cpu": the processor, all of its packages; "gpu": the first GPU.
            powercap: Linux's folder of counters.

        """
        self._read = _of_gpu if device == "gpu" else functools.partial(_of_packages, powercap)
        self._last = self._read()
        self._drawn: float | None = 0.0 if self._last else None
        self._ended = Event()
        self._thread = Thread(target=self._follow, daemon=True)
        self._thread.start()

    def stop(self) -> float | None:
        """End, and give the joules; None if the counters could not be read all the time."""
        self._ended.set()
        self._thread.join()
        self._add()
        return None if self._drawn is None else round(self._drawn, 3)

    def _follow(self) -> None:
        while self._drawn is not None and not self._ended.wait(SECONDS):
            self._add()

    def _add(self) -> None:
        before, self._last = self._last, self._read()
        if self._drawn is None or before.keys() != self._last.keys():
            self._drawn = None
            return
        for device, (joules, span) in self._last.items():
            self._drawn += (joules - before[device][0]) % span


def _of_packages(powercap: Path) -> Readings:
    """The packages' counters; empty where one of them cannot be read."""
    try:
        return {
            zone.name: (_joules(zone / "energy_uj"), _joules(zone / "max_energy_range_uj"))
            for zone in powercap.glob("intel-rapl:*")
            if (zone / "name").read_text().startswith("package")
        }
    except (OSError, ValueError):
        return {}


def _joules(file: Path) -> float:
    return int(file.read_text()) / 1e6


def _of_gpu() -> Readings:
    """The first GPU's counter; empty where it cannot be read."""
    import pynvml

    try:
        pynvml.nvmlInit()
        try:
            handle = pynvml.nvmlDeviceGetHandleByIndex(0)
            joules = pynvml.nvmlDeviceGetTotalEnergyConsumption(handle) / 1e3
            return {"gpu": (joules, 2**64 / 1e3)}
        finally:
            pynvml.nvmlShutdown()
    except pynvml.NVMLError:
        return {}
