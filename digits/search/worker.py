"""What a worker does with one trial after the other: it stays, with its libraries loaded."""

import gc
import os
import socket
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from digits.core.errors import UserError
from digits.data.split import TrainingData
from digits.search.objective import OnEpoch, Outcome, Task
from digits.search.space import Space

Train = Callable[[Task, TrainingData, OnEpoch], Outcome]
ROWS, OUTCOME, FAILED, EPOCH = "rows", "outcome", "failed", "epoch"
"""Keys of what is reported."""
REPORT_SECONDS = 1.0
"""Epochs that are shorter are reported together, unless ASHA waits for one of them: every report is
a question to the process that leads."""


@dataclass(frozen=True)
class Shared:
    """What all trials of a sweep have in common but the data."""

    space: Space
    params: dict[str, Any]
    """params.yaml."""
    model: str
    objective: tuple[str, ...]
    cores: int
    gpus: float
    rungs: frozenset[int]
    """Epochs at which ASHA decides."""
    train: Train


def attempt(config: dict[str, Any], shared: Shared, data: TrainingData) -> None:
    """Train one trial, and report each epoch and its outcome to Ray Tune.

    The last epochs are reported with the outcome, so that a trial that has come to its end is not
    stopped for being worse than others.  A fault of the training itself is an outcome, too: the
    same values would fail again.

    Args:
        config: `number` and `values` of the trial.
        shared: What it has in common with the others.
        data: The training and the validation set, in the memory that all workers of a node share.

    """
    from ray import tune

    told: list[dict[str, float]] = []
    began = reported = time.time()

    params = shared.space.tree(shared.params, config["values"])
    epochs = params["train"][shared.model].get("epochs", 1)

    def on_epoch(row: dict[str, float]) -> None:
        nonlocal reported
        told.append(row | {"seconds": round(time.time() - began, 3)})
        asked = row[EPOCH] in shared.rungs or time.time() - reported >= REPORT_SECONDS
        if asked and row[EPOCH] < epochs:
            tune.report(_told(told))
            told.clear()
            reported = time.time()

    task = Task(shared.model, params, shared.objective, shared.cores, shared.gpus)
    where = {"node": socket.gethostname(), "worker": str(os.getpid())}
    try:
        outcome = asdict(shared.train(task, data, on_epoch))
    except Exception as error:  # whatever a training can fail with
        name = "" if isinstance(error, UserError) else f"{type(error).__name__}: "
        result = {FAILED: f"{name}{error}", "hardware": where, ROWS: told}
    else:
        outcome["hardware"] |= where
        result = _told(told) | {OUTCOME: outcome}
    gc.collect()
    # Without this, Tune would ask for a further report.
    tune.report(result | {"done": True})


def _told(rows: list[dict[str, float]]) -> dict[str, Any]:
    """Rows with what ASHA looks at: the last one's."""
    last = rows[-1] if rows else {}
    return {ROWS: list(rows)} | {
        name: int(value) if name == EPOCH else value
        for name, value in last.items()
        if name == EPOCH or name.startswith("validation_")
    }
