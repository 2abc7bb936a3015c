"""All that the page tells, read from what the pipeline and the experiments have left."""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from digits.core import paths, records
from digits.core.errors import UserError
from digits.evaluation.forms import Forms
from digits.report.outcomes import Outcome

if TYPE_CHECKING:
    import pandas as pd

PREPROCESSING, AUGMENTATION, HARDWARE = "preprocessing", "augmentation", "hardware"
REPRODUCED = ("digits-svc", "ann-10k", "mlp-128", "three-networks", "moved-digits")
"""The experiments that make published claims, in the order of the page."""
MISCLASSIFIED, HISTORY, PREDICTIONS = "misclassified.npz", "history.csv", "predictions.csv"
INPUTS = (
    "params.yaml",
    "locks/compute.lock",
    "metrics/comparison.json",
    "metrics/significance.json",
)
"""Whose digests say what the page was made of, beside those of models, data and outcomes."""


@dataclass(frozen=True)
class Answers:
    """What one model predicts of some images."""

    predictions: "pd.DataFrame"
    """predictions.csv."""
    misclassified: dict[int, np.ndarray]
    """By place in the data set, (height, width) uint8, ink at 255."""


@dataclass(frozen=True)
class ModelResults:
    """The files of one model."""

    train: records.Train
    test: records.Test
    timing: records.Timing
    speed: records.Speed
    robustness: records.Robustness | None
    """None where it was not measured."""
    transfer: records.Transfer | None
    """None where it was not measured."""
    confidence: records.Confidence | None
    """None where it was not measured."""
    elsewhere: Answers | None
    """On digits of other hands; None where that was not measured, or nothing could be."""
    history: "pd.DataFrame"
    """history.csv."""
    answers: Answers
    """On the test set."""

    @property
    def classes(self) -> list[str]:
        return list(self.test.per_class)


@dataclass(frozen=True)
class Results:
    """All that the page tells."""

    rows: dict[str, records.Row]
    tests: records.Significance
    elsewhere: records.Significance | None
    """The same tests on digits of other hands; None where these were not measured."""
    forms: Forms | None
    """What every model makes of every form of the digits; None where that was not measured."""
    drawn: np.ndarray | None
    """(forms, n, 28, 28) uint8: of each form one writing and the nearest training digits."""
    models: dict[str, ModelResults]
    outcomes: dict[str, Outcome]
    """By the name of the experiment, of those that were made."""
    digests: dict[str, str]
    """SHA-256 of the inputs, by path."""


def read(root: Path, models: Collection[str]) -> Results:
    """Gather what the pipeline and the experiments have left in a project.

    Args:
        root: The project.
        models: Those to tell of, in this order.

    Raises:
        UserError: if a file of the pipeline is missing or does not fit; experiments may be missing.

    """
    metrics, outcomes = root / paths.METRICS.name, root / "experiments" / paths.OUTCOMES.name
    compared = records.Comparison.read(metrics / "comparison.json").root
    if set(compared) != set(models):
        raise UserError(
            f"metrics/comparison.json: expected {', '.join(models)}, received "
            f"{', '.join(compared)}; run `dvc repro compare`"
        )
    rows = {model: compared[model] for model in models}
    found = {
        name: outcome_files(outcomes, name)
        for name in (
            PREPROCESSING,
            AUGMENTATION,
            *REPRODUCED,
            HARDWARE,
        )
    }
    elsewhere, forms = metrics / "other_hands.json", metrics / "forms.json"
    inputs = [root / name for name in INPUTS] + [path for part in found.values() for path in part]
    return Results(
        rows=rows,
        tests=records.Significance.read(metrics / "significance.json"),
        elsewhere=records.Significance.read(elsewhere) if elsewhere.is_file() else None,
        forms=Forms.read(forms) if forms.is_file() else None,
        drawn=np.load(_present(forms.with_suffix(".npz")))["images"] if forms.is_file() else None,
        models={model: _of_model(metrics / model) for model in rows},
        outcomes={name: _joined(parts) for name, parts in found.items() if parts},
        digests={str(path.relative_to(root)): _digest(path) for path in inputs},
    )


def outcome_files(folder: Path, name: str) -> list[Path]:
    """The outcome of an experiment, and those of the same experiment on further models."""
    found = [folder / f"{name}.json", *sorted(folder.glob(f"{name}-of-*.json"))]
    return [path for path in found if path.is_file()]


def _joined(parts: list[Path]) -> Outcome:
    """One experiment, with what was measured of further models."""
    first, *others = map(Outcome.read, parts)
    for part in others:
        joined: dict[str, Any] = {"runs": first.runs + part.runs}
        for key in ("tests", "repeats", "welch"):
            joined[key] = (getattr(part, key) or {}) | (getattr(first, key) or {})
        first = first.model_copy(update=joined)
    return first


def _of_model(folder: Path) -> ModelResults:
    import pandas as pd

    robustness, transfer, confidence = (
        folder / f"{name}.json" for name in ("robustness", "transfer", "confidence")
    )
    return ModelResults(
        train=records.Train.read(folder / "train.json"),
        test=records.Test.read(folder / "test.json"),
        timing=records.Timing.read(folder / "timing.json"),
        speed=records.Speed.read(folder / "speed.json"),
        robustness=records.Robustness.read(robustness) if robustness.is_file() else None,
        transfer=records.Transfer.read(transfer) if transfer.is_file() else None,
        confidence=records.Confidence.read(confidence) if confidence.is_file() else None,
        elsewhere=_answers(folder / "transfer") if (folder / "transfer").is_dir() else None,
        history=pd.read_csv(_present(folder / HISTORY)),
        answers=_answers(folder),
    )


def _answers(folder: Path) -> Answers:
    import pandas as pd

    with np.load(_present(folder / MISCLASSIFIED)) as stored:
        misclassified = dict(zip(stored["index"].tolist(), stored["images"], strict=True))
    return Answers(pd.read_csv(_present(folder / PREDICTIONS)), misclassified)


def _present(path: Path) -> Path:
    if not path.is_file():
        missing = paths.relative(path)
        raise UserError(f"{missing} is missing; make it with `dvc repro` or `dvc checkout`")
    return path


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
