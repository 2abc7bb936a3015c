"""Every digit of any picture, read by one model or several: the one way in for all services."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np

from digits import scan
from digits.core import paths
from digits.core.errors import UserError
from digits.evaluation import abstention
from digits.inference.predictor import Predictor

UNSURE = "?"
"""Stands in a number for a digit that the model is not sure of."""


@dataclass(frozen=True)
class Opinion:
    """What one model says of one digit."""

    label: str
    """The best guess, a class name."""
    score: float
    """Calibrated probability of `label`."""
    scores: tuple[float, ...]
    """(classes,), in the order of `Reader.classes`."""
    sure: bool
    """False if the score is low or the image is unlike the label's digits."""


@dataclass(frozen=True)
class ReadDigit:
    """One digit of a page, and what was said of it."""

    box: tuple[int, int, int, int]
    """Left, top, right and bottom in pixels of the upright image; right and bottom are outside."""
    row: int
    """0 for the first row."""
    image: np.ndarray
    """(28, 28) uint8 as the models saw it, 0 ground, 255 ink."""
    opinions: dict[str, Opinion]
    """By model, in the reader's order."""

    @property
    def agreed(self) -> bool:
        """Whether all models are sure of the same label."""
        labels = {opinion.label for opinion in self.opinions.values() if opinion.sure}
        return len(labels) == 1 and all(opinion.sure for opinion in self.opinions.values())


@dataclass(frozen=True)
class Page:
    """One image that was read."""

    width: int
    height: int
    """Of the upright image, in pixels."""
    digits: tuple[ReadDigit, ...]
    """In reading order."""

    def numbers(self, model: str) -> list[str]:
        """What the model reads in each row, with `UNSURE` in place of what it is not sure of.

        Names of classes that are longer than one character are set apart by spaces.
        """
        said = [(digit.row, digit.opinions[model]) for digit in self.digits]
        apart = " " if any(len(opinion.label) > 1 for _, opinion in said) else ""
        return [
            apart.join(opinion.label if opinion.sure else UNSURE for _, opinion in row)
            for _, row in groupby(said, key=lambda pair: pair[0])
        ]


class Reader:
    """Models that read pictures together."""

    def __init__(
        self, models: Sequence[str], folder: Path = paths.MODELS, threads: int = 0
    ) -> None:
        """Load the models, and when each of them is sure.

        Args:
            models: Names of bundles in `folder`, at least one.
            folder: Where the bundles are.
            threads: Cores to use; 0 for all.

        Raises:
            UserError: if a bundle or its rule is missing or damaged, or if the models do not tell
                the same classes apart.

        """
        self.models = tuple(dict.fromkeys(models))
        self._predictors = {model: Predictor.load(folder / model, threads) for model in self.models}
        self.digests = {
            model: predictor.bundle.digest for model, predictor in self._predictors.items()
        }
        self._rules = {
            model: abstention.load(model, digest, folder) for model, digest in self.digests.items()
        }
        self.classes = self._predictors[self.models[0]].classes
        for model, predictor in self._predictors.items():
            if predictor.classes != self.classes:
                raise UserError(
                    f"{self.models[0]} and {model} were trained on different classes; train both "
                    "on the same data with `dvc repro`, or ask one of them"
                )

    def read(self, image: np.ndarray, models: Sequence[str] | None = None) -> Page:
        """Find every digit of a picture and ask the models about it.

        Args:
            image: (height, width) uint8, as `scan.read_image` gives it.
            models: Those to ask, some of the reader's; all if None.

        Raises:
            UserError: if the image has another shape or type.

        """
        found = scan.find_digits(image)
        height, width = image.shape
        asked = self.models if models is None else tuple(models)
        opinions = (
            self._opinions(np.stack([digit.image for digit in found]), asked) if found else []
        )
        return Page(
            width,
            height,
            tuple(
                ReadDigit(
                    box=(left, top, left + across, top + down),
                    row=digit.row,
                    image=digit.image,
                    opinions=said,
                )
                for digit, said in zip(found, opinions, strict=True)
                for left, top, across, down in (digit.box,)
            ),
        )

    def _opinions(self, images: np.ndarray, models: Sequence[str]) -> list[dict[str, Opinion]]:
        """What these models say of (n, 28, 28) uint8 images, image by image."""
        said: list[dict[str, Opinion]] = [{} for _ in images]
        for model in models:
            predictor, rule = self._predictors[model], self._rules[model]
            prepared = predictor.prepare(images)
            probabilities = predictor.probabilities(prepared)
            sure = rule.sure(prepared, probabilities)
            for index, (scores, certain) in enumerate(zip(probabilities, sure, strict=True)):
                best = int(scores.argmax())
                said[index][model] = Opinion(
                    label=self.classes[best],
                    score=float(scores[best]),
                    scores=tuple(map(float, scores)),
                    sure=bool(certain),
                )
        return said
