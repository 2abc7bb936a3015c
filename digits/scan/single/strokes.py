"""Pieces of ink that can be strokes of digits."""

import cv2
import numpy as np

from digits.core.errors import UserError
from digits.scan.single.background import FAINTEST_INK, FAINTEST_LINE, is_clean
from digits.scan.single.ruled_lines import may_have_ruled_lines, without_ruled_lines
from digits.scan.single.types import Piece

NOISE_FACTOR = 5.0
"""Ink is darker than the background's noise (standard deviation) by at least this factor."""
MOST_STROKES = 2000
"""More than this, the longest first, are texture."""
MOST_COVERED = 16
"""How often the boxes of all pieces may cover the picture.  Those of digits lie side by side."""
MOST_LOOPS = 8
"""More holes than this has a net of printed lines, and not even two digits that touch."""


def find_pieces(ink: np.ndarray, noise: np.ndarray) -> list[Piece]:
    """Threshold the ink and keep the connected pieces that can be strokes.

    Args:
        ink: (height, width) float32.
        noise: (height, width) float32, how far `ink` strays from 0 where there is none
            (standard deviation).

    Returns:
        The pieces in no particular order.  Specks are still among them where they are not much
        smaller than the digits: they may be parts of one.

    """
    faintest = FAINTEST_LINE if is_clean(noise) else FAINTEST_INK
    least = np.maximum(faintest, NOISE_FACTOR * noise)
    candidates = ink > least * 0.7
    if not candidates.any():
        return []
    if may_have_ruled_lines(candidates, noise):
        candidates = without_ruled_lines(candidates, ink)
    pieces = [piece for piece in connected(candidates, ink) if _is_stroke(piece, least)]
    if not pieces:
        return []
    level = ink_level(pieces)
    mask = np.zeros(ink.shape, bool)
    for piece in pieces:
        if piece.strength >= 0.45 * level:
            # Half of its own ink: pencil and pen on one sheet, and no blur between neighbours.
            region = np.s_[piece.top : piece.bottom, piece.left : piece.right]
            own = np.maximum(0.42 * piece.strength, least[region] * 0.7)
            mask[region] |= piece.mask & (ink[region] > own)
    return [piece for piece in connected(mask, ink) if _is_stroke(piece, least)]


def connected(mask: np.ndarray, ink: np.ndarray) -> list[Piece]:
    """The connected parts of a mask, without specks; the longest where there are too many.

    Raises:
        UserError: if they lie around and across each other as no digits do.

    """
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    lefts, tops, widths, heights, areas = stats[1:].T
    sides = np.maximum(widths, heights)
    chosen = np.flatnonzero((areas >= 4) & (sides >= shortest(mask.shape)))
    if len(chosen) > MOST_STROKES:
        longest = np.argsort(-sides[chosen], kind="stable")[:MOST_STROKES]
        chosen = np.sort(chosen[longest])
    if np.sum(widths[chosen] * heights[chosen], dtype=np.int64) > MOST_COVERED * mask.size:
        raise UserError(
            "expected digits, received a pattern of lines around or across each other; cut out "
            "the part with the digits"
        )
    pieces = []
    for index in map(int, chosen):
        left, top = int(lefts[index]), int(tops[index])
        region = np.s_[top : top + int(heights[index]), left : left + int(widths[index])]
        own = labels[region] == index + 1
        pieces.append(Piece(left, top, own, _upper(ink[region][own])))
    return pieces


def shortest(shape: tuple[int, ...]) -> int:
    """Least long side of a stroke, in pixels, in a picture of this (height, width)."""
    return max(4, int(np.ceil(0.004 * max(shape))))


def _upper(values: np.ndarray) -> float:
    """Their 85th percentile: `np.quantile` takes ten times as long for the pixels of a speck."""
    rank = 0.85 * (len(values) - 1)
    low = int(rank)
    part = np.partition(values, [low, min(low + 1, len(values) - 1)])
    above = part[min(low + 1, len(values) - 1)]
    return float(part[low] + (above - part[low]) * (rank - low))


def ink_level(pieces: list[Piece]) -> float:
    """The strength of the typical piece, each weighted by the light it takes, squared.

    Ruled lines and stains may cover more of the page than the ink does, but are weaker.
    """
    return weighted_median([p.strength for p in pieces], [p.area * p.strength**2 for p in pieces])


def weighted_median(values: list[float], weights: list[float] | list[int]) -> float:
    """The value below which lies half of the weight."""
    order = np.argsort(values)
    total = np.cumsum(np.asarray(weights, float)[order])
    return float(values[order[int(np.searchsorted(total, total[-1] / 2))]])


def _is_stroke(piece: Piece, least: np.ndarray) -> bool:
    """Whether a piece is dark and thin enough for (a part of) a digit's stroke.

    `least` is how much ink is believed, (height, width) of the whole picture.
    """
    middle = piece.top + piece.height // 2, piece.left + piece.width // 2
    if piece.strength < least[middle] or _loops(piece) > MOST_LOOPS or _at_edge(piece, least.shape):
        return False
    return stroke_width(piece.mask) <= 0.22 * float(max(least.shape))


def _at_edge(piece: Piece, shape: tuple[int, ...]) -> bool:
    """Whether all of a piece lies along the picture's edge: a page's border or a line cut off."""
    rim = 0.012 * max(shape)
    near, far = (piece.left, piece.top), (piece.right, piece.bottom)
    return any(
        b <= rim or a >= side - rim for a, b, side in zip(near, far, shape[::-1], strict=True)
    )


def _loops(piece: Piece) -> int:
    """How many holes a piece has, without those of a grainy pencil."""
    contours, levels = cv2.findContours(
        piece.mask.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE
    )
    if levels is None:
        return 0
    least = (0.05 * piece.long_side) ** 2
    # The last entry of a contour's level is its parent: only holes have one.
    return sum(
        cv2.contourArea(contour) > least
        for contour, level in zip(contours, levels[0], strict=True)
        if level[3] >= 0
    )


def stroke_width(mask: np.ndarray) -> float:
    """Mean width of the strokes in a (height, width) bool mask: twice the area by the outline."""
    outline = np.pad(mask, 1).astype(np.uint8)
    contours, _ = cv2.findContours(outline, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    length = sum(cv2.arcLength(contour, True) for contour in contours)
    # The outline runs through the centres of the outer pixels, half a pixel inside the edge.
    area = np.count_nonzero(mask)
    return max(2 * area / (length + 4), 1.0) if length else 1.0
