"""What is no digit, as a reader of digits comes upon it: signs, scribbles, and two digits in one.

A network that has seen nothing but digits gives anything a high score; shown such images with no
class as the answer, it learns to spread its score (D. Hendrycks et al., "Deep Anomaly Detection
with Outlier Exposure", ICLR 2019).
"""

import numpy as np

from digits.scan.single.normalise import SIDE
from digits.synthesis import hand
from digits.synthesis.glyphs import GLYPHS, SIGNS, Glyph

KINDS = (0.6, 0.2, 0.1, 0.1)
"""Shares of signs, scribbles, loose strokes and pairs of digits.  Chosen by looking."""


def draw(count: int, rng: np.random.Generator) -> np.ndarray:
    """Draw images that hold no digit, or no single one: (count, 28, 28) uint8 in MNIST's form."""
    images = np.empty((count, SIDE, SIDE), np.uint8)
    for place in range(count):
        images[place] = hand.image(_any(rng), rng)
    return images


def _any(rng: np.random.Generator) -> Glyph:
    kind = rng.choice(len(KINDS), p=KINDS)
    if kind == 0:
        return SIGNS[rng.integers(len(SIGNS))]
    return (scribble, strokes, pair)[kind - 1](rng)


def scribble(rng: np.random.Generator) -> Glyph:
    """One line through points that stand anywhere, or wander."""
    count = rng.integers(5, 14)
    if rng.random() < 0.4:
        points = np.cumsum(rng.normal(0, 0.3, (count, 2)), axis=0)
    else:
        points = rng.uniform(0, 1, (count, 2))
    if rng.random() < 0.3:
        corner = rng.integers(1, count - 1)
        points = np.insert(points, corner, points[corner], axis=0)
    return Glyph(None, "scribble", _about_square(rng), (points,))


def strokes(rng: np.random.Generator) -> Glyph:
    """Two to five short lines beside and across each other."""
    loose = tuple(
        rng.uniform(0, 1, 2) + rng.normal(0, 0.35, (rng.integers(2, 5), 2))
        for _ in range(rng.integers(2, 6))
    )
    return Glyph(None, "strokes", _about_square(rng), loose)


def pair(rng: np.random.Generator) -> Glyph:
    """Two digits that touch or nearly do, as they stay where a scan cannot part them."""
    left, right = (GLYPHS[place] for place in rng.integers(len(GLYPHS), size=2))
    start = left.aspect + rng.uniform(-0.1, 0.25)
    width = start + right.aspect
    lower = rng.normal(0, 0.08)
    both = [stroke * (left.aspect, 1) for stroke in left.strokes]
    both += [stroke * (right.aspect, 1) + (start, lower) for stroke in right.strokes]
    return Glyph(None, "pair", width, tuple(stroke / (width, 1) for stroke in both))


def _about_square(rng: np.random.Generator) -> float:
    return float(np.exp(rng.normal(0, 0.2)))
