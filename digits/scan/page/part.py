"""Digits that touch are parted."""

import cv2
import numpy as np

from digits.scan.single.strokes import stroke_width
from digits.scan.single.types import Piece, cropped


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
