"""Written digits: MNIST's form, each class as often, the same again from the same seed."""

import numpy as np
import pytest

from digits.scan.single.normalise import as_mnist
from digits.synthesis import hand
from digits.synthesis.glyphs import GLYPHS


def test_each_class_is_written_as_often(rng):
    images, labels = hand.write(30, rng)
    assert images.shape == (30, 28, 28)
    assert images.dtype == labels.dtype == np.uint8
    assert np.bincount(labels).tolist() == [3] * 10


def test_the_seed_decides():
    first, second, other = (hand.write(20, np.random.default_rng(seed))[0] for seed in (1, 1, 2))
    assert (first == second).all()
    assert (first != other).any()


@pytest.mark.parametrize("glyph", GLYPHS, ids=lambda glyph: f"{glyph.digit} {glyph.name}")
def test_a_glyph_is_written_in_the_form_of_mnist(glyph, rng):
    for _ in range(5):
        image = hand.image(glyph, rng)
        assert as_mnist(image) is image
        rows, columns = np.nonzero(image)
        assert max(np.ptp(rows), np.ptp(columns)) in (18, 19)
        assert image.max() == 255


def test_a_curve_passes_its_points_and_keeps_its_corners():
    stroke = np.array([[0, 0], [0.5, 0.2], [1, 0], [1, 0], [1, 1]], float)
    curve = hand.smooth(stroke)
    for point in stroke:
        assert np.hypot(*(curve - point).T).min() < 0.03
    after = curve[len(curve) // 2 :]
    assert np.allclose(after[:, 0], 1)  # straight down from the corner


def test_a_narrow_glyph_stays_narrow(rng):
    straight = next(glyph for glyph in GLYPHS if glyph.name == "straight")
    for _ in range(20):
        width, height = np.ptp(np.concatenate(hand.pen_paths(straight, rng)), axis=0)
        assert width < height
