"""Touching digits."""

import cv2
import numpy as np

from digits.scan.page.find import find_digits
from tests.unit.pictures import draw


def test_touching_digits_are_parted() -> None:
    canvas = np.full((200, 600), 255, np.uint8)
    for digit, left in ((3, 60), (0, 128), (7, 400)):
        draw(canvas, digit, left, 60, 80, 8)
    assert cv2.connectedComponents((canvas < 128).astype(np.uint8))[0] - 1 == 2
    found = find_digits(canvas)
    assert len(found) == 3
    assert abs(found[0].box[2] - 128) < 12
