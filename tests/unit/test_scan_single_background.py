"""Ink on any background."""

import numpy as np
import pytest

from digits.scan.page.find import find_digits
from tests.unit.pictures import draw, page


@pytest.mark.parametrize(("background", "ink"), [(255, 225), (0, 30), (90, 130), (160, 120)])
def test_faint_lines_on_a_clean_canvas_are_found(background: int, ink: int) -> None:
    canvas = np.full((400, 600), background, np.uint8)
    draw(canvas, 3, 100, 100, 180, 2, ink)
    draw(canvas, 5, 350, 100, 180, 2, ink)
    assert len(find_digits(canvas)) == 2


def test_light_ink_on_dark_gives_the_same_digits() -> None:
    dark = page([[3, 5, 2, 0]])
    for one, other in zip(find_digits(dark), find_digits(255 - dark), strict=True):
        assert one.box == other.box
        assert np.abs(one.image.astype(int) - other.image).mean() < 2
