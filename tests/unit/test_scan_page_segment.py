"""Broken and touching digits."""

import cv2
import numpy as np

from digits.scan.page.find import find_digits
from tests.unit.pictures import draw, page


def test_the_bar_of_a_five_is_joined_to_it() -> None:
    canvas = page([[2, 5, 3]])
    cv2.rectangle(canvas, (205, 66), (235, 76), 255, -1)  # between bar and body
    assert cv2.connectedComponents((canvas < 128).astype(np.uint8))[0] - 1 == 4
    found = find_digits(canvas)
    assert len(found) == 3
    assert found[1].box[3] - found[1].box[1] > 80


def test_touching_digits_are_parted() -> None:
    canvas = np.full((200, 600), 255, np.uint8)
    for digit, left in ((3, 60), (0, 128), (7, 400)):
        draw(canvas, digit, left, 60, 80, 8)
    assert cv2.connectedComponents((canvas < 128).astype(np.uint8))[0] - 1 == 2
    found = find_digits(canvas)
    assert len(found) == 3
    assert abs(found[0].box[2] - 128) < 12


def test_specks_are_no_digits() -> None:
    canvas = page([[3, 5, 2]])
    for x, y in ((40, 40), (170, 200), (320, 30)):
        cv2.circle(canvas, (x, y), 3, 0, -1)
    assert len(find_digits(canvas)) == 3
