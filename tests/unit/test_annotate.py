"""The picture of what was read."""

import io

import numpy as np
import pytest
from PIL import Image

from digits.serve import annotate
from digits.serve.reader import Page, Reader
from tests.tiny import page


def colours(png):
    pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).reshape(-1, 3)
    return {
        name: int((pixels == colour).all(axis=1).sum())
        for name, colour in (("confident", annotate.CONFIDENT), ("withheld", annotate.WITHHELD))
    }


def box_pixels(png, read, index, colour):
    """Share of the box's upper side that has the colour."""
    pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))
    scale = pixels.shape[1] / read.width
    left, top, right, _ = (round(side * scale) for side in read.digits[index].box)
    line = pixels[top - annotate.LINE - 1, left:right]
    return (line == colour).all(axis=1).mean()


@pytest.mark.parametrize("light_on_dark", [False, True])
def test_confident_and_withheld_differ_in_colour_and_in_line(made, light_on_dark):
    grey = page("0x1")
    grey = 255 - grey if light_on_dark else grey
    read = Reader(["svc"], made, threads=1).read(grey)
    png = annotate.annotated(grey, read)
    assert box_pixels(png, read, 0, annotate.CONFIDENT) > 0.95
    assert 0.3 < box_pixels(png, read, 1, annotate.WITHHELD) < 0.7
    assert colours(png)["confident"] > colours(png)["withheld"] > 100


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((28, 28), (640, 640)), ((3000, 4000), (1600, 1200)), ((1, 5000), (1600, 1))],
)
def test_the_annotated_picture_has_a_size_to_look_at(shape, expected):
    blank = np.zeros(shape, np.uint8)
    png = annotate.annotated(blank, Page(shape[1], shape[0], ()))
    assert Image.open(io.BytesIO(png)).size == expected
