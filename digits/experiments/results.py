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
    test: records.Test
    timing: records.Timing
    speed: records.Speed
    predictions: "pd.DataFrame"
    """predictions.csv."""
    robustness: records.Robustness | None
    """robustness.json, where it was measured on this very model."""
    figures: dict[str, bytes]
    """The model's pictures as PNG: confusion, curves."""

    @property
    def classes(self) -> list[str]:
        return list(self.test.per_class)

    def places(self, names: Sequence[str]) -> list[int]:
        """The places of some classes; raises UserError if there is one that is no class."""
        if unknown := [name for name in names if name not in self.classes]:
            raise UserError(
                f"there is no class {', '.join(unknown)} in {self.test.dataset}; its classes are "
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


def measured(read: git.Read, model: str) -> Measured:
    """The files of one model.

    Args:
        read: Gives a file by its path in the project.
        model: The model.

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
    test = records.Test.parse(stored("test.json"), "test.json")
    if test.model_sha256 != train.model_sha256:
        raise UserError(f"{model} was trained again and not evaluated; run `dvc repro`")
    robustness = None
    if content := read(f"metrics/{model}/robustness.json"):
        robustness = records.Robustness.parse(content, "robustness.json")
        if robustness.model_sha256 != test.model_sha256:
            robustness = None
    figures = {
        name: found
        for name in ("confusion", "curves")
        if (found := read(f"reports/figures/{model}/{name}.png")) is not None
    }
    return Measured(
        train=train,
        test=test,
        timing=records.Timing.parse(stored("timing.json"), "timing.json"),
        speed=records.Speed.parse(stored("speed.json"), "speed.json"),
        predictions=pd.read_csv(io.BytesIO(stored("predictions.csv"))),
        robustness=robustness,
        figures=figures,
    )
