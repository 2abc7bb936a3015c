"""Rows and their order."""

import cv2
import pytest

from digits.scan.page.find import find_digits
from tests.unit.pictures import page


@pytest.mark.parametrize("angle", [-6, 6])
def test_rows_are_kept_on_a_turned_page(angle: float) -> None:
    numbers = [[1, 2, 3, 4, 5, 7], [7, 5, 4, 3, 2, 1]]
    canvas = cv2.copyMakeBorder(page(numbers), 150, 150, 80, 80, cv2.BORDER_CONSTANT, value=255)
    height, width = canvas.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1)
    found = find_digits(cv2.warpAffine(canvas, turn, (width, height), borderValue=255))
    assert [d.row for d in found] == [0] * 6 + [1] * 6
    lefts = [d.box[0] for d in found]
    assert lefts[:6] == sorted(lefts[:6])
    assert lefts[6:] == sorted(lefts[6:])
