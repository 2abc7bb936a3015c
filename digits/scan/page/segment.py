"""From pieces of ink to digits: broken ones are joined, touching ones parted."""

import heapq

import cv2
import numpy as np

from digits.scan.single.strokes import stroke_width, weighted_median
from digits.scan.single.types import Piece, cropped, united

SMALLEST_DIGIT = 0.012
"""Least long side of a digit as a share of the picture's: 3.5 mm on a page of A4."""
MOST_PIECES = 300
"""More pieces of ink than this, the longest first, are texture."""


def digit_height(pieces: list[Piece]) -> float:
    """The typical long side of a digit: the median, weighted so that specks do not count."""
    sides = [float(p.long_side) for p in pieces]
    return weighted_median(sides, [side**2 for side in sides])


def join_broken(pieces: list[Piece], smallest: float = 0.0) -> list[Piece]:
    """Join the pieces of one digit, such as a 5 with a detached bar, and drop the specks left.

    What is then shorter than `smallest` pixels, or than a good part of the typical digit, is no
    digit.
    """
    if not pieces:
        return []
    typical = digit_height(pieces)
    pieces = sorted(pieces, key=lambda p: -p.long_side)[:MOST_PIECES]
    alive = {i: p for i, p in enumerate(pieces) if p.long_side >= 0.08 * typical}
    queue: list[tuple[float, int, int]] = []
    for i in alive:
        queue += _joins(i, {j: p for j, p in alive.items() if j >= i}, typical)
    heapq.heapify(queue)
    while queue:
        _, i, j = heapq.heappop(queue)
        if i in alive and j in alive:
            number = max(alive) + 1
            alive[number] = united([alive.pop(i), alive.pop(j)])
            for join in _joins(number, alive, typical):
                heapq.heappush(queue, join)
    return [p for p in alive.values() if _is_digit_size(p, typical) and p.long_side >= smallest]


def _is_digit_size(piece: Piece, typical: float) -> bool:
    if piece.long_side < 0.4 * typical or piece.height < 0.3 * typical:
        return False
    # A dot is as long as it is wide; the shortest 1 is longer.
    return piece.long_side >= 1.8 * stroke_width(piece.mask)


def _joins(number: int, pieces: dict[int, Piece], typical: float) -> list[tuple[float, int, int]]:
    """The joins that piece `number` may make, each as the gap and the two numbers."""
    one = pieces[number]
    gaps = {
        j: _joining_gap(one, other, typical)
        for j, other in pieces.items()
        if j != number and _box_gap(one, other) <= 0.35 * typical
    }
    return [(gap, number, j) for j, gap in gaps.items() if gap is not None]


def _joining_gap(one: Piece, other: Piece, typical: float) -> float | None:
    """The distance between two pieces of one digit; None if they are not of one digit."""
    small, large = sorted((one, other), key=lambda p: p.long_side)
    height = max(one.bottom, other.bottom) - min(one.top, other.top)
    width = max(one.right, other.right) - min(one.left, other.left)
    scale = max(typical * 0.8, large.long_side)
    if max(height, width) > 1.35 * scale or large.long_side > 2.2 * typical:
        return None
    shared = min(one.right, other.right) - max(one.left, other.left)
    overlap = shared / min(one.width, other.width)
    if small.long_side < 0.5 * scale or min(one.height, other.height) < 0.3 * scale:
        reach = 0.3 * scale if overlap > 0.5 else 0.12 * scale
    elif overlap > 0.6:
        reach = 0.2 * scale
    else:
        return None
    gap = _ink_gap(one, other, reach)
    return gap if gap <= reach else None


def _box_gap(one: Piece, other: Piece) -> float:
    x = max(one.left, other.left) - min(one.right, other.right)
    y = max(one.top, other.top) - min(one.bottom, other.bottom)
    return float(max(x, y, 0))


def _ink_gap(one: Piece, other: Piece, reach: float) -> float:
    """Shortest distance between the ink of two pieces; more than `reach` where it is larger."""
    small, large = sorted((one, other), key=lambda p: p.long_side)
    margin = int(reach) + 2
    away = np.ones((small.height + 2 * margin, small.width + 2 * margin), np.uint8)
    top, left = small.top - margin, small.left - margin
    inner = large.mask[
        max(0, top - large.top) : max(0, small.bottom + margin - large.top),
        max(0, left - large.left) : max(0, small.right + margin - large.left),
    ]
    y, x = max(0, large.top - top), max(0, large.left - left)
    away[y : y + inner.shape[0], x : x + inner.shape[1]][inner] = 0
    if away.all():
        return reach + 1
    distance = cv2.distanceTransform(away, cv2.DIST_L2, 3)
    return float(distance[margin:-margin, margin:-margin][small.mask].min())


def part_touching(pieces: list[Piece]) -> list[Piece]:
    """Cut the pieces that are wider than a digit is."""
    parted: list[Piece] = []
    waiting = list(pieces)
    typical = float(np.median([p.height for p in pieces])) if pieces else 0.0
    while waiting:
        piece = waiting.pop()
        halves = _cut(piece) if piece.height >= 0.65 * typical else None
        if halves:
            waiting += halves
        else:
            parted.append(piece)
    return parted


PAIR_ASPECTS = (1.0, 1.2, 1.3, 1.45, 1.6, 2.0)
CUT_LENGTHS = (0.65, 0.8, 0.95, 1.1, 1.3, 2.5)
HALF_HEIGHTS = (0.8, 0.75, 0.7, 0.7, 0.65, 0.65)
"""A piece so many times wider than high is two digits if a cut through no more ink than so many
strokes leaves halves of at least so much of its height.  Measured on 2,500 single digits of
MNIST, turned by up to 15 degrees, of which 0.5% are cut, and on 500 touching pairs, of which 60%
are; 1 digit in 30 was taken to touch the next."""


def _cut(piece: Piece) -> tuple[Piece, Piece] | None:
    """Cut along the path downwards that crosses the least ink, if that gives two digits."""
    aspect = piece.width / piece.height
    if aspect < PAIR_ASPECTS[0] or piece.height < 8:
        return None
    mask = piece.mask
    if stroke_width(mask) < 0.07 * piece.height:
        # The limits hold for strokes as wide as MNIST's.
        side = round(0.08 * piece.height) | 1
        mask = cv2.dilate(mask.astype(np.uint8), np.ones((side, side), np.uint8)).astype(bool)
    pen = stroke_width(mask)
    allowed = pen * float(np.interp(aspect, PAIR_ASPECTS, CUT_LENGTHS))
    least = piece.height * float(np.interp(aspect, PAIR_ASPECTS, HALF_HEIGHTS))
    best: tuple[float, Piece, Piece] | None = None
    centres = np.linspace(0.22, 0.78, 9) * piece.width
    for path, crossed in _cheapest_paths(mask, centres, 0.12 * piece.width):
        if crossed > allowed:
            continue
        left_of = np.arange(piece.width)[np.newaxis] < path[:, np.newaxis]
        halves = [cropped(piece, piece.mask & left_of), cropped(piece, piece.mask & ~left_of)]
        first, second = halves
        if first is None or second is None or min(first.height, second.height) < least:
            continue
        # Among cheap cuts the one that gives two digits of like size.
        price = crossed + 0.5 * pen * abs(first.width - second.width) / piece.width
        if best is None or price < best[0]:
            best = price, first, second
    return best and best[1:]


def _cheapest_paths(
    mask: np.ndarray, centres: np.ndarray, reach: float
) -> list[tuple[np.ndarray, float]]:
    """The paths from top to bottom, one column a row, that cross the least ink.

    Args:
        mask: (height, width) bool.
        centres: (n,) columns; one path is looked for around each.
        reach: How far a path may lie to either side.

    Returns:
        For each centre (height,) int columns, and how many pixels of ink lie on the path.

    """
    height, width = mask.shape
    # The paths need no more detail than this, and each row costs a step of the loop.
    rows = min(height, 64)
    scale = rows / height
    columns = max(3, round(width * scale))
    ink = cv2.resize(mask.astype(np.float32), (columns, rows), interpolation=cv2.INTER_AREA)
    wide = min(columns - 2, int(2 * reach * scale) + 1)
    firsts = np.clip(((centres - reach) * scale).astype(int), 1, columns - 1 - wide)
    # (n, rows, wide + 2): one band for each centre, between walls that no path can cross.
    bands = np.full((len(firsts), rows, wide + 2), np.inf, np.float32)
    for band, first in zip(bands, firsts, strict=True):
        band[:, 1:-1] = ink[:, first : first + wide]
    total, steps = bands.copy(), np.zeros((len(firsts), rows, wide), int)
    for row in range(1, rows):
        above = total[:, row - 1]
        # A sideways step costs a little, so that a path is straight where nothing is gained.
        left, right = above[:, :-2] + 0.05, above[:, 2:] + 0.05
        best = np.minimum(np.minimum(left, right), above[:, 1:-1])
        steps[:, row] = np.where(above[:, 1:-1] <= best, 0, np.where(left <= best, -1, 1))
        total[:, row, 1:-1] += best
    number = np.arange(len(firsts))
    paths = np.zeros((rows, len(firsts)), int)
    paths[-1] = total[:, -1, 1:-1].argmin(1)
    for row in range(rows - 1, 0, -1):
        paths[row - 1] = paths[row] + steps[number, row, paths[row]]
    crossed = bands[number, np.arange(rows)[:, np.newaxis], paths + 1].sum(0) / scale
    places = (np.arange(rows) + 0.5) / scale
    full = [np.interp(np.arange(height), places, path) for path in (paths + firsts).T]
    return [
        (np.round((path + 0.5) / scale).astype(int), float(ink_cut))
        for path, ink_cut in zip(full, crossed, strict=True)
    ]
