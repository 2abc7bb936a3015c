"""A picture at the working size, without the noise of single pixels."""

import cv2
import numpy as np

WORKING_SIDES = (224, 1600)
"""Smaller images are enlarged to the first, larger ones reduced to the second (long side)."""
SMALL_PIXELS = 128 * 128
"""Up to here non-local means, the better but slower way to remove noise, takes milliseconds."""
MOST_ODD_PIXELS = 5
"""More pixels than this that differ from all their neighbours are salt and pepper."""


def working_size(grey: np.ndarray) -> tuple[np.ndarray, float]:
    """Bring a picture to a size at which strokes are neither lost nor slow to find.

    Returns:
        The (height, width) uint8 picture without noise of single pixels, and the factor by which
        its sides were multiplied.

    """
    long_side = max(grey.shape)
    low, high = WORKING_SIDES
    if long_side > high:
        scale = high / long_side
        sides = tuple(max(1, round(side * scale)) for side in grey.shape[::-1])
        return cv2.resize(grey, sides, interpolation=cv2.INTER_AREA), scale
    if grey.size <= SMALL_PIXELS:
        grey = without_noise(grey)
    if long_side < low:
        scale = float(np.ceil(low / long_side))
        return cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC), scale
    return grey, 1.0


def without_noise(grey: np.ndarray) -> np.ndarray:
    """Remove single odd pixels, then even noise, from a small (height, width) uint8 picture."""
    odd = odd_pixels(grey, 40)
    if np.count_nonzero(odd) > MOST_ODD_PIXELS:
        odd |= _odd_pairs(grey, 40)
    if odd.any():
        grey = np.where(odd, cv2.medianBlur(grey, 3), grey)
    noise = noise_level(grey)
    if noise > 4:
        grey = cv2.fastNlMeansDenoising(
            grey, h=1.4 * noise, templateWindowSize=3, searchWindowSize=21
        )
    return grey


def odd_pixels(grey: np.ndarray, by: int) -> np.ndarray:
    """Where a (height, width) uint8 picture differs from all eight neighbours by more than `by`."""
    ring = np.ones((3, 3), np.uint8)
    ring[1, 1] = 0
    brightest, darkest = cv2.dilate(grey, ring), cv2.erode(grey, ring)
    levels = grey.astype(np.int16)
    odd: np.ndarray = (levels > brightest.astype(np.int16) + by) | (
        levels < darkest.astype(np.int16) - by
    )
    return odd


def _odd_pairs(grey: np.ndarray, by: int) -> np.ndarray:
    """Where a picture is within `by` of at most one neighbour: salt and pepper in twos."""
    wide = np.pad(grey.astype(np.int16), 1, mode="edge")
    height, width = grey.shape
    alike = np.zeros(grey.shape, int)
    for y, x in ((0, 0), (0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1), (2, 2)):
        alike += np.abs(wide[y : y + height, x : x + width] - grey) <= by
    found: np.ndarray = alike <= 1
    return found


def noise_level(grey: np.ndarray) -> float:
    """Standard deviation of the noise of a (height, width) picture, in its grey levels.

    The filter is blind to slopes (J. Immerkaer, "Fast noise variance estimation", Computer
    Vision and Image Understanding 64, 1996); the median keeps the strokes out.
    """
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    response = np.abs(cv2.filter2D(grey.astype(np.float32), -1, kernel))
    return float(np.median(response[::2, ::2])) / 0.6745 / 6
