"""A digit in the form of MNIST's images."""

import cv2
import numpy as np

from digits.scan.single.clean import MOST_ODD_PIXELS, odd_pixels
from digits.scan.single.strokes import stroke_width
from digits.scan.single.types import Piece

SIDE, DIGIT_SIDE = 28, 20
"""MNIST: each digit is fitted into 20 x 20 and centred by mass in 28 x 28 (LeCun, Cortes and
Burges, "The MNIST database of handwritten digits")."""
CENTRE = 14.0
"""Row and column of the centre of mass of MNIST's images, counted from 0, within 0.5."""
STROKE_RANGE = (1.7, 3.0)
"""Widths that strokes are brought to, in pixels of the 28 x 28 image.  Measured on MNIST's
60,000 training images (2 x area / perimeter): 5% are below 1.45, half below 2.2, 5% above 3.4."""
FINE = 8
"""Pixels of the fine image in which strokes get their width, per pixel of the result."""


def as_mnist(grey: np.ndarray) -> np.ndarray | None:
    """The picture itself, or its negative, where it already has MNIST's form; else None.

    That form is 28 x 28 pixels, light ink near the middle and four dark corners of 4 x 4 pixels.
    In MNIST's 60,000 training images at most 6 of these 64 pixels are brighter than 10, where
    noise of a deviation above 15 makes at least 16 of them so; at most 4 pixels differ from all
    their neighbours by more than 80, and the ink falls into at most 7 parts, where salt and
    pepper make more of both.
    """
    if grey.shape != (SIDE, SIDE):
        return None
    if np.count_nonzero(odd_pixels(grey, 80)) > MOST_ODD_PIXELS:
        return None
    for image in (grey, 255 - grey):
        corners = image[np.ix_([0, 1, 2, 3, 24, 25, 26, 27], [0, 1, 2, 3, 24, 25, 26, 27])]
        parts = cv2.connectedComponents((image > 127).astype(np.uint8))[0] - 1
        if np.count_nonzero(corners > 10) <= 12 and parts <= 8:
            moments = cv2.moments(image)
            if moments["m00"] == 0:
                return image
            middle = np.array([moments["m10"], moments["m01"]]) / moments["m00"]
            return image if np.abs(middle - CENTRE).max() <= 3 else None
    return None


def like_mnist(piece: Piece, ink: np.ndarray) -> np.ndarray:
    """Make of one digit an image as in MNIST.

    Args:
        piece: The digit's ink.
        ink: (height, width) float32 of the whole picture.

    Returns:
        (28, 28) uint8, bright ink on a dark background.

    """
    fine = fine_mask(piece, ink)
    fine = with_stroke_width(fine)
    return centred(fitted(fine))


def fine_mask(piece: Piece, ink: np.ndarray) -> np.ndarray:
    """The digit's ink with smooth edges and its long side at about `DIGIT_SIDE` x `FINE` pixels.

    Returns:
        (height, width) float32 in 0..1 with a margin around the ink; ink is above 0.5.

    """
    margin = 3
    region = np.s_[piece.top : piece.bottom, piece.left : piece.right]
    own = np.pad(piece.mask, margin).astype(np.uint8)
    soft = np.pad(ink[region], margin, mode="edge") / max(piece.strength, 1e-3)
    # Its own pixels and their rim, where the ink fades; not the neighbours' ink.
    near = cv2.dilate(own, np.ones((3, 3), np.uint8))
    soft = np.clip(np.where(own > 0, np.maximum(soft, 0.5), np.minimum(soft, 0.5) * near), 0, 1)
    scale = DIGIT_SIDE * FINE / piece.long_side
    if scale >= 1:
        return cv2.resize(soft, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    return own.astype(np.float32)


def with_stroke_width(fine: np.ndarray) -> np.ndarray:
    """Widen thin strokes and narrow thick ones, to `STROKE_RANGE` once the digit is fitted.

    Args:
        fine: (height, width) float32; ink is above 0.5.

    Returns:
        (height, width) bool, cropped to the ink.

    """
    mask = _crop(fine > 0.5)
    for _ in range(3):
        # Widening also enlarges the digit, hence a second look.
        unit = max(mask.shape) / DIGIT_SIDE
        width = stroke_width(mask)
        wanted = float(np.clip(width / unit, *STROKE_RANGE)) * unit
        change = (wanted - width) / 2
        if abs(change) < 0.25:
            break
        mask = _crop(_grown(mask, change))
    return mask


def _grown(mask: np.ndarray, by: float) -> np.ndarray:
    """Move the outline of a bool mask outwards by some pixels, or inwards if negative."""
    if by > 0:
        room = int(np.ceil(by)) + 1
        mask = np.pad(mask, room)
        outside = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 5)
        return outside <= by
    padded = np.pad(mask, 1).astype(np.uint8)
    inside = cv2.distanceTransform(padded, cv2.DIST_L2, 5)[1:-1, 1:-1]
    # The ridge stays, so that the thin parts of an uneven stroke do not break.
    ridge = (inside >= cv2.dilate(inside, np.ones((3, 3), np.uint8)) - 1e-3) & mask
    thinner = inside > -by
    spine = cv2.dilate(ridge.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool) & mask
    narrowed: np.ndarray = thinner | spine
    return narrowed


def _crop(mask: np.ndarray) -> np.ndarray:
    left, top, width, height = cv2.boundingRect(mask.astype(np.uint8))
    return mask[top : top + max(height, 1), left : left + max(width, 1)]


def fitted(mask: np.ndarray) -> np.ndarray:
    """Fit a bool mask into 20 x 20 with its aspect kept; each pixel is the share that ink covers.

    Returns:
        (height, width) float32 in 0..255, the longer side 20.

    """
    height, width = mask.shape
    scale = DIGIT_SIDE / max(height, width)
    sides = max(1, round(width * scale)), max(1, round(height * scale))
    return cv2.resize(mask.astype(np.float32) * 255, sides, interpolation=cv2.INTER_AREA)


def centred(digit: np.ndarray) -> np.ndarray:
    """Lay a digit of at most 20 x 20 pixels into 28 x 28, its centre of mass in the middle.

    Whole pixels, as in MNIST, so that edges stay as they are.
    """
    image = np.zeros((SIDE, SIDE), np.uint8)
    mass = float(digit.sum())
    if mass == 0:
        return image
    height, width = digit.shape
    # Not cv2.moments: it takes an array two pixels wide for a list of points.
    middle = digit.sum(1) @ np.arange(height) / mass, digit.sum(0) @ np.arange(width) / mass
    top = int(np.clip(round(CENTRE - middle[0]), 0, SIDE - height))
    left = int(np.clip(round(CENTRE - middle[1]), 0, SIDE - width))
    image[top : top + height, left : left + width] = np.round(digit).clip(0, 255).astype(np.uint8)
    return image
