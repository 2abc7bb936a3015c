"""What every training stage reads, and what it writes."""

import resource
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from digits.core import config, files, paths, records
from digits.data import preprocess, split
from digits.hardware import selection
from digits.inference import bundle, scoring
from digits.inference.graph import Graph
from digits.inference.predictor import Predictor

if TYPE_CHECKING:
    import onnx

TOLERATED_DISAGREEMENT = 0.001
"""Share of images on which rounding may turn a tie between two classes around."""


@dataclass(frozen=True)
class TrainedModel:
    """What any training hands on, whatever was trained."""

    graph: "onnx.ModelProto"
    outputs: np.ndarray
    """The library's own outputs for the first images of `TrainingData.held_out`."""
    parameters: int
    library: str
    results: dict[str, Any]
    """Figures of the training itself, for train.json."""
    seconds: float
    joules: float | None = None
    """That the training took; None where that cannot be read."""
    history: list[dict[str, float]] = field(default_factory=list)
    epoch_seconds: list[float] = field(default_factory=list)
    save_network: Callable[[Path], None] | None = None


def conclude(
    model: str,
    data: split.TrainingData,
    machine: selection.Machine,
    trained: TrainedModel,
    began: datetime,
) -> None:
    """Check and calibrate the exported graph, then write bundle and metrics.

    Args:
        model: The model's name.
        data: What it was trained on.
        machine: What it was trained with.
        trained: What came out.
        began: When the training began.

    """
    description = data.description
    graph = Graph(trained.graph.SerializeToString(deterministic=True), machine.threads)
    outputs = graph.run(data.held_out.images)
    differing = int((outputs[: len(trained.outputs)].argmax(1) != trained.outputs.argmax(1)).sum())
    assert differing <= TOLERATED_DISAGREEMENT * len(trained.outputs), (
        f"the ONNX export of {model} reads {differing} of {len(trained.outputs)} images "
        f"differently from {trained.library}"
    )
    calibrated = len(data.validation) > 0
    temperature = 1.0
    validation_accuracy = validation_loss = None
    if calibrated:
        labels = data.validation.labels
        temperature = scoring.fit_temperature(outputs, labels)
        probabilities = scoring.softmax(outputs, temperature)
        validation_accuracy = scoring.accuracy(labels, outputs)
        validation_loss = scoring.log_loss(labels, probabilities)
    folder = paths.MODELS / model
    digest = bundle.save(
        folder,
        trained.graph,
        {
            "model": model,
            "dataset": description.name,
            "classes": list(description.classes),
            "raw_side": list(description.raw_side),
            "white": description.white,
            "preprocess": config.load("preprocess", preprocess.Params).model_dump(),
            "temperature": temperature,
            "calibrated": calibrated,
            "parameters": trained.parameters,
            "trained_with": {
                "device": machine.device,
                "precision": machine.precision,
                "library": trained.library,
            },
        },
        trained.save_network,
    )
    # What cannot be served is not recorded as trained.
    written = Predictor.load(folder, machine.threads)
    metrics = paths.METRICS / model
    held_out = data.validation
    with files.atomic(metrics / "validation.csv") as temporary:
        # Where no image is held out, the outputs are those of the training images.
        answers = outputs[: len(held_out)].argmax(1)
        columns = {"index": held_out.index, "label": held_out.labels, "prediction": answers}
        pd.DataFrame(columns).to_csv(temporary, index=False, lineterminator="\n")
    if trained.history:
        with files.atomic(metrics / "history.csv") as temporary:
            pd.DataFrame(trained.history).to_csv(temporary, index=False, lineterminator="\n")
    train = records.Train(
        model=model,
        dataset=description.name,
        model_sha256=digest,
        **trained.results,
        validation_accuracy=validation_accuracy,
        validation_loss=validation_loss,
        temperature=temperature,
        parameters=trained.parameters,
        bundle_bytes=written.bundle.size,
        export_checked_on=len(trained.outputs),
        export_differs_on=differing,
        split=description.sets,
    )
    train.write(metrics / "train.json")
    records.Validation.of_training(train).write(metrics / "validation.json")
    records.Timing(
        started=began,
        train_seconds=round(trained.seconds, 3),
        epoch_seconds=tuple(round(seconds, 3) for seconds in trained.epoch_seconds),
        peak_memory_mib=_peak_memory_mib(),
        energy_joules=trained.joules,
        hardware=records.Hardware(**machine.as_dict()),
    ).write(metrics / "timing.json")


def _peak_memory_mib() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts in KiB, macOS in bytes.
    return round(peak / (2**20 if sys.platform == "darwin" else 2**10), 1)
