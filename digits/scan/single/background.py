"""The background of a picture, and how much of its light the ink takes."""

import cv2
import numpy as np

from digits.scan.single.clean import noise_level

SMALL_SIDE = 300
"""A picture with a shorter long side, once enlarged, is taken for a drawing, evenly lit."""
FAINTEST_INK = 0.14
"""On paper, less ink than this is a crease, a stain or a reflection."""
CLEAN_NOISE, FAINTEST_LINE = 0.002, 0.06
"""Below the first mean noise the background is a drawing's, and less ink is believed."""

TONE_REACH, LEAST_CONTRAST = 4, 32
"""Levels within the first of a tone are of that tone; two tones differ by more than the second."""
LEAST_TONE, FLAT_SHARE, SMALL_FLAT_SHARE = 0.05, 0.7, 0.5
"""Least shares of a flat drawing's pixels that are of each tone, and of both: the rest is edges, of
which enlarged pictures have more."""
WIDEST_STROKE = 0.3
"""As a share of the picture's long side: more is the table that the paper lies on."""


def measure_ink(work: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How much of the background's light (or darkness, if the ink is light) the ink takes.

    Args:
        work: (height, width) uint8 at the working size.

    Returns:
        The ink as (height, width) float32, about 0 on the bare background and up to 1, and the
        noise around each pixel in the same form: how far the ink strays from 0 where there is none
        (standard deviation).

    """
    if noise_level(work) > 1.5:
        work = cv2.GaussianBlur(work, (0, 0), 1.0)
    light = None
    background = even_background(work)
    if background is None or max(work.shape) < SMALL_SIDE:
        # Where a digit fills the picture, the majority may be ink.
        tones = two_tones(work)
        if tones is not None:
            background = np.full(work.shape, tones[0], np.float32)
            light = tones[1] > tones[0]
    if background is not None:
        light = _light_ink(work - background) if light is None else light
        ink = _share_taken(work, background, light)
        spread = np.abs(ink[np.abs(ink) < 2 * FAINTEST_INK])
        return ink, np.full_like(ink, 1.4826 * np.median(spread) if spread.size else 0)
    light = _light_ink(work.astype(np.float32) - local_median(work))
    background = 255 - uneven_background(255 - work) if light else uneven_background(work)
    ink = _share_taken(work, background, light)
    ink -= _typical_nearby(ink, closing_side(ink.shape))
    return ink, uneven_noise(ink)


def _share_taken(work: np.ndarray, background: np.ndarray, light: bool) -> np.ndarray:
    """What ink takes of the light of a (height, width) `background`; of its dark if it is light."""
    if light:
        # The room above a bright background is small: noise must not fill it.
        taken: np.ndarray = (work - background) / np.maximum(255 - background, 100)
    else:
        taken = (background - work) / np.maximum(background, 32)
    return taken.astype(np.float32, copy=False)


def even_background(work: np.ndarray) -> np.ndarray | None:
    """The background where it is flat or lit by one smooth slope; None where it is not.

    A surface of second degree is fitted to the majority of the pixels.  It holds under strokes
    of any width, which no local estimate does.  In a picture so small that strokes fill the
    closing's square it is the only choice.

    Returns:
        (height, width) float32 grey levels, or None.

    """
    small = cv2.resize(work, (48, 48), interpolation=cv2.INTER_AREA).astype(np.float32).ravel()
    terms = _second_degree(48, 48)
    level = np.full_like(small, np.median(small))
    for _ in range(8):
        off = np.abs(small - level)
        near = off <= max(2.5 * 1.4826 * float(np.median(off)), 2.0)
        factors = np.linalg.lstsq(terms[near], small[near], rcond=None)[0]
        level = terms @ factors
    background = cv2.resize(level.reshape(48, 48), work.shape[::-1], interpolation=cv2.INTER_LINEAR)
    if max(work.shape) < SMALL_SIDE:
        return background
    off = cv2.GaussianBlur(work - background, (0, 0), 1.5)
    level_range = max(float(np.median(background)), 255 - float(np.median(background)))
    tolerance = float(np.clip(6 * np.median(np.abs(off[::2, ::2])), 4, max(4, 0.045 * level_range)))
    if np.mean(np.abs(off) <= tolerance) < 0.45:
        return None
    # Ink is clearly off the background, on one side of it, and shadows come in over the border.
    sign = -1.0 if _light_ink(off) else 1.0
    above = -sign * off
    peak = float(np.quantile(above, 0.9995))
    if peak <= 2 * tolerance:
        return background if np.mean(np.abs(off) > tolerance) < 0.02 else None
    strong = above > max(peak / 2, tolerance)
    # What is neither, nor the blurred edge of ink, is a shadow.
    edges = cv2.dilate(strong.astype(np.uint8), np.ones((17, 17), np.uint8)).astype(bool)
    between = (np.abs(off) > tolerance) & ~edges
    if np.count_nonzero(between) > 0.02 * off.size:
        return None
    border = np.concatenate([strong[0], strong[-1], strong[:, 0], strong[:, -1]])
    return background if border.mean() < 0.15 else None


def two_tones(work: np.ndarray) -> tuple[float, float] | None:
    """The grey levels of background and ink in a drawing that is all of two flat tones, else None.

    The background is the tone that has more of the picture, more of its border and wider parts,
    taken together: a digit that is cropped tight may have more of one of them.
    """
    counts = np.bincount(work.ravel(), minlength=256) / work.size
    near = np.convolve(counts, np.ones(2 * TONE_REACH + 1), "same")
    one = int(near.argmax())
    flat = near[one]
    near[max(0, one - LEAST_CONTRAST) : one + LEAST_CONTRAST + 1] = 0
    other = int(near.argmax())
    small = max(work.shape) < SMALL_SIDE
    least = SMALL_FLAT_SHARE if small else FLAT_SHARE
    if near[other] < LEAST_TONE or flat + near[other] < least:
        return None
    of_one = np.abs(work.astype(np.int16) - one) < np.abs(work.astype(np.int16) - other)
    border = np.concatenate([of_one[0], of_one[-1], of_one[:, 0], of_one[:, -1]])
    widths = [
        2 * float(cv2.distanceTransform(tone.astype(np.uint8), cv2.DIST_L2, 3).max())
        for tone in (of_one, ~of_one)
    ]
    # The widths say most: only a 1 is wider than what is left beside it.
    if of_one.mean() + border.mean() + 2 * widths[0] / sum(widths) < 2:
        one, other, widths = other, one, widths[::-1]
    return (one, other) if small or widths[1] <= WIDEST_STROKE * max(work.shape) else None


def _second_degree(height: int, width: int) -> np.ndarray:
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    return (
        np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], -1).reshape(-1, 6).astype(np.float32)
    )


def local_median(work: np.ndarray) -> np.ndarray:
    """The background as the median of wide neighbourhoods, whatever the ink's polarity."""
    scale = min(1.0, 320 / max(work.shape))
    small = cv2.resize(work, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    wide = max(3, min(small.shape) // 6) | 1
    return cv2.resize(cv2.medianBlur(small, wide), work.shape[::-1], interpolation=cv2.INTER_LINEAR)


def _light_ink(off: np.ndarray) -> bool:
    """Whether the strongest differences from the background are upwards.

    Noise lies evenly on both sides and cancels out; the third power lets the ink outweigh it.
    """
    return float(np.sum(off * off * off, dtype=np.float64)) > 0


def uneven_background(work: np.ndarray) -> np.ndarray:
    """The background under dark strokes on unevenly lit paper.

    A closing fills everything that is narrower than its square, thus strokes, and keeps the
    edges of wide shadows where they are.

    Returns:
        (height, width) float32 grey levels.

    """
    # Noise would lift the closing to its crests, and the more in shadows.
    smooth = cv2.GaussianBlur(cv2.medianBlur(work, 5), (0, 0), 1.5)
    side = closing_side(work.shape)
    square = cv2.getStructuringElement(cv2.MORPH_RECT, (side, side))
    # Without a margin the square would not fit into the tip of a shadow at the border.
    wide = cv2.copyMakeBorder(smooth, side, side, side, side, cv2.BORDER_REPLICATE)
    closed = cv2.morphologyEx(wide, cv2.MORPH_CLOSE, square)
    return closed[side:-side, side:-side].astype(np.float32)


def closing_side(shape: tuple[int, ...]) -> int:
    """Side of the square that no stroke on a photographed page may hold."""
    return max(15, max(shape) // 14) | 1


def uneven_noise(ink: np.ndarray) -> np.ndarray:
    """Standard deviation from 0 of the ink around each pixel, where there is none: float32.

    Noise is a larger share of dim light, hence not one figure for the page.
    """
    # The mean distance from 0 of a normal distribution is 0.798 deviations.
    wide = max(ink.shape) // 4
    return _typical_nearby(np.minimum(np.abs(ink), 2 * FAINTEST_INK), wide) / 0.798


def _typical_nearby(values: np.ndarray, side: int) -> np.ndarray:
    """Median of the local means of (height, width) values around 0, in squares of `side` pixels."""
    scale = min(1.0, 400 / max(values.shape))
    small = cv2.resize(values, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    levels = np.round(np.clip(small * 500 + 80, 0, 255)).astype(np.uint8)
    median = cv2.medianBlur(levels, max(3, round(side * scale)) | 1)
    typical = ((median.astype(np.float32) - 80) / 500).astype(np.float32)
    return cv2.resize(typical, values.shape[::-1], interpolation=cv2.INTER_LINEAR)


def is_clean(noise: np.ndarray) -> bool:
    """Whether a background of this (height, width) noise is a drawing's, not paper."""
    return float(noise[::8, ::8].mean()) < CLEAN_NOISE
