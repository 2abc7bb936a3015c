"""Every digit of any picture, read by one model or several: the one way in for all services."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np

from digits.core import paths
from digits.core.errors import UserError
from digits.evaluation import abstention, examples
from digits.inference.predictor import Predictor
from digits.scan.page.find import find_digits
from digits.scan.single.normalise import SIDE
from digits.scan.single.types import Digit

WITHHELD = "?"
"""Stands in a number for a digit about which the model abstains."""
NEAREST = 3
"""Training digits beside an image that is unlike its label's."""


@dataclass(frozen=True)
class Prediction:
    """What one model says of one digit."""

    label: str
    """The best guess, a class name."""
    score: float
    """Calibrated probability of `label`."""
    scores: tuple[float, ...]
    """(classes,), in the order of `Reader.classes`."""
    confident: bool
    """False if the answer is withheld."""
    withheld: abstention.Reason | None
    """Why: the score is too low, or the image is unlike the label's training digits."""


@dataclass(frozen=True)
class Example:
    """A training digit."""

    image: np.ndarray
    """(28, 28) uint8, 0 background, 255 ink."""
    label: str
    """Its class name."""


@dataclass(frozen=True)
class ReadDigit:
    """One digit of a page, and what was said of it."""

    box: tuple[int, int, int, int]
    """Left, top, right and bottom in pixels of the upright image; right and bottom are outside."""
    row: int
    """0 for the first row."""
    image: np.ndarray
    """(28, 28) uint8 as the models saw it, 0 background, 255 ink."""
    predictions: dict[str, Prediction]
    """By model, in the order in which they were asked."""
    nearest: tuple[Example, ...] = ()
    """Where the first model's answer is withheld as "unlike": its label's training digits that come
    nearest."""

    @property
    def agree(self) -> bool:
        """Whether all models give the same label, whatever their scores."""
        return len({prediction.label for prediction in self.predictions.values()}) == 1

    @property
    def confident(self) -> bool:
        """Whether all models give the same label, each with confidence."""
        return self.agree and all(one.confident for one in self.predictions.values())


@dataclass(frozen=True)
class Page:
    """One image that was read."""

    width: int
    height: int
    """Of the upright image, in pixels."""
    digits: tuple[ReadDigit, ...]
    """In reading order."""

    def numbers(self, model: str) -> list[str]:
        """What the model reads in each row, with `WITHHELD` in place of what it withholds.

        Names of classes that are longer than one character are set apart by spaces.
        """
        said = [(digit.row, digit.predictions[model]) for digit in self.digits]
        apart = " " if any(len(one.label) > 1 for _, one in said) else ""
        return [
            apart.join(one.label if one.confident else WITHHELD for _, one in row)
            for _, row in groupby(said, key=lambda pair: pair[0])
        ]


class Reader:
    """Models that read pictures together."""

    def __init__(
        self, models: Sequence[str], folder: Path = paths.MODELS, threads: int = 0
    ) -> None:
        """Load the models, when each of them abstains, and training digits to show then.

        Args:
            models: Names of bundles in `folder`, at least one.
            folder: Where the bundles are.
            threads: Cores to use; 0 for all.

        Raises:
            UserError: if a bundle, its rule or its examples are missing or damaged, or if the
                models do not tell the same classes apart.

        """
        self.models = tuple(dict.fromkeys(models))
        self._predictors = {model: Predictor.load(folder / model, threads) for model in self.models}
        self.digests = {
            model: predictor.bundle.digest for model, predictor in self._predictors.items()
        }
        self._rules = {
            model: abstention.load(model, self.digests[model], len(predictor.classes), folder)
            for model, predictor in self._predictors.items()
        }
        self._examples = {model: examples.load(model, folder) for model in self.models}
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
            image: (height, width) uint8, as `scan.single.decode.read_image` gives it.
            models: Those to ask, some of the reader's; all if None.

        Raises:
            UserError: if the image has another shape or type.

        """
        found = find_digits(image)
        height, width = image.shape
        asked = self.models if models is None else tuple(models)
        images = stacked(found)
        return self.page(
            width, height, found, {model: self.predict(images, model) for model in asked}
        )

    def predict(self, images: np.ndarray, model: str) -> list[Prediction]:
        """What one model says of images.

        Args:
            images: (n, 28, 28) uint8 in MNIST's form, as `scan` makes them.
            model: One of the reader's.

        """
        if not len(images):
            return []
        predictor, rule = self._predictors[model], self._rules[model]
        prepared = predictor.prepare(images)
        probabilities = predictor.probabilities(prepared)
        return [
            Prediction(
                label=self.classes[int(scores.argmax())],
                score=float(scores.max()),
                scores=tuple(map(float, scores)),
                confident=reason is None,
                withheld=reason,
            )
            for scores, reason in zip(
                probabilities, rule.withheld(prepared, probabilities), strict=True
            )
        ]

    def page(
        self,
        width: int,
        height: int,
        found: Sequence[Digit],
        predictions: Mapping[str, Sequence[Prediction]],
    ) -> Page:
        """Put together what was found and what was said of it.

        Args:
            width: Of the upright image, in pixels.
            height: The same.
            found: The digits, in reading order.
            predictions: By model, the one first whose answers stand first: one for each digit.

        """
        first = next(iter(predictions))
        nearest = self._nearest(stacked(found), predictions[first], first)
        return Page(
            width,
            height,
            tuple(
                ReadDigit(
                    box=digit.box,
                    row=digit.row,
                    image=digit.image,
                    predictions={model: said[place] for model, said in predictions.items()},
                    nearest=nearest.get(place, ()),
                )
                for place, digit in enumerate(found)
            ),
        )

    def _nearest(
        self, images: np.ndarray, said: Sequence[Prediction], model: str
    ) -> dict[int, tuple[Example, ...]]:
        """The nearest training digits of every image that is unlike its label's, by its place."""
        unlike = [place for place, one in enumerate(said) if one.withheld == "unlike"]
        if not unlike:
            return {}
        shown = self._examples[model]
        vectors = abstention.features(self._predictors[model].prepare(images[unlike]))
        return {
            place: tuple(
                Example(shown.images[near], said[place].label)
                for near in shown.nearest(vector, self.classes.index(said[place].label), NEAREST)
            )
            for place, vector in zip(unlike, vectors, strict=True)
        }


def stacked(found: Sequence[Digit]) -> np.ndarray:
    """The images of digits: (n, 28, 28) uint8."""
    return np.array([digit.image for digit in found], np.uint8).reshape(-1, SIDE, SIDE)
