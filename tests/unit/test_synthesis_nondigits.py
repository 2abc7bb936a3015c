"""What is no digit: in MNIST's form, of every kind, the same again from the same seed."""

import numpy as np
import pytest

from digits.scan.single.normalise import as_mnist
from digits.synthesis import hand, nondigits
from digits.synthesis.glyphs import GLYPHS, SIGNS


def test_the_seed_decides():
    first, second, other = (nondigits.draw(12, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first.shape == (12, 28, 28)
    assert first.dtype == np.uint8
    assert (first == second).all()
    assert (first != other).any()


@pytest.mark.parametrize("kind", [nondigits.scribble, nondigits.strokes, nondigits.pair])
def test_every_kind_can_be_written(kind, rng):
    for _ in range(30):
        glyph = kind(rng)
        assert glyph.digit is None
        image = hand.image(glyph, rng)
        assert image.max() == 255
        assert max(map(np.ptp, np.nonzero(image))) in (18, 19)


def test_a_pair_holds_two_digits_beside_each_other(rng):
    several = [nondigits.pair(rng) for _ in range(20)]
    fewest = min(len(glyph.strokes) for glyph in GLYPHS)
    for glyph in several:
        assert len(glyph.strokes) >= 2 * fewest
        across = np.concatenate([stroke[:, 0] for stroke in glyph.strokes])
        assert np.ptp(across) > 0.8


@pytest.mark.parametrize("glyph", SIGNS, ids=lambda glyph: glyph.name)
def test_a_sign_is_written_in_the_form_of_mnist(glyph, rng):
    assert glyph.digit is None
    image = hand.image(glyph, rng)
    assert as_mnist(image) is image


def test_what_is_written_like_a_digit_is_no_sign():
    assert not {glyph.name for glyph in SIGNS} & set("BDGIJOQSZbcgijloqsyz0123456789")
