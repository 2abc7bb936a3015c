"""Small random changes of shape that turn one training image into many."""

from typing import Annotated

import cv2
import numpy as np
from pydantic import Field

from digits.core.config import Fraction, Section


class Params(Section):
    """The largest changes; each is drawn evenly from both directions.  All 0: none is made."""

    rotation: Annotated[float, Field(ge=0, le=180)]
    """Degrees."""
    scale: Fraction
    """Share of the size: 0.1 draws from 0.9 to 1.1 times."""
    shear: Fraction
    """Horizontal shift per row, in pixels."""
    shift: Annotated[float, Field(ge=0)]
    """Pixels, horizontally and vertically."""

    @property
    def active(self) -> bool:
        return any((self.rotation, self.scale, self.shear, self.shift))


def augment(images: np.ndarray, params: Params, rng: np.random.Generator) -> np.ndarray:
    """Rotate, scale, shear and shift every image by its own random amounts.

    Args:
        images: (n, height, width, 1) float32; each image's lowest value is its ground.
        params: The largest amounts.
        rng: The source of the amounts.

    Returns:
        A new array like `images`.

    """
    n, height, width, _ = images.shape
    angle = np.deg2rad(rng.uniform(-params.rotation, params.rotation, n))
    size = 1 + rng.uniform(-params.scale, params.scale, n)
    shear = rng.uniform(-params.shear, params.shear, n)
    shift = rng.uniform(-params.shift, params.shift, (n, 2))

    cosine, sine = np.cos(angle) / size, np.sin(angle) / size
    output_to_input = np.empty((n, 2, 3))
    output_to_input[:, 0, 0], output_to_input[:, 0, 1] = cosine, shear * cosine - sine
    output_to_input[:, 1, 0], output_to_input[:, 1, 1] = sine, shear * sine + cosine
    middle = np.array([(width - 1) / 2, (height - 1) / 2])
    output_to_input[:, :, 2] = middle - output_to_input[:, :, :2] @ middle + shift

    ground = images.min(axis=(1, 2, 3))
    changed = np.empty_like(images)
    for index in range(n):
        cv2.warpAffine(
            images[index, :, :, 0],
            output_to_input[index],
            (width, height),
            dst=changed[index, :, :, 0],
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderValue=float(ground[index]),
        )
    return changed
