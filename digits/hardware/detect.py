"""What this machine has: facts that are recorded, and that `selection` chooses from."""

import hashlib
import os
import platform
from dataclasses import dataclass
from functools import cache
from importlib import metadata

RECORDED_PACKAGES = ("tensorflow", "keras", "numpy", "scikit-learn", "onnxruntime")


@dataclass(frozen=True)
class Processor:
    """The processor, as the system describes it."""

    name: str
    """Its brand; virtual machines often give no more than "AMD EPYC"."""
    family: int | None
    model: int | None
    stepping: int | None
    flags: frozenset[str]
    """The instructions that it has, by the names of /proc/cpuinfo."""

    @property
    def fingerprint(self) -> str:
        """Eight hexadecimal digits that differ between processors of the same name."""
        told = [self.name, self.family, self.model, self.stepping, sorted(self.flags)]
        return hashlib.sha256(repr(told).encode()).hexdigest()[:8]


@dataclass(frozen=True)
class Gpu:
    """An NVIDIA GPU."""

    name: str
    compute_capability: tuple[int, int]


@cache
def processor() -> Processor:
    """The processor that this process runs on; asking takes about a second."""
    from cpuinfo import get_cpu_info

    cpu = get_cpu_info()
    return Processor(
        cpu.get("brand_raw", platform.machine()),
        cpu.get("family"),
        cpu.get("model"),
        cpu.get("stepping"),
        frozenset(cpu.get("flags", ())),
    )


def gpus() -> list[Gpu]:
    """Every NVIDIA GPU that this process may see."""
    import pynvml

    if os.environ.get("CUDA_VISIBLE_DEVICES") == "-1":
        return []
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return []
    try:
        handles = [
            pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(pynvml.nvmlDeviceGetCount())
        ]
        return [
            Gpu(
                str(pynvml.nvmlDeviceGetName(handle)),
                tuple(pynvml.nvmlDeviceGetCudaComputeCapability(handle)),
            )
            for handle in handles
        ]
    finally:
        pynvml.nvmlShutdown()


def usable_cores() -> int:
    """Cores under the process's affinity mask and its cgroup's quota."""
    import joblib

    return int(joblib.cpu_count())


def memory_gib() -> float:
    """Main memory of the machine in GiB."""
    import psutil

    return round(psutil.virtual_memory().total / 2**30, 1)


def packages() -> dict[str, str]:
    """Versions of the libraries that compute."""
    return {package: metadata.version(package) for package in RECORDED_PACKAGES}
