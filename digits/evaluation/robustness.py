"""How far a digit may be shifted, turned, resized, cut, ... before a model misclassifies it.

The changes are made to raw images, so that a model's own preprocessing (deskewing, centring) may
undo them, as it would for a digit of a user's.
"""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from digits.core import records
from digits.data.preprocess import FULL
from digits.inference import scoring

IMAGES = 1000
"""Images that every step is measured on, the same ones each time."""
SEED = 0
REQUIRED = 0.95
"""The accuracy whose loss is looked for."""
ZOOM = 4
"""Strokes are made thicker and thinner on an enlarged image, in steps of 2 / ZOOM pixels."""

Change = Callable[[np.ndarray, float, np.random.Generator], np.ndarray]
"""One (height, width) uint8 image, the amount, and a source of chance for direction and noise."""


@dataclass(frozen=True)
class Axis:
    """One kind of change, in steps."""

    change: Change
    unit: str
    neutral: float
    """The amount that changes nothing."""
    amounts: tuple[float, ...]
    """The steps, in ascending order, without the neutral one."""


def shift(image: np.ndarray, pixels: float, rng: np.random.Generator) -> np.ndarray:
    """Move by so many pixels, in a random direction."""
    angle = rng.uniform(0, 2 * np.pi)
    return _warp(image, np.eye(2), (pixels * np.cos(angle), pixels * np.sin(angle)))


def rotate(image: np.ndarray, degrees: float, rng: np.random.Generator) -> np.ndarray:
    """Turn around the middle, clockwise or not by chance."""
    angle = np.deg2rad(degrees) * rng.choice((-1, 1))
    return _warp(image, np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]))


def resize(image: np.ndarray, factor: float, rng: np.random.Generator) -> np.ndarray:
    """Enlarge or shrink about the middle; the image keeps its sides."""
    if factor < 1:  # as area means do, so that thin strokes are not skipped
        image = cv2.GaussianBlur(image, (0, 0), (1 / factor - 1) / 2)
    return _warp(image, np.eye(2) * factor)


def blur(image: np.ndarray, sigma: float, rng: np.random.Generator) -> np.ndarray:
    """Gaussian blur with this standard deviation in pixels."""
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma))


def add_noise(image: np.ndarray, deviation: float, rng: np.random.Generator) -> np.ndarray:
    """Gaussian noise whose standard deviation is this share of full ink."""
    noisy = image + rng.normal(0, deviation * FULL, image.shape)
    return np.asarray(noisy.round().clip(0, FULL), np.uint8)


def thicken(image: np.ndarray, pixels: float, rng: np.random.Generator) -> np.ndarray:
    """Make strokes this much wider, or narrower where it is negative."""
    height, width = image.shape
    large = cv2.resize(image, None, fx=ZOOM, fy=ZOOM, interpolation=cv2.INTER_LINEAR)
    side = round(abs(pixels) * ZOOM) + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    changed = cv2.dilate(large, disc) if pixels > 0 else cv2.erode(large, disc)
    return np.asarray(cv2.resize(changed, (width, height), interpolation=cv2.INTER_AREA))


def fade(image: np.ndarray, contrast: float, rng: np.random.Generator) -> np.ndarray:
    """Leave this share of the contrast: full ink becomes grey."""
    return np.asarray((image * contrast).round(), np.uint8)


def stretch(image: np.ndarray, factor: float, rng: np.random.Generator) -> np.ndarray:
    """Make the digit this much wider for its height, in the same area."""
    return _warp(image, np.diag([np.sqrt(factor), 1 / np.sqrt(factor)]))


def slant(image: np.ndarray, degrees: float, rng: np.random.Generator) -> np.ndarray:
    """Lean the digit, to the right or, below 0, to the left."""
    return _warp(image, np.array([[1.0, -np.tan(np.deg2rad(degrees))], [0.0, 1.0]]))


def cut(image: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """Take away this share of the digit's width or height at one side, as a picture's edge does."""
    left, top, width, height = cv2.boundingRect(image)
    sides = np.array([left, top, left + width, top + height])
    side = rng.integers(4)
    lost = share * (width, height)[side % 2]
    sides[side] += round(lost) if side < 2 else -round(lost)
    kept = np.zeros_like(image)
    region = np.s_[sides[1] : sides[3], sides[0] : sides[2]]
    kept[region] = image[region]
    return kept


def _warp(
    image: np.ndarray, linear: np.ndarray, offset: Sequence[float] = (0.0, 0.0)
) -> np.ndarray:
    """Apply a linear map about the middle, then an offset in pixels."""
    height, width = image.shape
    middle = np.array([(width - 1) / 2, (height - 1) / 2])
    matrix = np.column_stack([linear, middle - linear @ middle + np.asarray(offset)])
    return np.asarray(cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_LINEAR))


AXES = {
    "shift": Axis(shift, "pixels", 0, (1, 2, 3, 4, 5, 6, 7, 8)),
    "rotation": Axis(rotate, "degrees", 0, (5, 10, 15, 20, 30, 40, 50, 60)),
    "scale": Axis(resize, "times the size", 1, (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.1, 1.2, 1.3, 1.4)),
    "blur": Axis(blur, "pixels of standard deviation", 0, (0.5, 1, 1.5, 2, 2.5, 3)),
    "noise": Axis(
        add_noise, "standard deviation, full ink being 1", 0, (0.1, 0.2, 0.3, 0.4, 0.5, 0.6)
    ),
    "stroke": Axis(thicken, "pixels wider", 0, (-2, -1.5, -1, -0.5, 0.5, 1, 2, 3, 4)),
    "aspect": Axis(stretch, "times as wide for the height", 1, (0.5, 0.7, 1.4, 2, 2.8)),
    "slant": Axis(slant, "degrees to the right", 0, (-45, -30, -15, 15, 30, 45)),
    "cut edge": Axis(cut, "of the width or height lost", 0, (0.1, 0.2, 0.3, 0.4)),
    "contrast": Axis(fade, "of full contrast", 1, (0.05, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8)),
}
"""What is tried, in the order in which it is shown."""


def sample(size: int) -> np.ndarray:
    """Places of the images that are measured on: `IMAGES` of `size`, or all if there are fewer."""
    rng = np.random.default_rng(SEED)
    return np.sort(rng.choice(size, min(IMAGES, size), replace=False))


def measure(
    read: Callable[[np.ndarray], np.ndarray], images: np.ndarray, labels: np.ndarray
) -> dict[str, records.Change]:
    """Accuracy under every step of every change.

    Args:
        read: From raw images (n, height, width) uint8 to scores (n, classes).
        images: (n, height, width) uint8, full ink at 255.
        labels: (n,) integer labels.

    Returns:
        Every change by its name.

    """
    unchanged = int((read(images).argmax(axis=1) == labels).sum())
    measured = {}
    for name, axis in AXES.items():
        counts = {axis.neutral: unchanged}
        for amount in axis.amounts:
            rng = np.random.default_rng(SEED)
            changed = np.stack([axis.change(image, amount, rng) for image in images])
            counts[amount] = int((read(changed).argmax(axis=1) == labels).sum())
        points = tuple(_point(amount, counts[amount], len(labels)) for amount in sorted(counts))
        measured[name] = records.Change(
            unit=axis.unit,
            neutral=axis.neutral,
            points=points,
            falls_below=falls_below(points, axis.neutral),
        )
    return measured


def _point(amount: float, correct: int, images: int) -> records.Point:
    low, high = scoring.wilson(correct, images)
    return records.Point(
        amount=amount, correct=correct, accuracy=correct / images, low=low, high=high
    )


def falls_below(points: Sequence[records.Point], neutral: float) -> records.FallsBelow:
    """The first amounts on both sides of `neutral` at which the accuracy is below `REQUIRED`.

    They are read off straight lines between neighbouring points.

    Args:
        points: By ascending amount, the neutral one among them.
        neutral: The amount that changes nothing.

    """
    middle = next(place for place, point in enumerate(points) if point.amount == neutral)
    return records.FallsBelow(lower=_crossing(points[middle::-1]), upper=_crossing(points[middle:]))


def _crossing(points: Sequence[records.Point]) -> float | None:
    """Where the line through these points, walked from the first one, goes below `REQUIRED`."""
    if points[0].accuracy < REQUIRED:
        return points[0].amount
    for near, far in itertools.pairwise(points):
        if far.accuracy < REQUIRED:
            way = (near.accuracy - REQUIRED) / (near.accuracy - far.accuracy)
            return round(near.amount + way * (far.amount - near.amount), 3)
    return None
