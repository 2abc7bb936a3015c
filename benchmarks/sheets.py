"""Synthetic photographs and drawings of known digits, to measure how well `scan` finds them.

Every function draws MNIST-like digits onto a background of its own making and tells where they are.
Nothing here is used for training.  The same digits, labels and generator state give the same
picture.
"""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

RuledLines = Literal["none", "lines", "squares"]
"""What is printed on the paper."""

Noise = Literal["gaussian", "salt"]
"""What spoils a small image."""

MATCH_OVERLAP = 0.5
"""Least intersection over union at which a found box counts as the drawn one."""


@dataclass(frozen=True)
class Sheet:
    """One picture and the truth about it, in reading order."""

    image: np.ndarray
    """(height, width, 3) uint8 RGB of a photograph, (height, width) uint8 of a drawing."""
    boxes: np.ndarray
    """(n, 4) int: left, top, right, bottom in pixels; right and bottom are outside."""
    labels: np.ndarray
    """(n,) uint8."""
    rows: np.ndarray
    """(n,) int: the row of each digit, from 0 at the top."""


# Photographs ---------------------------------------------------------------------------------


def photograph(
    digits: np.ndarray,
    labels: np.ndarray,
    rng: np.random.Generator,
    size: tuple[int, int] = (1600, 1200),
    ruled: RuledLines = "none",
    touching: float = 0.0,
) -> Sheet:
    """Photograph of rows of digits in pencil or pen on paper under uneven light.

    Args:
        digits: (n, 28, 28) uint8, bright ink on a dark background; n may be 0 for a blank sheet.
        labels: (n,) uint8.
        rng: The source of everything that varies: sizes, spacing, the page's rotation (up to 5
            degrees) and each digit's (up to 15 in all), ink, paper, light, blur, noise, JPEG.
        size: Width and height in pixels.
        ruled: What is printed on the paper.
        touching: Share of digits that are pushed against their left neighbour.

    """
    page_angle = float(rng.uniform(-5, 5))
    places, rows = _rows(len(digits), rng, size, page_angle, touching, digits)
    paper = _paper(rng, size)
    if ruled != "none":
        spacing = (np.median([p[2] for p in places]) if places else size[1] / 14) * rng.uniform(
            0.7, 1.6
        )
        paper *= _ruled_lines(rng, size, ruled, float(spacing), page_angle)
    ink, boxes = _place(digits, places, size)
    page = paper * (1 - _inked(ink, rng, size))
    page *= _light(rng, size)
    page = cv2.GaussianBlur(page, (0, 0), float(rng.uniform(0.5, 1.4)) * max(size) / 1600)
    return Sheet(_camera(page, rng), boxes, np.asarray(labels, np.uint8), rows)


def _rows(
    n: int,
    rng: np.random.Generator,
    size: tuple[int, int],
    page_angle: float,
    touching: float,
    digits: np.ndarray,
) -> tuple[list[tuple[float, float, float, float]], np.ndarray]:
    """Centre x, centre y, height and angle of every digit on the turned page, and its row."""
    if n == 0:
        return [], np.zeros(0, int)
    width, height = size
    count = int(np.clip(round(np.sqrt(n * rng.uniform(0.35, 0.9))), 1, n))
    shares = np.array_split(np.arange(n), count)
    longest = max(map(len, shares))
    # The longest row and all rows together must stay on the page after it is turned.
    letter = min(0.78 * width / (longest * 1.28), 0.74 * height / (count * 1.75), height / 7)
    letter *= rng.uniform(0.6, 1.0)
    pitch = min(letter * rng.uniform(1.55, 2.1), 0.8 * height / count)
    top = height / 2 - pitch * (count - 1) / 2
    turn = np.deg2rad(page_angle)
    places, rows = [], np.zeros(n, int)
    for row, share in enumerate(shares):
        rows[share] = row
        heights = letter * rng.uniform(0.78, 1.22, len(share))
        gaps = letter * rng.uniform(0.12, 0.6, len(share))
        pushed = rng.random(len(share)) < touching
        widths = np.array([_aspect(digits[i]) for i in share]) * heights
        # Pushed digits lie one stroke into their neighbour.
        gaps = np.where(pushed, -0.06 * letter, gaps)
        gaps[0] = 0
        lefts = np.cumsum(gaps + np.concatenate([[0], widths[:-1]]))
        lefts += (width - (lefts[-1] + widths[-1])) / 2 + rng.uniform(-0.03, 0.03) * width
        for left, wide, tall in zip(lefts, widths, heights, strict=True):
            x = left + wide / 2 - width / 2
            y = top + pitch * row + letter * rng.uniform(-0.08, 0.08) - height / 2
            angle = page_angle + float(rng.uniform(-10, 10))
            places.append(
                (
                    width / 2 + x * np.cos(turn) - y * np.sin(turn),
                    height / 2 + x * np.sin(turn) + y * np.cos(turn),
                    float(tall),
                    angle,
                )
            )
    return places, rows


def _aspect(digit: np.ndarray) -> float:
    """Width of the ink over its height."""
    _, _, width, height = cv2.boundingRect((digit > 64).astype(np.uint8))
    return max(width, 3) / max(height, 1)


def _place(
    digits: np.ndarray, places: list[tuple[float, float, float, float]], size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Draw the digits; give their coverage (height, width) float32 in 0..1 and their boxes."""
    coverage = np.zeros(size[::-1], np.float32)
    boxes = np.zeros((len(places), 4), int)
    for index, (digit, (x, y, tall, angle)) in enumerate(zip(digits, places, strict=True)):
        stamp = _stamp(digit, tall, angle)
        left, top = round(x - stamp.shape[1] / 2), round(y - stamp.shape[0] / 2)
        boxes[index] = _box(stamp > 0.5) + np.array([left, top, left, top])
        crop = stamp[max(0, -top) : size[1] - top, max(0, -left) : size[0] - left]
        top, left = max(0, top), max(0, left)
        region = coverage[top : top + crop.shape[0], left : left + crop.shape[1]]
        np.maximum(region, crop, out=region)
    return coverage, boxes


def _box(mask: np.ndarray) -> np.ndarray:
    """(4,) int: left, top, right, bottom of what is True."""
    left, top, width, height = cv2.boundingRect(mask.astype(np.uint8))
    return np.array([left, top, left + width, top + height])


def _stamp(digit: np.ndarray, tall: float, angle: float) -> np.ndarray:
    """One digit `tall` pixels high, turned clockwise by `angle`, as coverage in 0..1."""
    box = cv2.boundingRect((digit > 64).astype(np.uint8))
    scale = tall / max(box[3], 1)
    side = int(np.ceil(34 * scale))
    turned = cv2.getRotationMatrix2D((13.5, 13.5), -angle, scale)
    middle = turned @ np.array([box[0] + box[2] / 2 - 0.5, box[1] + box[3] / 2 - 0.5, 1])
    turned[:, 2] += side / 2 - middle
    smooth = cv2.warpAffine(
        digit.astype(np.float32) / 255, turned, (side, side), flags=cv2.INTER_CUBIC
    )
    smooth = cv2.GaussianBlur(smooth, (0, 0), 0.35 * scale)
    # A steep ramp at half ink gives back the crisp edge that NIST's scans had.
    return np.asarray(np.clip((smooth - 0.45) * scale * 0.6 + 0.5, 0, 1))


def _inked(coverage: np.ndarray, rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Share of light that the ink takes: pencil is grey and grainy, a pen dark and even."""
    pencil = rng.random() < 0.5
    taken = rng.uniform(0.35, 0.65) if pencil else rng.uniform(0.6, 0.92)
    grain = _noise(rng, size, 1.2 * max(size) / 1600) * (0.22 if pencil else 0.06)
    pressure = 1 + 0.12 * _noise(rng, size, max(size) / 25)
    return np.clip(coverage * taken * (pressure + grain), 0, 0.97)


def _paper(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Reflectance of the paper with fibres, stains and creases, around 0.6 to 0.95."""
    scale = max(size) / 1600
    paper = np.full(size[::-1], rng.uniform(0.6, 0.95), np.float32)
    for grain, depth in ((1.5, 0.012), (5.0, 0.008), (80.0, 0.01)):
        paper *= 1 + rng.uniform(0.2, 1) * depth * _noise(rng, size, grain * scale)
    for _ in range(rng.integers(0, 4)):
        ends = rng.uniform(0, 1, (2, 2)) * size
        fold = np.zeros(size[::-1], np.float32)
        cv2.line(fold, _point(ends[0]), _point(ends[1]), 1.0, max(2, round(4 * scale)), cv2.LINE_AA)
        fold = cv2.GaussianBlur(fold, (0, 0), float(rng.uniform(2, 8)) * scale)
        fold = np.asarray(fold / np.float32(max(float(np.max(fold)), 1e-6)), np.float32)
        shift = np.array([[1, 0, 6 * scale], [0, 1, 6 * scale]], np.float32)
        lit = cv2.warpAffine(fold, shift, size)
        paper *= 1 + float(rng.uniform(0.02, 0.07)) * (lit - fold)
    return paper


def _ruled_lines(
    rng: np.random.Generator,
    size: tuple[int, int],
    ruled: RuledLines,
    spacing: float,
    page_angle: float,
) -> np.ndarray:
    """Share of light that ruled lines leave: 1 on bare paper."""
    width, height = size
    lines = np.zeros((height, width), np.float32)
    turn = np.deg2rad(page_angle)
    along = np.array([np.cos(turn), np.sin(turn)])
    down = np.array([-along[1], along[0]])
    middle, reach = np.array(size) / 2, float(np.hypot(width, height))
    thick = max(1, round(1.5 * max(size) / 1600))
    for offset in np.arange(-reach / 2, reach / 2, spacing) + rng.uniform(0, spacing):
        for normal, tangent in ((down, along), (along, down))[: 1 if ruled == "lines" else 2]:
            point = middle + normal * offset
            ends = point - tangent * reach, point + tangent * reach
            cv2.line(lines, _point(ends[0]), _point(ends[1]), 1.0, thick, cv2.LINE_AA)
    return 1 - float(rng.uniform(0.1, 0.3)) * lines


def _light(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Light on the page: a slope, a fall towards the corners and perhaps a shadow's edge."""
    width, height = size
    x = np.linspace(-1, 1, width, dtype=np.float32)[np.newaxis]
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, np.newaxis]
    angle = rng.uniform(0, 2 * np.pi)
    light = 1 + np.float32(rng.uniform(0, 0.35)) * (np.cos(angle) * x + np.sin(angle) * y) / 1.4
    light *= 1 - np.float32(rng.uniform(0, 0.25)) * (x * x + y * y) / 2
    if rng.random() < 0.6:
        angle, offset = rng.uniform(0, 2 * np.pi), rng.uniform(-0.6, 0.6)
        side = (np.cos(angle) * x + np.sin(angle) * y > offset).astype(np.float32)
        softness = float(np.exp(rng.uniform(np.log(3), np.log(60)))) * max(size) / 1600
        light *= 1 - np.float32(rng.uniform(0.15, 0.5)) * cv2.GaussianBlur(side, (0, 0), softness)
    return np.asarray(light / float(light.max()) * np.float32(rng.uniform(0.55, 1.0)))


def _camera(page: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Colour cast, sensor noise and JPEG: (height, width) float32 in 0..1 to RGB uint8."""
    cast = rng.uniform(0.86, 1.0, 3).astype(np.float32)
    colour = page[..., np.newaxis] * cast
    strength = rng.uniform(0.004, 0.022)
    colour += rng.standard_normal(page.shape, np.float32)[..., np.newaxis] * strength
    colour += rng.standard_normal(colour.shape, np.float32) * (strength * 0.6)
    levels = np.round(np.clip(colour, 0, 1) * 255).astype(np.uint8)
    quality = int(rng.integers(55, 96))
    _, encoded = cv2.imencode(".jpg", levels, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_UNCHANGED))


def _noise(rng: np.random.Generator, size: tuple[int, int], grain: float) -> np.ndarray:
    """Smooth noise of mean 0 and deviation 1 whose spots are `grain` pixels wide."""
    step = max(grain, 1.0)
    coarse = (int(size[1] / step) + 2, int(size[0] / step) + 2)
    noise = cv2.resize(rng.standard_normal(coarse, np.float32), size, interpolation=cv2.INTER_CUBIC)
    return np.asarray((noise - noise.mean()) / max(float(noise.std()), 1e-6))


def _point(position: np.ndarray) -> tuple[int, int]:
    return round(float(position[0])), round(float(position[1]))


# Drawings ------------------------------------------------------------------------------------


def drawing(
    digits: np.ndarray,
    labels: np.ndarray,
    rng: np.random.Generator,
    size: tuple[int, int] = (900, 600),
    pen: float = 0.0,
) -> Sheet:
    """Up to about eight digits drawn on an even canvas, in one row or two.

    Args:
        digits: (n, 28, 28) uint8, bright ink on a dark background.
        labels: (n,) uint8.
        rng: The source of sizes, places, polarity and whether lines are antialiased.
        size: Width and height in pixels.
        pen: The pen's width as a share of the digit's height (0.11 in MNIST); 0 draws the line
            of a mouse, one pixel wide.

    """
    width, height = size
    n = len(digits)
    count = 2 if n >= 4 and rng.random() < 0.5 else 1
    shares = np.array_split(np.arange(n), count)
    longest = max(map(len, shares))
    cell = width / longest, height / count
    background, ink = (255, 0) if rng.random() < 0.6 else (0, 255)
    canvas = np.full((height, width), background, np.uint8)
    smooth = cv2.LINE_AA if rng.random() < 0.5 else cv2.LINE_8
    boxes, rows = np.zeros((n, 4), int), np.zeros(n, int)
    for row, share in enumerate(shares):
        for column, index in enumerate(share):
            rows[index] = row
            aspect = _aspect(digits[index])
            room = min(cell[1] * 0.8, cell[0] * 0.84 / max(aspect, 0.5))
            tall = room * rng.uniform(0.6, 0.92)
            thick = max(1, round(tall * pen))
            middle = (
                (column + 0.5) * cell[0],
                (row + 0.5) * cell[1] + rng.uniform(-0.04, 0.04) * cell[1],
            )
            points, edges = _centre_line(digits[index])
            low, high = points.min(0), points.max(0)
            # At least a point; the pen's own width is part of the height.
            scale = max(tall - thick, 1) / max(high[1] - low[1], 1e-6)
            placed = (points - (low + high) / 2) * scale + middle
            layer = np.zeros_like(canvas)
            for start, end in edges:
                cv2.line(layer, _point(placed[start]), _point(placed[end]), 255, thick, smooth)
            boxes[index] = _box(layer > 127)
            mixed = canvas + (ink - canvas.astype(np.int16)) * (layer / 255)
            canvas = np.round(mixed).astype(np.uint8)
    return Sheet(canvas, boxes, np.asarray(labels, np.uint8), rows)


def _centre_line(digit: np.ndarray) -> tuple[np.ndarray, list[tuple[int, int]]]:
    """The digit's strokes as points (n, 2) float x, y and the pairs of them that are joined."""
    large = cv2.resize(digit, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC)
    line = thin(cv2.GaussianBlur(large, (0, 0), 1.5) > 110)
    ys, xs = np.nonzero(line)
    number = {(int(y), int(x)): i for i, (y, x) in enumerate(zip(ys, xs, strict=True))}
    neighbours: list[list[int]] = [[] for _ in number]
    for (y, x), i in number.items():
        for dy, dx in ((0, 1), (1, 0), (1, 1), (1, -1)):
            j = number.get((y + dy, x + dx))
            # A diagonal beside a straight step would draw a corner twice.
            corner = dy and dx and ((y + dy, x) in number or (y, x + dx) in number)
            if j is not None and not corner:
                neighbours[i].append(j)
                neighbours[j].append(i)
    points = np.stack([xs, ys], axis=1).astype(np.float64)
    for _ in range(4):
        moved = points.copy()
        for i, near in enumerate(neighbours):
            if len(near) == 2:
                moved[i] = (points[i] * 2 + points[near[0]] + points[near[1]]) / 4
        points = moved
    edges = [(i, j) for i, near in enumerate(neighbours) for j in near if i < j]
    return points, edges or [(0, 0)]


def thin(mask: np.ndarray) -> np.ndarray:
    """Reduce a (height, width) bool mask to lines one pixel wide.

    Source: T. Y. Zhang and C. Y. Suen, "A fast parallel algorithm for thinning digital
    patterns", Communications of the ACM 27 (1984).
    """
    image = np.pad(mask, 1).astype(np.uint8)
    while True:
        before = int(image.sum())
        for first in (True, False):
            # Clockwise from the pixel above: p2 to p9 in the paper.
            ring = [
                np.roll(image, shift, (0, 1))
                for shift in ((1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1))
            ]
            inked = sum(ring[1:], ring[0].copy())
            steps = sum(
                ((a == 0) & (b == 1)).astype(np.uint8)
                for a, b in zip(ring, [*ring[1:], ring[0]], strict=True)
            )
            north, east, south, west = ring[0], ring[2], ring[4], ring[6]
            if first:
                open_side = (north * east * south == 0) & (east * south * west == 0)
            else:
                open_side = (north * east * west == 0) & (north * south * west == 0)
            image[(image == 1) & (inked >= 2) & (inked <= 6) & (steps == 1) & open_side] = 0
        if int(image.sum()) == before:
            return image[1:-1, 1:-1].astype(bool)


def small_noisy(digit: np.ndarray, rng: np.random.Generator, kind: Noise) -> np.ndarray:
    """One (28, 28) uint8 digit, moved by up to 2 pixels, with noise, in either polarity."""
    moved = np.roll(digit, rng.integers(-2, 3, 2), (0, 1)).astype(np.float32)
    if kind == "gaussian":
        moved += rng.standard_normal(digit.shape) * rng.uniform(10, 50)
    else:
        hit = rng.random(digit.shape) < rng.uniform(0.02, 0.1)
        moved[hit] = rng.choice([0, 255], int(hit.sum()))
    noisy = np.clip(np.round(moved), 0, 255).astype(np.uint8)
    return noisy if rng.random() < 0.5 else 255 - noisy


# Counting --------------------------------------------------------------------------------------


def match(
    found: list[tuple[int, int, int, int]], boxes: np.ndarray
) -> tuple[list[int | None], list[int]]:
    """Pair found boxes with the drawn ones, the best overlap first.

    Args:
        found: Boxes as left, top, right, bottom.
        boxes: (n, 4) int, the truth.

    Returns:
        For each drawn box the index of its found one or None, and the indices of the found
        boxes that belong to none.

    """
    overlaps = sorted(
        (
            (overlap, i, j)
            for i, box in enumerate(found)
            for j, truth in enumerate(boxes)
            if (overlap := intersection_over_union(box, truth)) >= MATCH_OVERLAP
        ),
        reverse=True,
    )
    partner: list[int | None] = [None] * len(boxes)
    used: set[int] = set()
    for _, i, j in overlaps:
        if i not in used and partner[j] is None:
            partner[j] = i
            used.add(i)
    return partner, [i for i in range(len(found)) if i not in used]


def intersection_over_union(one: object, other: object) -> float:
    """Shared area of two boxes (left, top, right, bottom) over the area that either covers."""
    a, b = np.asarray(one, float), np.asarray(other, float)
    sides = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
    shared = float(np.prod(np.clip(sides, 0, None)))
    return shared / float(np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2]) - shared)
