"""Grey levels of a decoded image, whatever its mode."""

import cv2
import numpy as np
from PIL import Image

BLOCK = 1 << 20
"""Pixels that are worked on at a time where the arithmetic needs more bytes than the image."""


def grey_levels(image: Image.Image) -> np.ndarray:
    """Grey levels of a loaded image.

    Transparent parts get the colour that lets the ink be seen; levels of more than 8 bits are
    scaled to 8.

    Returns:
        (height, width) uint8.

    """
    if image.mode == "P":
        return _of_palette(image)
    if image.mode == "RGBa" or "transparency" in image.info:
        # The way over RGBA also takes a single transparent colour.
        image = image.convert("RGBA")
    if image.mode in ("RGBA", "LA", "PA"):
        alpha = np.asarray(image.getchannel("A"))
        opaque = image.convert("RGB") if image.mode == "PA" else image
        return over_background(np.asarray(opaque.convert("L")), alpha)
    if image.mode.startswith(("I", "F")):
        return eight_bits(np.asarray(image))
    if image.mode == "LAB":
        return np.asarray(image.getchannel(0))
    if image.mode not in ("L", "1", "RGB"):
        image = image.convert("RGB")
    return np.asarray(image.convert("L"))


def _of_palette(image: Image.Image) -> np.ndarray:
    """Grey levels of an image with a palette: each of its colours is converted once."""
    ramp = Image.frombytes("P", (256, 1), bytes(range(256)))
    ramp.putpalette(image.getpalette("RGB") or [])
    ramp.info = {key: image.info[key] for key in ("transparency",) if key in image.info}
    indices, colours = np.asarray(image), ramp.convert("RGBA")
    grey = cv2.LUT(indices, np.asarray(colours.convert("L"))[0])
    if not ramp.info:
        return grey
    return over_background(grey, cv2.LUT(indices, np.asarray(colours.getchannel("A"))[0]))


def over_background(grey: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Put (h, w) uint8 `grey` over one grey level: white, unless light ink would vanish there.

    Where most of the picture is opaque, its own background goes on under the holes instead.
    """
    if not alpha.any():
        return np.full_like(grey, 255)
    opaque = (alpha > 127).astype(np.uint8)
    if np.count_nonzero(opaque) > 0.5 * alpha.size:
        background = _median(cv2.calcHist([grey], [0], opaque, [256], [0, 256]).ravel())
    else:
        visible = cv2.multiply(grey, alpha, dtype=cv2.CV_32F)
        mean = np.sum(visible, dtype=np.float64) / np.sum(alpha, dtype=np.float64)
        background = 0.0 if mean > 127 else 255.0
    cover = np.arange(256, dtype=np.float32)[:, np.newaxis] / 255
    levels = np.arange(256, dtype=np.uint8) * cover + background * (1 - cover)
    mixed = np.round(levels).astype(np.uint8).ravel()
    rows = max(1, BLOCK // grey.shape[1])
    out = np.empty_like(grey)
    for top in range(0, len(grey), rows):
        part = np.s_[top : top + rows]
        out[part] = mixed[(alpha[part].astype(np.uint16) << 8) | grey[part]]
    return out


def _median(counts: np.ndarray) -> float:
    """The median of levels 0, 1, ... that occur so often."""
    total = np.cumsum(counts.astype(np.int64))
    low, high = (total[-1] - 1) // 2, total[-1] // 2
    return float(np.searchsorted(total, [low, high], side="right").mean())


def eight_bits(levels: np.ndarray) -> np.ndarray:
    """Scale (height, width) 16-bit, 32-bit and float levels to uint8.

    White is 1 for floats up to 1, else the least of 255, 511, ... 65535, ... that no level
    exceeds: cameras and scanners store 10, 12 or 14 bits in 16.
    """
    rows = max(1, BLOCK // levels.shape[1])
    parts = [np.s_[top : top + rows] for top in range(0, len(levels), rows)]
    lowest = min(0.0, *(float(_finite(levels[part]).min()) for part in parts))
    highest = max(float(_finite(levels[part]).max()) for part in parts) - lowest
    white = 1.0 if highest <= 1 else 2.0 ** max(8, np.ceil(np.log2(highest + 1))) - 1
    if highest <= 1 and levels.dtype.kind != "f":
        white = 255.0
    out = np.empty(levels.shape, np.uint8)
    for part in parts:
        out[part] = np.round((_finite(levels[part]) - lowest) * (255 / white))
    return out


def _finite(levels: np.ndarray) -> np.ndarray:
    """The levels as float64, 0 where they are no number."""
    values = levels.astype(np.float64)
    if levels.dtype.kind == "f":
        values[~np.isfinite(values)] = 0
    return values
