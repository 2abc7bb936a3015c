"""Ruled paper."""

import cv2
import numpy as np

from digits.scan.page.find import find_digits
from tests.unit.pictures import draw, textured


def test_digits_in_uneven_light_on_ruled_paper_are_found() -> None:
    paper = textured(np.random.default_rng(1)).astype(np.float32)
    ink = np.full(paper.shape, 255, np.uint8)
    for y in range(30, 600, 45):
        cv2.line(ink, (0, y), (800, y + 12), 200, 2, cv2.LINE_AA)
    for row in range(3):
        for column, digit in enumerate((3, 5, 2, 0, 7, 4)):
            draw(ink, digit, 70 + 110 * column, 80 + 160 * row, 70, 7, 90)
    found = find_digits((paper * (ink / 255)).astype(np.uint8))
    assert [d.row for d in found] == [0] * 6 + [1] * 6 + [2] * 6
