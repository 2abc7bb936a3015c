"""A hand that writes glyphs, and the pen in it.

Every amount is drawn anew for each digit: how unsteady the hand is, slant, turn and aspect, where
strokes end, the width of the pen and its pressure.  The amounts were chosen by looking at what is
written; they were not searched for.
"""

import cv2
import numpy as np

from digits.scan.single.normalise import DIGIT_SIDE, FINE, centred, fitted, with_stroke_width
from digits.synthesis.glyphs import GLYPHS, Glyph

POINTS = 24
"""Along each smooth piece of a stroke."""
SUBPIXEL_BITS = 4
SIZE = DIGIT_SIDE * FINE
"""Long side, in pixels, at which a digit is drawn."""
PENS = (0.03, 0.16)
"""Least and largest width of the pen as a share of the digit's long side."""
NARROW = 0.3
"""A glyph that is not wider, for its height, is not cropped and stretched into a square."""


def write(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Write digits, as many of each class within one, each form of a class as often.

    Args:
        count: How many.
        rng: The source of all chance.

    Returns:
        (count, 28, 28) uint8 in MNIST's form, and (count,) uint8, the digits that they are.

    """
    forms = [[glyph for glyph in GLYPHS if glyph.digit == digit] for digit in range(10)]
    labels = rng.permutation(np.arange(count) % 10).astype(np.uint8)
    images = [image(forms[label][rng.integers(len(forms[label]))], rng) for label in labels]
    return np.stack(images), labels


def image(glyph: Glyph, rng: np.random.Generator) -> np.ndarray:
    """Write a glyph once: (28, 28) uint8 in MNIST's form."""
    return centred(fitted(with_stroke_width(draw(pen_paths(glyph, rng), rng))))


def pen_paths(glyph: Glyph, rng: np.random.Generator) -> list[np.ndarray]:
    """The strokes of one writing, each (n, 2) float: x to the right, y down, height about 1."""
    unsteady = rng.uniform(0.005, 0.045)
    paths = [_ended(smooth(_shaken(stroke, unsteady, rng)), rng) for stroke in glyph.strokes]
    apart = rng.normal(0, 0.5 * unsteady, 2)
    paths = [paths[0], *(path + apart for path in paths[1:])]
    if rng.random() < 0.15:  # a mouse that is moved in jerks
        paths = [np.concatenate([path[:-1:3], path[-1:]]) for path in paths]
    aspect = glyph.aspect * np.exp(rng.normal(0, 0.25))
    slant, turn = rng.normal(0, 0.22), rng.normal(0, np.deg2rad(6))
    sheared = np.array([[aspect, 0.0], [-slant, 1.0]])
    turned = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    paths = [path @ sheared @ turned for path in paths]
    if glyph.aspect > NARROW and rng.random() < 0.4:  # cropped, and stretched into a square
        low, high = _box(paths)
        paths = [(path - low) / (high - low) * (np.exp(rng.normal(0, 0.15)), 1) for path in paths]
    return paths


def _shaken(stroke: np.ndarray, unsteady: float, rng: np.random.Generator) -> np.ndarray:
    """The points moved a little; the two of a corner alike."""
    moved: np.ndarray = stroke + rng.normal(0, unsteady, stroke.shape)
    corners = _corners(stroke)
    moved[corners] = moved[corners - 1]
    return moved


def _corners(stroke: np.ndarray) -> np.ndarray:
    """The places of points that are the same as those before them."""
    return np.flatnonzero((stroke[1:] == stroke[:-1]).all(axis=1)) + 1


def smooth(stroke: np.ndarray) -> np.ndarray:
    """A curve (n, 2) through the points of a stroke, with a corner where a point comes twice.

    Between corners it is Akima's, modified, over the distance along the points.
    """
    from scipy.interpolate import Akima1DInterpolator

    pieces = []
    for piece in np.split(stroke, _corners(stroke)):
        along = np.concatenate([[0], np.hypot(*np.diff(piece, axis=0).T).cumsum()])
        curve = Akima1DInterpolator(along, piece, method="makima")
        pieces.append(curve(np.linspace(0, along[-1], POINTS)))
    return np.concatenate(pieces)


def _ended(path: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The path, at either end cut short half of the time, by up to a twelfth."""
    late, early = (rng.uniform(0, 1 / 12, 2) * len(path) * (rng.random(2) < 0.5)).astype(int)
    return path[late : len(path) - early]


def _box(paths: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """The least and the largest x and y."""
    points = np.concatenate(paths)
    return points.min(axis=0), points.max(axis=0)


def draw(paths: list[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """Draw paths with a round pen: (height, width) float32, ink 1 on 0."""
    low, high = _box(paths)
    scale = SIZE / (high - low).max()
    pen = np.exp(rng.uniform(*np.log(PENS))) * SIZE
    width, height = np.ceil((high - low) * scale + 2 * pen).astype(int)
    canvas = np.zeros((height, width), np.uint8)
    uneven, phase, waves = rng.uniform((0, 0, 0.5), (0.35, 1, 2))
    for path in paths:
        points = np.round(((path - low) * scale + pen) * (1 << SUBPIXEL_BITS)).astype(int)
        pressure = np.sin(2 * np.pi * (phase + waves * np.linspace(0, 1, len(path))))
        widths = np.maximum(1, np.round(pen * (1 + uneven * pressure))).astype(int)
        for one, other, wide in zip(points, points[1:], widths, strict=False):
            cv2.line(canvas, one.tolist(), other.tolist(), 1, int(wide), shift=SUBPIXEL_BITS)
    return canvas.astype(np.float32)
