"""Rows, and the order of reading."""

import numpy as np

from digits.scan.single.types import Piece


def reading_order(pieces: list[Piece]) -> list[tuple[int, int]]:
    """Order pieces by rows from the top, then from left to right, on a page that may be turned.

    Returns:
        For each place in the order: the index of the piece, and its row.

    """
    if not pieces:
        return []
    middles = np.array([[p.left + p.width / 2, p.top + p.height / 2] for p in pieces])
    heights = np.array([float(p.height) for p in pieces])
    turn = page_angle(middles, heights)
    along = middles @ [np.cos(turn), np.sin(turn)]
    down = middles @ [-np.sin(turn), np.cos(turn)]
    rows = _rows(down, heights)
    return [(int(i), int(rows[i])) for i in np.lexsort((along, rows))]


def page_angle(middles: np.ndarray, heights: np.ndarray) -> float:
    """The angle in radians, up to 20 degrees, at which the digits fall into the clearest rows.

    Args:
        middles: (n, 2) x and y of the digits' centres.
        heights: (n,) their heights.

    """
    # Few digits can be lined up at any angle: then only a small one is believed.
    most = float(np.interp(len(heights), [2, 6], [8, 20]))
    best = (np.inf, 0.0)
    for degrees in np.arange(-most, most + 0.1, 0.5):
        turn = np.deg2rad(degrees)
        down = middles @ [-np.sin(turn), np.cos(turn)]
        covered = sum(bottom - top for top, bottom in _bands(down, heights)) / heights.mean()
        best = min(best, (covered + 0.01 * abs(degrees), turn))
    return best[1]


def _bands(down: np.ndarray, heights: np.ndarray) -> list[tuple[float, float]]:
    """The union of the middle parts of the digits on the axis across the rows."""
    bands: list[tuple[float, float]] = []
    for i in np.argsort(down - 0.25 * heights):
        top, bottom = down[i] - 0.25 * heights[i], down[i] + 0.25 * heights[i]
        if bands and top <= bands[-1][1]:
            bands[-1] = bands[-1][0], max(bands[-1][1], bottom)
        else:
            bands.append((top, bottom))
    return bands


def _rows(down: np.ndarray, heights: np.ndarray) -> np.ndarray:
    """(n,) int: the row of each digit."""
    tops = np.array([top for top, _ in _bands(down, heights)])
    return np.searchsorted(tops, down, side="right") - 1
