"""Small images as PNG files."""

import cv2
import numpy as np

from digits.scan.single.normalise import SIDE

HEAD = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + SIDE.to_bytes(4) * 2
"""How a file of 28 x 28 pixels begins: nothing larger is decoded."""


def encode(image: np.ndarray) -> bytes:
    """Encode (height, width) uint8."""
    encoded: bytes = cv2.imencode(".png", image)[1].tobytes()
    return encoded


def decode(data: bytes) -> np.ndarray | None:
    """Decode a file of (28, 28) uint8; None if it is anything else."""
    if not data.startswith(HEAD):
        return None
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
    return image if image is not None and image.shape == (SIDE, SIDE) else None
