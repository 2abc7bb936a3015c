"""What is said of a picture over HTTP and by `digits predict --json`: the same keys."""

import base64
from collections.abc import Callable
from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from digits.evaluation.abstention import Reason
from digits.serve import png, reader

DATA_URI = "data:image/png;base64,"
DECIMALS = 6

Probability = Annotated[float, Field(ge=0, le=1)]


class Answer(BaseModel):
    """Something that is sent."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class PredictionAnswer(Answer):
    """What one model says of one digit."""

    label: str
    """Best guess."""
    score: Probability
    """Calibrated probability of the label."""
    confident: bool
    """False: the answer is withheld, and the label only the best guess."""
    withheld: Reason | None
    """Why: the score is too low, or the image is unlike the label's training digits."""
    scores: dict[str, Probability]
    """By class."""


class ExampleAnswer(Answer):
    """A training digit."""

    image: str
    """28 x 28, as a data: URI of a PNG."""
    label: str


class DigitAnswer(Answer):
    """One digit that was found, with the answer of the first model."""

    box: tuple[int, int, int, int]
    """Left, top, right and bottom in pixels of the upright image, the latter two exclusive."""
    row: int
    """From 0 at the top."""
    label: str
    score: Probability
    confident: bool
    withheld: Reason | None
    image: str
    """The 28 x 28 image that the models saw, as a data: URI of a PNG."""
    predictions: dict[str, PredictionAnswer]
    """By model."""
    agree: bool
    """Whether all models that were asked give the same label, whatever their scores."""
    nearest: list[ExampleAnswer]
    """Where the answer is withheld as "unlike": its label's training digits that come nearest."""


class PageAnswer(Answer):
    """What was read in an image."""

    width: int
    """Of the upright image."""
    height: int
    model: str
    """The model whose answers `digits` give first."""
    digits: list[DigitAnswer]
    """In reading order."""
    numbers: dict[str, list[str]]
    """By model: the number in each row, with "?" for a digit about which it abstains."""


def of_page(
    page: reader.Page,
    models: tuple[str, ...],
    classes: tuple[str, ...],
    encode: Callable[[np.ndarray], bytes] = png.encode,
) -> PageAnswer:
    """What is sent for a page that was read.

    Args:
        page: What was read.
        models: Which were asked; the first one's answers stand at each digit.
        classes: The names that the models' scores belong to.
        encode: Makes a PNG file of a digit's image.

    """
    first = models[0]
    return PageAnswer(
        width=page.width,
        height=page.height,
        model=first,
        digits=[_of_digit(digit, first, classes, encode) for digit in page.digits],
        numbers={model: page.numbers(model) for model in models},
    )


def _of_digit(
    digit: reader.ReadDigit,
    first: str,
    classes: tuple[str, ...],
    encode: Callable[[np.ndarray], bytes],
) -> DigitAnswer:
    predictions = {
        model: PredictionAnswer(
            label=said.label,
            score=round(said.score, DECIMALS),
            confident=said.confident,
            withheld=said.withheld,
            scores={
                name: round(score, DECIMALS)
                for name, score in zip(classes, said.scores, strict=True)
            },
        )
        for model, said in digit.predictions.items()
    }
    chosen = predictions[first]
    return DigitAnswer(
        box=digit.box,
        row=digit.row,
        label=chosen.label,
        score=chosen.score,
        confident=chosen.confident,
        withheld=chosen.withheld,
        image=_data_uri(encode(digit.image)),
        predictions=predictions,
        agree=digit.agree,
        nearest=[
            ExampleAnswer(image=_data_uri(png.encode(example.image)), label=example.label)
            for example in digit.nearest
        ],
    )


def _data_uri(file: bytes) -> str:
    """A PNG file as a data: URI."""
    return DATA_URI + base64.b64encode(file).decode()
