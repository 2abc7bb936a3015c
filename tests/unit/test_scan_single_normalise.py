"""The form of MNIST's images."""

import cv2
import numpy as np
import pytest

from digits.scan.page.find import find_digits
from digits.scan.single.normalise import STROKE_RANGE
from digits.scan.single.strokes import stroke_width
from tests.unit.pictures import draw, page


def test_the_image_of_each_digit_has_the_layout_of_mnist() -> None:
    for digit in find_digits(page([[0, 1, 2, 3, 4, 5, 7]])):
        image = digit.image
        assert image.shape == (28, 28)
        assert image.dtype == np.uint8
        _, _, width, height = cv2.boundingRect((image > 0).astype(np.uint8))
        assert max(width, height) == 20
        moments = cv2.moments(image)
        assert moments["m10"] / moments["m00"] == pytest.approx(14, abs=1)
        assert moments["m01"] / moments["m00"] == pytest.approx(14, abs=1)
        assert image.max() > 250, "full ink"
        assert len(np.unique(image)) > 4, "grey edges"


@pytest.mark.parametrize("pen", [1, 2, 8, 20])
def test_strokes_are_brought_to_the_width_of_mnist(pen: int) -> None:
    canvas = np.full((700, 900), 255, np.uint8)
    draw(canvas, 5, 200, 150, 300, pen)
    (digit,) = find_digits(canvas)
    large = cv2.resize(digit.image, None, fx=8, fy=8, interpolation=cv2.INTER_CUBIC)
    low, high = STROKE_RANGE
    assert low - 0.4 <= stroke_width(large > 127) / 8 <= high + 0.4


def test_a_felt_pen_does_not_close_a_loop() -> None:
    canvas = np.full((500, 500), 255, np.uint8)
    draw(canvas, 0, 150, 150, 200, 50)
    (digit,) = find_digits(canvas)
    assert digit.image[12:16, 12:16].max() < 100
