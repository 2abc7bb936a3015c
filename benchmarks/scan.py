"""How many digits of synthetic photographs and drawings are found, read right and sure.

    python -m benchmarks.scan [--model cnn] [--sheets 40] [--seed 8]

The digits are those of the validation set, which no model was trained on; `dvc repro` makes it and
the model.  A second table says how much of what is no digit the model is not sure of.  With 40
sheets a kind it takes about four minutes on one core.
"""

import time
from typing import Annotated, get_args

import cv2
import numpy as np
import pandas as pd
import typer
from PIL import Image

from benchmarks import nondigits, sheets
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


def main(
    model: Annotated[str, typer.Option(help="The model that reads the found digits.")] = "cnn",
    sheet_count: Annotated[int, typer.Option("--sheets", help="Sheets of every kind.")] = 40,
    seed: Annotated[int, typer.Option(help="Of what is on the sheets.")] = 8,
) -> None:
    """Print what was found, read right and sure of digits, and unsure of what is none."""
    if model not in config.MODELS:
        raise errors.UserError(f"--model: expected one of {', '.join(config.MODELS)}")
    cv2.setNumThreads(1)
    validation = split.read(paths.SPLIT, "validation")
    images = read_raw(paths.RAW, read_digit).images[validation.index]
    reader = Reader([model], threads=1)
    rows = [
        {"kind": kind, **count(kind, sheet_count, seed, images, validation.labels, reader)}
        for kind in (*PHOTOS, *DRAWINGS, *BLANKS)
    ]
    rows += [
        {
            "kind": f"small, {noise}",
            **count_small(noise, seed, images, validation.labels, reader),
        }
        for noise in NOISES
    ]
    print(pd.DataFrame(rows, dtype=object).to_string(index=False, na_rep="-"))
    print("\nNo digits:")
    scores = Predictor.load(paths.MODELS / model).probabilities(validation.images).max(axis=1)
    coverage = files.read_json(paths.METRICS / model / "confidence.json")["coverage"]
    least = float(np.quantile(scores, 1 - coverage))
    others = [
        {"kind": what, **count_unsure(what, sheet_count, seed, reader, least)}
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


def count(
    kind: str,
    number: int,
    seed: int,
    images: np.ndarray,
    labels: np.ndarray,
    reader: Reader,
) -> dict[str, str | int]:
    """What was found on `number` sheets of one kind, and what of it was read right and sure."""
    drawn = found = right = sure = sure_right = invented = ordered = 0
    seconds = 0.0
    for index in range(number):
        made = sheet(kind, images, labels, np.random.default_rng([seed, index, len(kind)]))
        grey = np.asarray(Image.fromarray(made.image).convert("L"))
        began = time.process_time()
        digits = reader.read(grey).digits
        seconds += time.process_time() - began
        partners, extra = sheets.match([digit.box for digit in digits], made.boxes)
        met = [partner for partner in partners if partner is not None]
        drawn, found, invented = drawn + len(partners), found + len(met), invented + len(extra)
        ordered += met == sorted(met)
        for partner, label in zip(partners, made.labels, strict=True):
            if partner is not None:
                prediction = _prediction(digits[partner])
                right += prediction.label == str(label)
                sure += prediction.confident
                sure_right += prediction.confident and prediction.label == str(label)
    return {
        "digits": drawn,
        "found": _percent(found, drawn),
        "read of found": _percent(right, found),
        "sure of found": _percent(sure, found),
        "read of sure": _percent(sure_right, sure),
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
    """What was read right of noisy images of 28 x 28 pixels with one digit each."""
    rng = np.random.default_rng(seed)
    found = right = sure = sure_right = 0
    for index in rng.integers(0, len(images), SMALL_IMAGES):
        for digit in reader.read(sheets.small_noisy(images[index], rng, noise)).digits:
            prediction, label = _prediction(digit), str(labels[index])
            found += 1
            right += prediction.label == label
            sure += prediction.confident
            sure_right += prediction.confident and prediction.label == label
    return {
        "digits": SMALL_IMAGES,
        "found": _percent(found, SMALL_IMAGES),
        "read of found": _percent(right, found),
        "sure of found": _percent(sure, found),
        "read of sure": _percent(sure_right, sure),
    }


def count_unsure(
    what: str, number: int, seed: int, reader: Reader, least: float
) -> dict[str, str | int]:
    """Of how much that is no digit, photographed and drawn, the model is not sure.

    Args:
        what: One of `nondigits.MATERIAL`.
        number: Sheets of each kind.
        seed: Of what is on the sheets.
        reader: A reader with one model.
        least: The score from which on as many digits are sure as by the model's rule.

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
    unsure = sum(not prediction.confident for prediction in predictions)
    low = sum(prediction.score < least for prediction in predictions)
    return {
        "found": len(predictions),
        "unsure": _percent(unsure, len(predictions)),
        "unsure by score alone": _percent(low, len(predictions)),
    }


def _prediction(digit: ReadDigit) -> Prediction:
    (prediction,) = digit.predictions.values()
    return prediction


def _percent(part: int, whole: int) -> str:
    return f"{part / whole:.2%}" if whole else "-"


if __name__ == "__main__":
    with errors.reported():
        typer.run(main)
