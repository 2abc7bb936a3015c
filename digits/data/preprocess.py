"""From raw grey images to what a model reads.

The one function `prepare` serves the data set, the command line and every other way in.  A
bundle carries the `Params` that its model was trained with, so that training and serving cannot
drift apart.
"""

import functools
from typing import Literal

import cv2
import numpy as np

from digits.core.config import Section
from digits.core.errors import UserError

MNIST_SIDE = 28
FULL = 255
"""The grey level of full ink in MNIST and in whatever is brought to its form."""


class Params(Section):
    """How images are cleaned and scaled."""

    scale: Literal["unit", "l2", "binary", "standard", "none"]
    """unit: [0, 1]. l2: as keras.utils.normalize(axis=1). binary: 0 or 1, ink from half of full
    ink on. standard: each image to mean 0 and variance 1. none: the grey levels as they are."""
    denoise: Literal["none", "median"]
    """median: each pixel becomes the median of its 3 x 3 neighbourhood."""
    deskew: bool
    """Shear each digit so that its main axis stands upright."""
    center: bool
    """Shift each digit so that its centre of mass is in the middle."""
    size: Literal["28", "native"]
    """Side length in pixels: 28, or the size in which the data set was published."""


def prepare(images: np.ndarray, params: Params, white: int = FULL) -> np.ndarray:
    """Clean and scale raw images.

    Args:
        images: (n, height, width) uint8, bright ink on a dark ground.
        params: What to do, in the order size, denoise, deskew, center, scale.
        white: The grey level of full ink.

    Returns:
        (n, height, width, 1) float32.

    Raises:
        UserError: if `images` has another shape or type.

    """
    if images.ndim != 3 or images.dtype != np.uint8:
        raise UserError(
            f"expected images as (n, height, width) uint8, received {images.shape} {images.dtype}"
        )
    if params.size == "28" and images.shape[1:] != (MNIST_SIDE, MNIST_SIDE):
        images, white = resize(images, (MNIST_SIDE, MNIST_SIDE), white, FULL), FULL
    steps = [
        step
        for wanted, step in (
            (params.denoise == "median", _median),
            (params.deskew, deskew),
            (params.center, center),
        )
        if wanted
    ]
    if steps and len(images):
        cleaned = np.empty_like(images)
        for index, image in enumerate(images):
            cleaned[index] = functools.reduce(lambda changed, step: step(changed), steps, image)
        images = cleaned
    return scale(images, params.scale, white)[..., np.newaxis]


def in_mnist_size(images: np.ndarray, white: int) -> np.ndarray:
    """Raw images as (n, 28, 28) uint8 with full ink at 255, whatever their sides and levels."""
    side = (MNIST_SIDE, MNIST_SIDE)
    return images if images.shape[1:] == side else resize(images, side, white, FULL)


def resize(images: np.ndarray, side: tuple[int, int], white: int, new_white: int) -> np.ndarray:
    """Change the sides (cubic interpolation to larger, area means to smaller) and grey levels.

    Args:
        images: (n, height, width) uint8.
        side: New height and width.
        white: The grey level of full ink in `images`.
        new_white: The same in the result.

    Returns:
        (n, *side) uint8.

    """
    larger = side[0] >= images.shape[1]
    method = cv2.INTER_CUBIC if larger else cv2.INTER_AREA
    resized = np.empty((len(images), *side), np.uint8)
    for index, image in enumerate(images):
        levels = image.astype(np.float32) * (new_white / white)
        changed = cv2.resize(levels, side[::-1], interpolation=method)
        resized[index] = np.round(changed).clip(0, new_white)
    return resized


def deskew(image: np.ndarray) -> np.ndarray:
    """Shear one (height, width) uint8 image until rows and columns of its ink are uncorrelated.

    The slant is mu11 / mu02, from the central moments of the grey levels, as in OpenCV's digit
    example.  An image whose ink lies in one row has no slant and comes back as it is.
    """
    moments = cv2.moments(image)
    if moments["mu02"] < 1e-2:
        return image
    slant = moments["mu11"] / moments["mu02"]
    row = moments["m01"] / moments["m00"]
    return _warp(image, np.array([[1, slant, -slant * row], [0, 1, 0]], np.float32))


def center(image: np.ndarray) -> np.ndarray:
    """Shift one (height, width) uint8 image so that its centre of mass is in the middle."""
    moments = cv2.moments(image)
    if moments["m00"] == 0:
        return image
    height, width = image.shape
    right = moments["m10"] / moments["m00"] - (width - 1) / 2
    down = moments["m01"] / moments["m00"] - (height - 1) / 2
    return _warp(image, np.array([[1, 0, right], [0, 1, down]], np.float32))


def scale(images: np.ndarray, method: str, white: int) -> np.ndarray:
    """Scale (n, height, width) uint8 images with full ink at `white` to float32."""
    values = images.astype(np.float32)
    match method:
        case "unit":
            return values / np.float32(white)
        case "l2":
            # keras.utils.normalize(images, axis=1): every column of an image gets length 1.
            length = np.linalg.norm(values, axis=1, keepdims=True)
            return values / np.where(length == 0, np.float32(1), length)
        case "binary":
            return (values * 2 >= white).astype(np.float32)
        case "standard":
            # As tf.image.per_image_standardization, whose floor keeps a blank image at 0.
            flat = values.reshape(len(values), -1)
            deviation = np.maximum(flat.std(axis=1), 1 / np.sqrt(max(flat.shape[1], 1)))
            standard: np.ndarray = (flat - flat.mean(axis=1, keepdims=True)) / deviation[:, None]
            return standard.astype(np.float32).reshape(values.shape)
        case _:
            return values


def _median(image: np.ndarray) -> np.ndarray:
    cleaned: np.ndarray = cv2.medianBlur(image, 3)
    return cleaned


def _warp(image: np.ndarray, output_to_input: np.ndarray) -> np.ndarray:
    height, width = image.shape
    warped: np.ndarray = cv2.warpAffine(
        image,
        output_to_input,
        (width, height),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
    )
    return warped
