"""Digits of hands that differ from those of the training data, drawn from paths of a pen.

MNIST's digits were written with one kind of pen into boxes of a form and scanned alike.  Here each
digit is a list of strokes, written down in this file, which a hand slants, narrows and lets waver.
The kinds differ in how the strokes end, in the pen, and in how the picture is cut out.  Nothing is
trained by them.  The same generator state gives the same pictures.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from benchmarks.sheets import Sheet

Strokes = list[np.ndarray]
"""Lines (n, 2) float of x to the right and y downwards; a digit fills about 0..1 of both."""

CURVED: dict[int, tuple[str, ...]] = {
    0: (
        "55,0 15,15 0,50 15,88 50,100 85,85 100,50 85,12 50,0",
        "55,0 20,10 0,50 20,92 55,100 | 50,1 85,12 100,50 85,90 55,100",
    ),
    1: (
        "50,0 50,100",
        "20,30 45,12 55,0 | 55,0 52,100",
        "20,25 50,0 | 50,0 50,100 | 20,100 80,100",
    ),
    2: (
        "5,25 20,4 60,0 90,20 80,45 35,80 0,100 | 0,100 50,97 100,100",
        "10,20 45,0 85,15 80,50 30,90 5,95 10,78 35,82 60,97 100,92",
    ),
    3: (
        "5,15 45,0 90,15 80,40 40,48 85,55 100,80 60,100 5,88",
        "5,0 90,0 | 90,0 45,40 | 45,40 90,50 98,78 60,100 0,92",
    ),
    4: (
        "20,0 0,60 | 0,60 100,58 | 70,25 68,100",
        "70,100 72,0 | 72,0 0,68 | 0,68 100,66",
    ),
    5: (
        "15,0 10,45 50,36 95,60 75,95 5,95 | 15,1 90,0",
        "90,0 20,2 | 20,2 10,48 | 10,48 55,38 100,65 70,100 5,90",
    ),
    6: (
        "75,0 25,30 0,70 25,100 75,98 100,72 65,50 20,62 5,75",
        "85,0 35,10 5,55 20,98 70,100 95,75 70,52 25,58 6,70",
    ),
    7: (
        "0,2 100,0 | 100,0 60,45 35,100",
        "0,5 95,0 | 95,0 35,100 | 25,50 90,48",
    ),
    8: (
        "90,10 50,0 10,15 25,40 75,58 95,85 50,100 5,85 25,58 75,38 90,12",
        "50,0 15,10 15,38 50,47 85,38 85,10 50,0 | 50,47 5,60 8,92 50,100 92,92 95,60 50,47",
    ),
    9: (
        "90,20 50,0 8,15 10,45 50,52 88,30 95,10 90,50 75,100",
        "90,5 40,0 0,25 35,50 90,30 | 92,2 95,60 60,100 10,95",
    ),
}
"""Each digit as some people write it: strokes of points, x and y in hundredths, that a curve passes
near."""

STRAIGHT: dict[int, tuple[str, ...]] = {
    0: (
        "0,0 100,0 | 100,0 100,100 | 100,100 0,100 | 0,100 0,0",
        "50,0 100,30 | 100,30 100,70 | 100,70 50,100 | 50,100 0,70 | 0,70 0,30 | 0,30 50,0",
    ),
    1: (
        "50,0 50,100",
        "10,30 50,0 | 50,0 50,100",
    ),
    2: (
        "0,0 100,0 | 100,0 100,50 | 100,50 0,50 | 0,50 0,100 | 0,100 100,100",
        "0,20 50,0 | 50,0 95,25 | 95,25 0,100 | 0,100 100,100",
    ),
    3: (
        "0,0 100,0 | 100,0 100,50 | 20,50 100,50 | 100,50 100,100 | 100,100 0,100",
        "5,0 95,0 | 95,0 40,45 | 40,45 100,75 | 100,75 0,100",
    ),
    4: (
        "0,0 0,50 | 0,50 100,50 | 100,0 100,100",
        "70,0 0,65 | 0,65 100,65 | 70,0 70,100",
    ),
    5: (
        "100,0 0,0 | 0,0 0,50 | 0,50 100,50 | 100,50 100,100 | 100,100 0,100",
        "95,0 10,0 | 10,0 0,45 | 0,45 100,65 | 100,65 0,100",
    ),
    6: (
        "100,0 0,0 | 0,0 0,100 | 0,100 100,100 | 100,100 100,50 | 100,50 0,50",
        "80,0 0,60 | 0,60 20,100 | 20,100 100,90 | 100,90 90,55 | 90,55 5,60",
    ),
    7: (
        "0,0 100,0 | 100,0 40,100",
        "0,0 100,0 | 100,0 100,100",
    ),
    8: (
        "0,0 100,0 | 100,0 100,100 | 100,100 0,100 | 0,100 0,0 | 0,50 100,50",
        "0,0 100,0 | 100,0 0,100 | 0,100 100,100 | 100,100 0,0",
    ),
    9: (
        "100,50 0,50 | 0,50 0,0 | 0,0 100,0 | 100,0 100,100 | 100,100 0,100",
        "95,45 0,40 | 0,40 30,0 | 30,0 100,0 | 100,0 70,100",
    ),
}
"""Each digit in straight strokes."""


@dataclass(frozen=True)
class Hand:
    """How somebody writes, for a whole sheet."""

    slant: float
    """Shift to the right at the top, as a share of the height."""
    aspect: float
    """Width of a wide digit as a share of its height."""
    waver: float
    """How far points stray, as a share of the height (standard deviation)."""
    pen: float
    """Width of a stroke as a share of the height; 0 for one pixel."""
    smooth: int
    """How a line is drawn: OpenCV's line type."""
    light: bool
    """Whether light ink on dark, not dark on light."""


def hand(rng: np.random.Generator, pens: tuple[float, float]) -> Hand:
    """A hand with a pen of a width between these two."""
    return Hand(
        slant=float(rng.normal(0.05, 0.12)),
        aspect=float(rng.uniform(0.5, 0.85)),
        waver=float(rng.uniform(0.005, 0.025)),
        pen=float(rng.uniform(*pens)),
        smooth=cv2.LINE_AA if rng.random() < 0.6 else cv2.LINE_8,
        light=bool(rng.random() < 0.3),
    )


def write(digit: int, by: Hand, rng: np.random.Generator, straight: bool = False) -> Strokes:
    """One digit, one high and `by.aspect` wide before it is slanted.  A form is drawn by lot."""
    forms = (STRAIGHT if straight else CURVED)[digit]
    strokes = []
    for stroke in forms[rng.integers(len(forms))].split(" | "):
        points = np.array([point.split(",") for point in stroke.split()], float) / 100
        line = points + rng.normal(0, by.waver, points.shape)
        line = line if straight else _curve(line)
        x = by.aspect * line[:, 0] + by.slant * (0.5 - line[:, 1])
        strokes.append(np.stack([x, line[:, 1]], axis=1))
    return strokes


def _curve(points: np.ndarray) -> np.ndarray:
    """A curve (n, 2) that passes near all points (Chaikin's corner cutting); a line stays one."""
    for _ in range(3 if len(points) > 2 else 0):
        ahead, behind = points[:-1], points[1:]
        cut = np.stack([0.75 * ahead + 0.25 * behind, 0.25 * ahead + 0.75 * behind], axis=1)
        points = np.concatenate([points[:1], cut.reshape(-1, 2), points[-1:]])
    return points


def lifted(strokes: Strokes, rng: np.random.Generator, most: float = 0.1) -> Strokes:
    """Strokes that end before the next begins, by up to `most` of the height at either end."""
    return [
        shortened
        for stroke in strokes
        if len(shortened := _part(stroke, *(rng.uniform(0, most, 2) * [1, -1])))
    ]


def broken(strokes: Strokes, rng: np.random.Generator) -> Strokes:
    """Strokes with one to three gaps of 0.05 to 0.14 of the height, where the pen gave no ink."""
    parts = list(strokes)
    for _ in range(rng.integers(1, 4)):
        lengths = [_length(part) for part in parts]
        index = int(np.argmax(lengths))
        gap = rng.uniform(0.05, 0.14)
        if lengths[index] < 0.5:
            break
        begin = rng.uniform(0.2, 0.8) * (lengths[index] - gap)
        part = parts.pop(index)
        parts += [_part(part, 0, begin - lengths[index]), _part(part, begin + gap, 0)]
    return parts


def _length(line: np.ndarray) -> float:
    return float(np.hypot(*np.diff(line, axis=0).T).sum())


def _part(line: np.ndarray, begin: float, end: float) -> np.ndarray:
    """The part of a line from length `begin` to `end`, the latter counted from its end: <= 0."""
    along = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    last = along[-1] + end
    inner = line[(along > begin) & (along < last)]
    ends = [[np.interp(at, along, line[:, axis]) for axis in (0, 1)] for at in (begin, last)]
    return np.concatenate([ends[:1], inner, ends[1:]])


def page(
    labels: np.ndarray,
    rng: np.random.Generator,
    size: tuple[int, int],
    pens: tuple[float, float],
    change: Callable[[Strokes, np.random.Generator], Strokes] = lambda strokes, rng: strokes,
    straight: bool = False,
) -> Sheet:
    """Digits of one hand side by side on an even canvas, in one row or two.

    Args:
        labels: (n,) uint8, the digits to write.
        rng: The source of all that varies.
        size: Width and height in pixels.
        pens: Least and largest width of the pen, as a share of the digit's height.
        change: What befalls the strokes of each digit.
        straight: Whether the hand writes in straight strokes.

    """
    by = hand(rng, pens)
    canvas = np.zeros(size[::-1], np.uint8)
    rows = np.array_split(
        np.arange(len(labels)), 2 if len(labels) >= 4 and rng.random() < 0.5 else 1
    )
    cell = size[0] / max(map(len, rows)), size[1] / len(rows)
    room = min(0.7 * cell[1], rng.uniform(0.6, 0.78) * cell[0] / (by.aspect + abs(by.slant)))
    tall = room * rng.uniform(0.7, 1) if len(labels) == 1 else room
    boxes, row_of = np.zeros((len(labels), 4), int), np.zeros(len(labels), int)
    for row, share in enumerate(rows):
        row_of[share] = row
        for column, index in enumerate(share):
            strokes = change(write(int(labels[index]), by, rng, straight), rng)
            middle = (np.array([column, row]) + 0.5 + rng.uniform(-0.04, 0.04, 2)) * cell
            layer = _drawn(strokes, by, size, tall * rng.uniform(0.9, 1.1), middle)
            boxes[index] = _box(layer)
            canvas = np.maximum(canvas, layer)
    return Sheet(canvas if by.light else 255 - canvas, boxes, labels.astype(np.uint8), row_of)


def single(
    label: int,
    rng: np.random.Generator,
    side: int,
    pens: tuple[float, float],
    margins: tuple[float, float],
    square: bool = False,
) -> Sheet:
    """A picture of one digit.

    Args:
        label: The digit.
        rng: The source of all that varies.
        side: The picture's longer side in pixels.
        pens: Least and largest width of the pen, as a share of the digit's height.
        margins: Least and largest distance of the ink from each edge, as a share of the height; a
            negative one cuts the digit off.
        square: Whether the digit is stretched until both sides are as long.

    """
    by = hand(rng, pens)
    strokes = write(label, by, rng)
    points = np.concatenate(strokes)
    low, high = points.min(0), np.maximum(points.max(0), points.min(0) + 0.1)
    cut = rng.uniform(*margins, (2, 2))
    low, high = low - cut[0], high + cut[1]
    scale = side / (high - low if square else np.repeat((high - low).max(), 2))
    size = np.maximum(np.round((high - low) * scale), 1).astype(int)
    placed = [(stroke - low) * scale for stroke in strokes]
    layer = _ink(placed, max(1, round(by.pen * side)), by.smooth, (int(size[0]), int(size[1])))
    box = _box(layer)[np.newaxis]
    image = layer if by.light else 255 - layer
    return Sheet(image, box, np.array([label], np.uint8), np.zeros(1, int))


def _drawn(
    strokes: Strokes, by: Hand, size: tuple[int, int], tall: float, middle: np.ndarray
) -> np.ndarray:
    points = np.concatenate(strokes)
    centre = (points.min(0) + points.max(0)) / 2
    placed = [(stroke - centre) * tall + middle for stroke in strokes]
    return _ink(placed, max(1, round(by.pen * tall)), by.smooth, size)


def _ink(strokes: Strokes, thick: int, smooth: int, size: tuple[int, int]) -> np.ndarray:
    """(height, width) uint8: 255 where a pen drew."""
    layer = np.zeros(size[::-1], np.uint8)
    for stroke in strokes:
        fine = np.round(stroke * 16).astype(np.int32)
        cv2.polylines(layer, [fine], False, 255, thick, smooth, shift=4)
    return layer


def _box(layer: np.ndarray) -> np.ndarray:
    left, top, width, height = cv2.boundingRect((layer > 127).astype(np.uint8))
    return np.array([left, top, left + width, top + height])


CANVASES = ((600, 600), (900, 600), (1200, 800), (400, 300))
LINES = (0.03, 0.1)
"""Widths of a ball-point or pencil, as a share of the digit's height."""
SIDES = (50, 50, 100, 300, 1000)
"""Of pictures of one digit."""


def sheets(kind: str, number: int, seed: int) -> Iterator[Sheet]:
    """So many sheets, or pictures, of a kind of `KINDS`."""
    for index in range(number):
        rng = np.random.default_rng([seed, index])
        size = CANVASES[rng.integers(len(CANVASES))]
        labels = rng.integers(0, 10, rng.integers(1, 9))
        yield KINDS[kind](labels, size, SIDES[rng.integers(len(SIDES))], rng)


KINDS: dict[str, Callable[[np.ndarray, tuple[int, int], int, np.random.Generator], Sheet]] = {
    "own hand": lambda labels, size, side, rng: page(labels, rng, size, LINES),
    "straight strokes": lambda labels, size, side, rng: page(
        labels, rng, size, LINES, lifted, straight=True
    ),
    "broken strokes": lambda labels, size, side, rng: page(labels, rng, size, LINES, broken),
    "one pixel wide": lambda labels, size, side, rng: page(labels, rng, size, (0, 0)),
    "one picture": lambda labels, size, side, rng: single(labels[0], rng, side, LINES, (0.05, 0.4)),
    "one picture, thin": lambda labels, size, side, rng: single(
        labels[0], rng, side, (0, 0), (0.05, 0.4)
    ),
    "cropped tight": lambda labels, size, side, rng: single(labels[0], rng, side, LINES, (0, 0.03)),
    "cut off": lambda labels, size, side, rng: single(labels[0], rng, side, LINES, (-0.06, 0.02)),
    "stretched": lambda labels, size, side, rng: single(
        labels[0], rng, side, LINES, (-0.01, 0.02), square=True
    ),
}
"""Who writes how, and what of it is on the picture."""
