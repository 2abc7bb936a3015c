"""How a model predicts digits of other hands than those that it was trained on."""

from typing import TYPE_CHECKING

import cv2
import numpy as np

from digits.core import records
from digits.data.preprocess import FULL
from digits.datasets.raw import optdigits
from digits.inference import scoring
from digits.scan.single.normalise import DIGIT_SIDE, centred

if TYPE_CHECKING:
    import pandas as pd

SOURCE = "optdigits"
ENLARGED = 8
"""Times, by cubic interpolation: 8 x 8 grey levels from scans of 32 x 32 pixels."""
FAINT = 40
"""Grey levels up to this are the rim that interpolation leaves around the ink."""


def other_hands() -> tuple[np.ndarray, np.ndarray]:
    """scikit-learn's digits, written by 13 people in Turkey, brought to MNIST's form.

    Returns:
        (1797, 28, 28) uint8 and (1797,) uint8 labels, in the file's order, so that halves mix
        writers as little as the file does.

    """
    images, labels = optdigits.read(optdigits.bundled())
    return np.stack([_in_mnist_form(image) for image in images]), labels


def _in_mnist_form(image: np.ndarray) -> np.ndarray:
    levels = image.astype(np.float32) * (FULL / optdigits.WHITE)
    large = cv2.resize(levels, None, fx=ENLARGED, fy=ENLARGED, interpolation=cv2.INTER_CUBIC)
    left, top, width, height = cv2.boundingRect((large > FAINT).astype(np.uint8))
    digit = large.clip(0, FULL)[top : top + height, left : left + width]
    scale = DIGIT_SIDE / max(width, height)
    sides = max(1, round(width * scale)), max(1, round(height * scale))
    return centred(cv2.resize(digit, sides, interpolation=cv2.INTER_AREA))


def halves(answers: "pd.DataFrame") -> tuple["pd.DataFrame", "pd.DataFrame"]:
    """The first half of a table in the file's order, and the second, by which nothing is chosen."""
    half = len(answers) // 2
    return answers[:half], answers[half:]


def measure(
    answers: "pd.DataFrame", classes: tuple[str, ...]
) -> tuple[records.OnImages, records.OnImages, dict[str, float]]:
    """Count what a model predicts correctly.

    Args:
        answers: Its predictions of all digits, as `predictor.tabulate` has them.
        classes: The model's, among them the ten digits.

    Returns:
        The first half, the second half, and of the second the accuracy by class.

    """
    first, second = (half["prediction"] == half["label"] for half in halves(answers))
    by_class = second.groupby(answers["label"]).mean()
    per_class = {digit: float(by_class[classes.index(digit)]) for digit in optdigits.DIGITS}
    return counted(first.to_numpy()), counted(second.to_numpy()), per_class


def counted(correct: np.ndarray) -> records.OnImages:
    """How many of (n,) bool answers are correct, with the interval; n > 0."""
    images, right = len(correct), int(correct.sum())
    low, high = scoring.wilson(right, images)
    return records.OnImages(
        images=images,
        correct=right,
        accuracy=right / images,
        accuracy_low=low,
        accuracy_high=high,
    )
