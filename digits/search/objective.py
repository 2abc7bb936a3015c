"""One trial: trained by the functions that the stages call; no file is written."""

import functools
import importlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from digits.core import config, records
from digits.core.errors import UserError
from digits.data.split import TrainingData
from digits.evaluation import speed
from digits.hardware import selection
from digits.inference import scoring
from digits.inference.graph import Graph

OnEpoch = Callable[[dict[str, float]], None]
MIB = 2**20


@dataclass(frozen=True)
class Task:
    """What a worker is asked for."""

    model: str
    params: dict[str, Any]
    """params.yaml with the trial's values."""
    objective: tuple[str, ...]
    cores: int
    gpus: float


@dataclass(frozen=True)
class Outcome:
    """What came of a trial that was trained to its end."""

    measures: dict[str, float]
    """The objectives by their names, and what is known beside."""
    hardware: dict[str, str]


@dataclass(frozen=True)
class _Trained:
    measures: dict[str, float]
    validation_outputs: Callable[[], np.ndarray]
    """The library's own outputs for the validation images."""
    graph: Callable[[], bytes]
    """The export, as it would be served."""


def train(task: Task, data: TrainingData, on_epoch: OnEpoch) -> Outcome:
    """Train one model, as its stage does, and measure what the sweep is about.

    Args:
        task: What to train.
        data: Training and validation set, with what the model trains on beside.
        on_epoch: Called with each row of the history; may raise to end the training.

    Raises:
        UserError: if the values contradict each other, memory is too small, or training diverges.

    """
    sections: Any = config.check(task.params, "the trial")
    wanted = sections["hardware"].model_copy(
        update={"device": "gpu" if task.gpus else "cpu", "threads": task.cores}
    )
    network = task.model != "svc"
    kind = importlib.import_module(f"digits.models.{task.model}")
    machine = selection.choose(wanted, network and kind.GAINS_BY_BFLOAT16, gpu_capable=network)
    fitted = _network if network else _machine_of_vectors
    trained = fitted(kind, sections[f"train.{task.model}"], task, data, machine, on_epoch)
    return Outcome(
        trained.measures | _asked(task, trained, data, machine),
        {
            "device": machine.device,
            "device_name": machine.device_name,
            "precision": machine.precision,
            "threads": str(machine.threads),
        },
    )


def _network(
    kind: Any,
    recipe: Any,
    task: Task,
    data: TrainingData,
    machine: selection.Machine,
    on_epoch: OnEpoch,
) -> _Trained:
    from digits.training import export, fit, memory

    build = functools.partial(kind.build, recipe, data.shape, len(data.classes))
    need = memory.needed(build, recipe, machine, data.train, data.validation)
    memory.check(f"train.{task.model}", need, machine)
    began = time.perf_counter()
    trained = fit.fit(
        build,
        recipe,
        data.train,
        data.validation,
        machine,
        xla=kind.XLA_ON_CPU or machine.device == "gpu",
        on_epoch=on_epoch,
    )
    seconds = time.perf_counter() - began
    kept = trained.history[trained.kept_epoch - 1]
    measures = {
        "train_accuracy": kept["train_accuracy"],
        "validation_accuracy": kept["validation_accuracy"],
        "kept_epoch": float(trained.kept_epoch),
        "parameters": float(trained.network.count_params()),
        "train_seconds": seconds,
    }
    return _Trained(
        measures,
        lambda: fit.logits(trained.network, data.validation.images),
        lambda: export.to_onnx(trained.network).SerializeToString(deterministic=True),
    )


def _machine_of_vectors(
    kind: Any,
    params: Any,
    task: Task,
    data: TrainingData,
    machine: selection.Machine,
    on_epoch: OnEpoch,
) -> _Trained:
    began = time.perf_counter()
    fitted = kind.fit(params, data.train, len(data.classes))
    seconds = time.perf_counter() - began
    outputs = kind.scores(fitted, data.validation.images)
    accuracy = scoring.accuracy(data.validation.labels, outputs)
    on_epoch({"epoch": 1, "validation_accuracy": accuracy})
    measures = {
        "validation_accuracy": accuracy,
        "support_vectors": float(len(fitted.estimator.support_vectors_)),
        "parameters": float(kind.parameters(fitted)),
        "train_seconds": seconds,
    }
    return _Trained(
        measures,
        lambda: np.asarray(outputs),
        lambda: bytes(kind.to_onnx(fitted, params, data.shape).SerializeToString()),
    )


def _asked(
    task: Task, trained: _Trained, data: TrainingData, machine: selection.Machine
) -> dict[str, float]:
    """The objectives that a training does not give by itself."""
    found: dict[str, float] = {}
    labels = data.validation.labels
    if "validation_loss" in task.objective:
        outputs = trained.validation_outputs()
        probabilities = scoring.softmax(outputs, scoring.fit_temperature(outputs, labels))
        found["validation_loss"] = scoring.log_loss(labels, probabilities)
    if {"size_mib", "latency_ms"} & set(task.objective):
        graph = trained.graph()
        found["size_mib"] = len(graph) / MIB
        if "latency_ms" in task.objective:
            measured = speed.measure(
                lambda: Graph(graph, machine.threads).run,
                data.validation.images,
                records.Hardware(**machine.as_dict()),
            )
            found["latency_ms"] = measured.latency_ms
    return found


def read_data(model: str) -> TrainingData:
    """What the stage of a model trains on; UserError if it is not made yet."""
    from digits.core import paths
    from digits.data import split

    data = TrainingData.read()
    if not len(data.validation):
        raise UserError(
            "expected validation images in data/split, found none; set split.validation in "
            "params.yaml and run `dvc repro split`"
        )
    if model == "reader":
        data = data.beside(split.read(paths.SYNTHESIS, "train"))
    return data
