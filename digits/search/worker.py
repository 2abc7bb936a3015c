"""What a worker does with one trial after the other: it stays, with its libraries loaded."""

import gc
import os
import socket
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from digits.data.split import TrainingData
from digits.search.objective import OnEpoch, Outcome, Task
from digits.search.space import Space

Train = Callable[[Task, TrainingData, OnEpoch], Outcome]
ROW, OUTCOME, FAILED, EPOCH = "row", "outcome", "failed", "epoch"
"""Keys of what is reported."""


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
    train: Train


def attempt(config: dict[str, Any], shared: Shared, data: TrainingData) -> None:
    """Train one trial, and report each epoch and its outcome to Ray Tune.

    The last epoch is reported with the outcome, so that a trial that has come to its end is not
    stopped for being worse than others.  A fault of the training itself is an outcome, too: the
    same values would fail again.

    Args:
        config: `number` and `values` of the trial.
        shared: What it has in common with the others.
        data: The training and the validation set, in the memory that all workers of a node share.

    """
    from ray import tune

    last: dict[str, float] = {}

    def on_epoch(row: dict[str, float]) -> None:
        if last:
            tune.report(_told(last))
        last.update(row)

    params = shared.space.tree(shared.params, config["values"])
    task = Task(shared.model, params, shared.objective, shared.cores, shared.gpus)
    where = {"node": socket.gethostname(), "worker": str(os.getpid())}
    try:
        outcome = asdict(shared.train(task, data, on_epoch))
    except Exception as error:  # whatever a training can fail with
        name = "" if type(error).__name__ == "UserError" else f"{type(error).__name__}: "
        tune.report({FAILED: f"{name}{error}", "hardware": where})
    else:
        outcome["hardware"] |= where
        tune.report(_told(last) | {OUTCOME: outcome})
    finally:
        gc.collect()


def _told(row: dict[str, float]) -> dict[str, Any]:
    """A row with what ASHA looks at."""
    return {ROW: dict(row), EPOCH: int(row.get("epoch", 1))} | {
        name: value for name, value in row.items() if name.startswith("validation_")
    }
