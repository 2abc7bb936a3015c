"""What a run of the pipeline measured, read from the commit that DVC made of it."""

import io
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from digits.core import paths
from digits.core.errors import UserError
from digits.experiments.definition import Run
from digits.tracking import git

if TYPE_CHECKING:
    import pandas as pd

FILES = ("train", "test", "timing", "speed")


@dataclass(frozen=True)
class Measured:
    """The files of one evaluated model."""

    train: dict[str, Any]
    test: dict[str, Any]
    timing: dict[str, Any]
    speed: dict[str, Any]
    predictions: "pd.DataFrame"
    """predictions.csv."""
    robustness: dict[str, Any] | None
    """robustness.json, where it was measured on this very model."""
    figures: dict[str, bytes]
    """The model's PNG files by name, without their ending."""

    @property
    def classes(self) -> list[str]:
        return list(self.test["per_class"])

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
        UserError: if the model was not evaluated there.

    """
    import pandas as pd

    content: dict[str, Any] = {}
    for name in FILES:
        if (found := read(f"metrics/{model}/{name}.json")) is None:
            raise UserError(f"metrics/{model}/{name}.json is missing; make it with `dvc repro`")
        content[name] = json.loads(found)
    digest = content["test"]["model_sha256"]
    if digest != content["train"]["model_sha256"]:
        raise UserError(f"{model} was trained again and not evaluated; run `dvc repro`")
    predictions = read(f"metrics/{model}/predictions.csv")
    assert predictions is not None
    robustness = json.loads(read(f"metrics/{model}/robustness.json") or b"null")
    if robustness and robustness["model_sha256"] != digest:
        robustness = None
    figures = {
        name: found
        for name in ("confusion", "curves", "misread")
        if (found := read(f"reports/figures/{model}/{name}.png")) is not None
    }
    return Measured(
        **content,
        predictions=pd.read_csv(io.BytesIO(predictions)),
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
