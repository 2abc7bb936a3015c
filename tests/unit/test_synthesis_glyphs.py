"""The list of glyphs: every digit, several ways, in the box of its paths."""

import numpy as np

from digits.synthesis.glyphs import GLYPHS


def test_every_digit_has_several_ways_to_be_written():
    for digit in range(10):
        named = [glyph.name for glyph in GLYPHS if glyph.digit == digit]
        assert len(named) == len(set(named)) >= 4


def test_the_forms_of_other_regions_are_there():
    named = {(glyph.digit, glyph.name) for glyph in GLYPHS}
    assert {
        (1, "flag and foot"),
        (7, "bar"),
        (9, "hooked leg"),
        (0, "slashed"),
        (4, "open"),
    } < named


def test_paths_have_points_in_and_about_the_box():
    for glyph in GLYPHS:
        for stroke in glyph.strokes:
            assert stroke.shape[1] == 2
            assert len(np.unique(stroke, axis=0)) > 1
            assert stroke.min() > -0.1
            assert stroke.max() < 1.1
