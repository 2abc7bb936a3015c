"""What a run computes on: chosen before TensorFlow is loaded, and described for the record."""

import os
import platform
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from digits.core.config import Section
from digits.core.errors import UserError
from digits.hardware import detect

BFLOAT16_FLAGS = frozenset({"avx512_bf16", "amx_bf16"})
AMPERE = (8, 0)
"""First compute capability of NVIDIA's GPUs that multiplies bfloat16."""


class Params(Section):
    """The section hardware of params.yaml: what is asked for."""

    device: Literal["auto", "cpu", "gpu"]
    """auto: the GPU where there is one."""
    precision: Literal["auto", "float32", "bfloat16", "float16"]
    """Of a network's layers in training; weights stay float32.  auto: bfloat16 where the device
    multiplies it in hardware and the network gains by it, else float32."""
    threads: Annotated[int, Field(ge=0)]
    """0: as many as the process may use (affinity and cgroup limits)."""
    label: str
    """A name for this machine.  Changing it makes DVC train again, on otherwise equal
    parameters."""


@dataclass(frozen=True)
class Machine:
    """What a run got, and what it runs on."""

    device: str
    """cpu or gpu."""
    device_name: str
    precision: str
    threads: int
    cpu: str
    cpu_fingerprint: str
    """Differs between processors of the same name."""
    cores: int
    """Cores that this process may use."""
    memory_gib: float
    gpu: str | None
    system: str
    python: str
    packages: dict[str, str]
    label: str

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def choose(params: Params, gains_by_bfloat16: bool = False, gpu_capable: bool = True) -> Machine:
    """Settle device, precision and threads; to be called before TensorFlow is imported.

    Sets the environment variables by which TensorFlow, OpenMP and CUDA learn them.

    Args:
        params: What is asked for.
        gains_by_bfloat16: Whether `precision: auto` may choose bfloat16 on a CPU.
        gpu_capable: False for what always computes on the CPU in float32 (the support vector
            machine and ONNX Runtime), whatever is asked for the networks.

    Raises:
        UserError: if the machine lacks the device or the precision that is asked for.

    """
    gpus = detect.gpus()
    if params.device == "gpu" and not gpus:
        raise UserError(
            "hardware.device: expected an NVIDIA GPU with its driver, found none; "
            "set it to auto or cpu, or type `make gpu` on a machine with a GPU"
        )
    cores = detect.usable_cores()
    if params.threads > cores:
        raise UserError(
            f"hardware.threads: this process may use {cores} core(s), received {params.threads}; "
            "use 0 for all of them"
        )
    on_gpu = gpu_capable and bool(gpus) and params.device != "cpu"
    if not on_gpu:
        os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    threads = params.threads or cores
    os.environ["OMP_NUM_THREADS"] = os.environ["TF_NUM_INTRAOP_THREADS"] = str(threads)
    os.environ["TF_NUM_INTEROP_THREADS"] = str(threads)
    # TensorFlow reports as an error that it finds no GPU.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2" if on_gpu else "3")

    processor = detect.processor()
    capability = gpus[0].compute_capability if on_gpu else None
    precision = "float32"
    if gpu_capable:
        precision = _precision(params.precision, capability, processor.flags, gains_by_bfloat16)
    return Machine(
        device="gpu" if on_gpu else "cpu",
        device_name=gpus[0].name if on_gpu else processor.described,
        precision=precision,
        threads=threads,
        cpu=processor.described,
        cpu_fingerprint=processor.fingerprint,
        cores=cores,
        memory_gib=detect.memory_gib(),
        gpu=gpus[0].name if gpus else None,
        system=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
        packages=detect.packages(),
        label=params.label,
    )


def confirm(machine: Machine, params: Params, gains_by_bfloat16: bool) -> Machine:
    """Check, once TensorFlow is loaded, that it can compute where `machine` says.

    Args:
        machine: What `choose` settled.
        params: What was asked for.
        gains_by_bfloat16: As for `choose`, which settles anew where the GPU cannot be used.

    Returns:
        `machine`, or the CPU in its place where `device: auto` found a GPU that TensorFlow
        cannot use.

    Raises:
        UserError: if a GPU was asked for by name, and TensorFlow cannot use it.

    """
    import tensorflow as tf

    if machine.device == "cpu" or tf.config.list_physical_devices("GPU"):
        return machine
    if params.device == "gpu":
        raise UserError(
            f"hardware.device: {machine.gpu} is there, but this TensorFlow cannot use it; type "
            "`make gpu`, or set hardware.device to cpu"
        )
    return choose(params.model_copy(update={"device": "cpu"}), gains_by_bfloat16)


def _precision(
    wanted: str, capability: tuple[int, int] | None, cpu_flags: frozenset[str], gains: bool
) -> str:
    """The precision for a GPU of this compute capability, or (None) for a CPU with these flags."""
    has_bfloat16 = capability >= AMPERE if capability else bool(cpu_flags & BFLOAT16_FLAGS)
    if wanted == "auto":
        return "bfloat16" if has_bfloat16 and (gains or capability) else "float32"
    if wanted == "bfloat16" and not has_bfloat16:
        raise UserError(
            "hardware.precision: this device does not multiply bfloat16 in hardware "
            "(a CPU needs AVX512-BF16 or AMX, a GPU compute capability 8.0); set it to auto"
        )
    if wanted == "float16" and not capability:
        raise UserError(
            "hardware.precision: float16 trains on GPUs only, and this run uses the CPU; "
            "set it to auto, float32 or bfloat16"
        )
    return wanted
