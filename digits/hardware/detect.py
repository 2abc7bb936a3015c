"""What this machine has: facts that are recorded, and that `selection` chooses from."""

import hashlib
import os
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path

GROUP_FILES = {
    1: ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    2: ("memory.max", "memory.current", "inactive_file"),
}
"""By the version of Linux's control groups: where the limit and the use of memory stand, and under
what name memory.stat counts cached files."""
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
    def described(self) -> str:
        """Its brand; where that names no product, with family, model and stepping."""
        told = [
            f"{what} {number}"
            for what, number in (
                ("family", self.family),
                ("model", self.model),
                ("stepping", self.stepping),
            )
            if number is not None
        ]
        if not told or any(character.isdigit() for character in self.name):
            return self.name
        return f"{self.name} ({', '.join(told)})"

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


PROC_CPUINFO = Path("/proc/cpuinfo")


@cache
def processor() -> Processor:
    """The processor that this process runs on.

    py-cpuinfo takes a second, for it executes the instruction CPUID in a process of its own; what
    Linux tells of an x86 processor is read directly.
    """
    told = PROC_CPUINFO.read_text() if PROC_CPUINFO.exists() else ""
    first = (line.partition(":") for line in told.partition("\n\n")[0].splitlines())
    fields = {key.strip(): value.strip() for key, _, value in first}
    try:
        return Processor(
            fields["model name"],
            int(fields["cpu family"]),
            int(fields["model"]),
            int(fields["stepping"]),
            frozenset(fields["flags"].split()),
        )
    except (KeyError, ValueError):
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


def available_memory(root: Path = Path("/")) -> int:
    """Bytes of main memory that this process may still take, without swapping.

    Args:
        root: Where proc and sys are, by which Linux tells the limits of control groups.

    """
    import psutil

    return min([psutil.virtual_memory().available, *_free_in_groups(root)])


def _free_in_groups(root: Path) -> Iterator[int]:
    """Bytes that are free in every control group of this process, of either version."""
    groups = root / "proc/self/cgroup"
    for line in groups.read_text().splitlines() if groups.is_file() else []:
        _, controllers, name = line.split(":", 2)
        if not controllers:
            base, (limit, usage, cached) = root / "sys/fs/cgroup", GROUP_FILES[2]
        elif "memory" in controllers.split(","):
            base, (limit, usage, cached) = root / "sys/fs/cgroup/memory", GROUP_FILES[1]
        else:
            continue
        group = base / name.lstrip("/")
        # A container sees its own group, or one above it, under the name that the host gave it.
        for folder in (group, *group.parents):
            if not folder.is_relative_to(base):
                break
            allowed = folder / limit
            if allowed.is_file() and (most := allowed.read_text().strip()).isdigit():
                used = int((folder / usage).read_text())
                counts = dict(one.split() for one in (folder / "memory.stat").open())
                # The kernel gives up cached files before it refuses memory.
                yield int(most) - used + int(counts.get(cached, 0))


def available_gpu_memory() -> int:
    """Bytes that are free on the first GPU."""
    import pynvml

    pynvml.nvmlInit()
    try:
        return int(pynvml.nvmlDeviceGetMemoryInfo(pynvml.nvmlDeviceGetHandleByIndex(0)).free)
    finally:
        pynvml.nvmlShutdown()


def packages() -> dict[str, str]:
    """Versions of the libraries that compute."""
    return {package: metadata.version(package) for package in RECORDED_PACKAGES}
