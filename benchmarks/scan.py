"""How many digits of synthetic photographs and drawings are found, correct and confident.

    python -m benchmarks.scan [--model reader] [--sheets 40] [--seed 8]

The digits of the first table are those of the validation set, which no model was trained on; `dvc
repro` makes it and the model.  Those of the second are of hands unlike any in the data.  A third
says about how much of what is no digit the model abstains.  With 40 sheets a kind it takes about
five minutes on one core.
"""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, get_args

import cv2
import numpy as np
import pandas as pd
import typer
from PIL import Image

from benchmarks import handwriting, nondigits, sheets
from digits.core import config, errors, files, paths
from digits.data import split
from digits.datasets.raw.read import read_raw
from digits.inference.predictor import Predictor
from digits.scan.single.read import read_digit
from digits.serve.reader import Prediction, ReadDigit, Reader

PHOTOS: dict[str, sheets.RuledLines] = {
    "photo": "none",
    "photo, touching": "none",
    "photo, lined": "lines",
    "photo, squared": "squares",
}
BLANKS: dict[str, sheets.RuledLines] = {
    "blank": "none",
    "blank, lined": "lines",
    "blank, squared": "squares",
}
DRAWINGS = ("mouse", "felt pen")
NOISES = get_args(sheets.Noise)
CANVASES = ((600, 600), (900, 600), (1200, 800), (400, 300))
DIGITS_A_PHOTO, DIGITS_A_DRAWING = (20, 36), (1, 9)
TOUCHING_SHARE = 0.1
FELT_PENS = (0.08, 0.17)
"""Width of a felt pen's stroke as a share of the digit's height."""
SMALL_IMAGES = 500
NONDIGITS = 400
"""Pictures of what is no digit, from which the sheets are drawn."""
HANDS_A_SHEET = 4
"""Sheets of every other hand to one of the rest: half of them hold one digit."""


def main(
    model: Annotated[str, typer.Option(help="The model that reads the found digits.")] = "reader",
    sheet_count: Annotated[int, typer.Option("--sheets", help="Sheets of every kind.")] = 40,
    seed: Annotated[int, typer.Option(help="Of what is on the sheets.")] = 8,
) -> None:
    """Print what was found, correct and confident of digits, and abstentions from what is none."""
    if model not in config.MODELS:
        raise errors.UserError(f"--model: expected one of {', '.join(config.MODELS)}")
    cv2.setNumThreads(1)
    validation = split.read(paths.SPLIT, "validation")
    images = read_raw(paths.RAW, read_digit).images[validation.index]
    reader = Reader([model], threads=1)

    def made(kind: str) -> Iterator[sheets.Sheet]:
        for index in range(sheet_count):
            rng = np.random.default_rng([seed, index, len(kind)])
            yield sheet(kind, images, validation.labels, rng)

    rows = [{"kind": kind, **count(made(kind), reader)} for kind in (*PHOTOS, *DRAWINGS, *BLANKS)]
    rows += [
        {"kind": f"small, {noise}", **count_small(noise, seed, images, validation.labels, reader)}
        for noise in NOISES
    ]
    print(pd.DataFrame(rows, dtype=object).to_string(index=False, na_rep="-"))
    print("\nOther hands:")
    hands = [
        {"kind": kind, **count(handwriting.sheets(kind, HANDS_A_SHEET * sheet_count, seed), reader)}
        for kind in handwriting.KINDS
    ]
    print(pd.DataFrame(hands, dtype=object).to_string(index=False))
    print("\nNo digits:")
    scores = Predictor.load(paths.MODELS / model).probabilities(validation.images).max(axis=1)
    coverage = files.read_json(paths.METRICS / model / "confidence.json")["bought"]["coverage"]
    least = float(np.quantile(scores, 1 - coverage))
    others = [
        {"kind": what, **count_abstentions(what, sheet_count, seed, reader, least)}
        for what in nondigits.MATERIAL
    ]
    print(pd.DataFrame(others).to_string(index=False))


def sheet(
    kind: str, images: np.ndarray, labels: np.ndarray, rng: np.random.Generator
) -> sheets.Sheet:
    """One sheet of this kind, with digits drawn from `images`."""
    if kind in BLANKS:
        return sheets.photograph(images[:0], labels[:0], rng, ruled=BLANKS[kind])
    bounds = DIGITS_A_PHOTO if kind in PHOTOS else DIGITS_A_DRAWING
    chosen = rng.integers(0, len(images), rng.integers(*bounds))
    if kind in PHOTOS:
        touching = TOUCHING_SHARE if "touching" in kind else 0.0
        return sheets.photograph(
            images[chosen], labels[chosen], rng, ruled=PHOTOS[kind], touching=touching
        )
    pen = 0.0 if kind == "mouse" else float(rng.uniform(*FELT_PENS))
    size = CANVASES[rng.integers(len(CANVASES))]
    return sheets.drawing(images[chosen], labels[chosen], rng, size=size, pen=pen)


@dataclass
class Tally:
    """How many digits were drawn, found, and what a model made of those found."""

    drawn: int = 0
    found: int = 0
    correct: int = 0
    confident: int = 0
    both: int = 0

    def add(self, prediction: Prediction, label: int) -> None:
        """Count a digit that was found."""
        correct = prediction.label == str(label)
        self.found += 1
        self.correct += correct
        self.confident += prediction.confident
        self.both += correct and prediction.confident

    def shares(self) -> dict[str, str | int]:
        """A row of the table."""
        return {
            "digits": self.drawn,
            "found": _percent(self.found, self.drawn),
            "correct of found": _percent(self.correct, self.found),
            "confident of found": _percent(self.confident, self.found),
            "correct of confident": _percent(self.both, self.confident),
        }


def count(made_sheets: Iterable[sheets.Sheet], reader: Reader) -> dict[str, str | int]:
    """What was found on sheets, and what of it was correct and confident."""
    tally = Tally()
    invented = ordered = number = 0
    seconds = 0.0
    for made in made_sheets:
        number += 1
        grey = np.asarray(Image.fromarray(made.image).convert("L"))
        began = time.process_time()
        digits = reader.read(grey).digits
        seconds += time.process_time() - began
        partners, extra = sheets.match([digit.box for digit in digits], made.boxes)
        met = [partner for partner in partners if partner is not None]
        tally.drawn += len(partners)
        invented += len(extra)
        ordered += met == sorted(met)
        for partner, label in zip(partners, made.labels, strict=True):
            if partner is not None:
                tally.add(_prediction(digits[partner]), label)
    return {
        **tally.shares(),
        "invented": invented,
        "in order": f"{ordered}/{number}",
        "s/sheet": f"{seconds / number:.3f}",
    }


def count_small(
    noise: sheets.Noise,
    seed: int,
    images: np.ndarray,
    labels: np.ndarray,
    reader: Reader,
) -> dict[str, str | int]:
    """What was found of noisy images of 28 x 28 pixels with one digit each, and what of it."""
    rng = np.random.default_rng(seed)
    tally = Tally(drawn=SMALL_IMAGES)
    for index in rng.integers(0, len(images), SMALL_IMAGES):
        for digit in reader.read(sheets.small_noisy(images[index], rng, noise)).digits:
            tally.add(_prediction(digit), labels[index])
    return tally.shares()


def count_abstentions(
    what: str, number: int, seed: int, reader: Reader, least: float
) -> dict[str, str | int]:
    """About how much that is no digit, photographed and drawn, the model abstains.

    Args:
        what: One of `nondigits.MATERIAL`.
        number: Sheets of each kind.
        seed: Of what is on the sheets.
        reader: A reader with one model.
        least: The score from which on as many digits are confident as by the model's rule.

    """
    rng = np.random.default_rng([seed, len(what)])
    images = nondigits.MATERIAL[what](NONDIGITS, rng)
    labels = np.zeros(NONDIGITS, np.uint8)
    predictions = []
    for index in range(number):
        for kind in ("photo", *DRAWINGS):
            made = sheet(kind, images, labels, np.random.default_rng([seed, index, len(kind)]))
            grey = np.asarray(Image.fromarray(made.image).convert("L"))
            predictions += [_prediction(digit) for digit in reader.read(grey).digits]
    withheld = sum(not prediction.confident for prediction in predictions)
    low = sum(prediction.score < least for prediction in predictions)
    return {
        "found": len(predictions),
        "abstained": _percent(withheld, len(predictions)),
        "abstained by score alone": _percent(low, len(predictions)),
    }


def _prediction(digit: ReadDigit) -> Prediction:
    (prediction,) = digit.predictions.values()
    return prediction


def _percent(part: int, whole: int) -> str:
    return f"{part / whole:.2%}" if whole else "-"


if __name__ == "__main__":
    with errors.reported():
        typer.run(main)
