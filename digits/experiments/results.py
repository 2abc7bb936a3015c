"""What a run of the pipeline measured of a model: the files that it left."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from digits.core import records
from digits.core.errors import UserError
from digits.tracking import git

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Measured:
    """The files of one evaluated model."""

    train: records.Train
    timing: records.Timing
    history: tuple[dict[str, float], ...]
    """history.csv: the training's log, a row an epoch."""
    predictions: "pd.DataFrame"
    """predictions.csv, or validation.csv where the test set was not opened."""
    test: records.Test | None
    """None, as the next, where the test set was not opened."""
    speed: records.Speed | None
    robustness: records.Robustness | None
    """robustness.json, where it was measured on this very model."""
    figures: dict[str, bytes]
    """The model's pictures as PNG: confusion, curves."""

    @property
    def per_class(self) -> dict[str, records.OfClass]:
        """The test figures of each class; raises UserError if the test set was not opened."""
        if self.test is None:
            raise UserError(f"the test set was not opened for {self.train.model}")
        return self.test.per_class

    @property
    def classes(self) -> list[str]:
        return list(self.per_class)

    def places(self, names: Sequence[str]) -> list[int]:
        """The places of some classes; raises UserError if there is one that is no class."""
        if unknown := [name for name in names if name not in self.classes]:
            raise UserError(
                f"there is no class {', '.join(unknown)} in {self.train.dataset}; its classes are "
                f"{', '.join(self.classes)}"
            )
        return [self.classes.index(name) for name in names]

    @property
    def labels(self) -> np.ndarray:
        """(n,) true classes."""
        return self.predictions["label"].to_numpy()

    @property
    def answers(self) -> np.ndarray:
        """(n,) predicted classes."""
        return self.predictions["prediction"].to_numpy()

    @property
    def correct(self) -> np.ndarray:
        """(n,) bool."""
        return np.asarray(self.labels == self.answers)


def measured(read: git.Read, model: str, opens_test: bool) -> Measured:
    """The files of one model.

    Args:
        read: Gives a file by its path in the project.
        model: The model.
        opens_test: Whether the test set was opened for it, and is to be read.

    Raises:
        UserError: if the model was not evaluated there, or by another version of digits.

    """
    import pandas as pd

    def stored(name: str) -> bytes:
        path = f"metrics/{model}/{name}"
        if (content := read(path)) is None:
            raise UserError(f"{path} is missing; make it with `dvc repro`")
        return content

    train = records.Train.parse(stored("train.json"), "train.json")
    test = speed = None
    if opens_test:
        test = records.Test.parse(stored("test.json"), "test.json")
        speed = records.Speed.parse(stored("speed.json"), "speed.json")
        if test.model_sha256 != train.model_sha256:
            raise UserError(f"{model} was trained again and not evaluated; run `dvc repro`")
    scored = "predictions.csv" if opens_test else "validation.csv"
    robustness = None
    if content := read(f"metrics/{model}/robustness.json"):
        robustness = records.Robustness.parse(content, "robustness.json")
        if robustness.model_sha256 != train.model_sha256:
            robustness = None
    figures = {
        name: found
        for name in ("confusion", "curves")
        if opens_test and (found := read(f"reports/figures/{model}/{name}.png")) is not None
    }
    return Measured(
        train=train,
        timing=records.Timing.parse(stored("timing.json"), "timing.json"),
        history=_rows(pd.read_csv(io.BytesIO(stored("history.csv")))),
        predictions=pd.read_csv(io.BytesIO(stored(scored))),
        test=test,
        speed=speed,
        robustness=robustness,
        figures=figures,
    )


def _rows(table: "pd.DataFrame") -> tuple[dict[str, float], ...]:
    return tuple(
        {str(column): float(value) for column, value in row.items()}
        for row in table.to_dict("records")
    )
