"""Training images that no data set holds: written, stretched and coarse digits, and no digits."""

from typing import Annotated

import cv2
import numpy as np
from pydantic import Field

from digits.core.config import Section, Seed
from digits.datasets.raw.optdigits import DIGITS
from digits.scan.single.normalise import DIGIT_SIDE, centred
from digits.synthesis import hand, nondigits

NARROW = 6
"""Pixels: a digit that is no wider, a straight 1, is not stretched into a square."""
SQUARE = 0.2
"""Deviation of the logarithm of the aspect of stretched digits."""
COARSE_SIDES = (7, 14)
"""Least and largest long side, in pixels, of what coarse digits were seen with."""

Times = Annotated[float, Field(ge=0, le=10)]
"""For every image."""


class Params(Section):
    """How many images are made for every image of a set, and how."""

    written: Times
    """Digits written by the model of the hand; only where the classes are the digits 0 to 9."""
    stretched: Times
    """Images of the set, cropped and stretched to about a square, as people crop drawings."""
    nondigits: Times
    """Images of no digit, as `nondigits` draws them; only where the classes are the digits, too."""
    coarse: Annotated[float, Field(ge=0, le=1)]
    """Share of all of them that is seen with few pixels, as in a small picture."""
    seed: Seed


def make(
    images: np.ndarray,
    labels: np.ndarray,
    classes: tuple[str, ...],
    params: Params,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Make images from those of one set and from nothing.

    Args:
        images: (n, 28, 28) uint8, full ink 255.
        labels: (n,) uint8, places in `classes`.
        classes: Names of the classes.
        params: What to make.
        rng: The source of all chance.

    Returns:
        (m, 28, 28) uint8 in MNIST's form, and (m,) uint8 their labels: len(classes) for no digit.

    """
    made, said = [np.empty((0, *images.shape[1:]), np.uint8)], [np.empty(0, np.uint8)]
    count = round(params.written * len(images))
    if count and classes == DIGITS:
        written, digits = hand.write(count, rng)
        made.append(written)
        said.append(digits)
    wide = np.flatnonzero([cv2.boundingRect(image)[2] > NARROW for image in images])
    count = round(params.stretched * len(images))
    if count and len(wide):
        chosen = rng.choice(wide, count)
        made.append(np.stack([stretch(images[index], rng) for index in chosen]))
        said.append(labels[chosen])
    count = round(params.nondigits * len(images))
    if count and classes == DIGITS:
        made.append(nondigits.draw(count, rng))
        said.append(np.full(count, len(classes), np.uint8))
    all_made = np.concatenate(made)
    for index in np.flatnonzero(rng.random(len(all_made)) < params.coarse):
        all_made[index] = coarsen(all_made[index], rng)
    return all_made, np.concatenate(said)


def stretch(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Crop a (28, 28) uint8 digit, stretch it to about a square, bring it to MNIST's form."""
    aspect = float(np.exp(rng.normal(0, SQUARE)))
    sides = min(1.0, aspect) * DIGIT_SIDE, min(1.0, 1 / aspect) * DIGIT_SIDE
    return _refit(_cropped(image), (round(sides[0]), round(sides[1])))


def coarsen(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """What is left of a (28, 28) uint8 digit once few pixels have seen it, in MNIST's form."""
    digit = _cropped(image)
    height, width = digit.shape
    scale = rng.integers(*COARSE_SIDES, endpoint=True) / max(height, width)
    few = cv2.resize(
        digit,
        (max(2, round(width * scale)), max(2, round(height * scale))),
        interpolation=cv2.INTER_AREA,
    )
    scale = DIGIT_SIDE / max(few.shape)
    return _refit(few, (max(1, round(few.shape[1] * scale)), max(1, round(few.shape[0] * scale))))


def _cropped(image: np.ndarray) -> np.ndarray:
    left, top, width, height = cv2.boundingRect(image)
    return image[top : top + max(1, height), left : left + max(1, width)].astype(np.float32)


def _refit(digit: np.ndarray, sides: tuple[int, int]) -> np.ndarray:
    return centred(cv2.resize(digit, sides, interpolation=cv2.INTER_CUBIC).clip(0, 255))
