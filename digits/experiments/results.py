"""What a run of the pipeline measured, read from the commit that DVC made of it."""

import io
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from digits.core import paths, records
from digits.core.errors import UserError
from digits.experiments.definition import Run
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
    """The model's PNG files by name, without their ending."""

    @property
    def classes(self) -> list[str]:
        return list(self.test.per_class)

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


@dataclass(frozen=True)
class Result:
    """A finished run."""

    run: Run
    revision: str
    """The commit that DVC made of it."""
    models: dict[str, Measured]


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
        for name in ("confusion", "curves", "misread")
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


def revisions(name: str) -> list[str]:
    """The commits of all experiments called `name`, whatever they began at."""
    return [made.commit for made in git.experiments() if made.name == name]


def revision(name: str) -> str | None:
    """The commit of the experiment `name` that began at HEAD, or None."""
    head = git.commit()
    begun_here = (made for made in git.experiments() if made.baseline == head)
    return next((made.commit for made in begun_here if made.name == name), None)


def read_result(run: Run, commit: str) -> Result:
    """Read what `run` left in `commit`."""
    read = git.at_revision(commit)
    return Result(run, commit, {model: measured(read, model) for model in run.models})


@contextmanager
def fetched(commit: str, path: str) -> Iterator[Path]:
    """A file or folder that DVC keeps, as it was in `commit`, in a temporary place."""
    from dvc.api import DVCFileSystem

    system = DVCFileSystem(str(paths.ROOT), rev=commit)
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / Path(path).name
        system.get(path, str(target), recursive=True)
        yield target
