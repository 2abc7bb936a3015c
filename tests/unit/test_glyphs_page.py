"""The page of all forms of the digits."""

import io

from PIL import Image

from digits.report import glyphs
from digits.report.figures import drawing
from digits.synthesis.glyphs import GLYPHS, SIGNS


def test_every_form_has_its_place():
    most = max(sum(glyph.digit == digit for glyph in GLYPHS) for digit in range(10))
    page = Image.open(io.BytesIO(glyphs.draw()))
    scale = drawing.PICTURE_DPI / drawing.POINT
    rows = 10 + -(-len(SIGNS) // most)
    width, height = most * glyphs.CELL[0] * scale, rows * glyphs.CELL[1] * scale
    assert abs(page.width - width) < 0.05 * width
    assert abs(page.height - height) < 0.05 * height
    assert len(page.convert("L").getcolors()) > 50
