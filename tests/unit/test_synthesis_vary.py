"""What is made of training images, and how much of it."""

import numpy as np
import pytest

from digits.datasets.raw.optdigits import DIGITS
from digits.scan.single.normalise import as_mnist
from digits.synthesis import hand, vary


@pytest.fixture(scope="module")
def training():
    return hand.write(40, np.random.default_rng(3))


def make(training, classes=DIGITS, seed=0, **changes):
    return vary.make(
        training[0], training[1], classes, params(**changes), np.random.default_rng(seed)
    )


def params(**changes):
    usual = {"written": 0.5, "stretched": 0.25, "nondigits": 0.1, "coarse": 0.5, "seed": 0}
    return vary.Params(**(usual | changes))


def box(image):
    rows, columns = np.nonzero(image)
    return np.ptp(rows) + 1, np.ptp(columns) + 1


def test_shares_are_of_the_training_images(training):
    made, labels = make(training)
    assert len(made) == len(labels) == 20 + 10 + 4
    assert (labels == 10).sum() == 4
    assert made.dtype == labels.dtype == np.uint8
    again, _ = make(training)
    assert (again == made).all()
    assert (make(training, seed=1)[0] != made).any()


def test_nothing_is_made_where_nothing_is_asked(training):
    made, labels = make(training, written=0, stretched=0, nondigits=0)
    assert made.shape == (0, 28, 28)
    assert len(labels) == 0


@pytest.mark.parametrize("classes", [("shirt", "shoe"), DIGITS[:9], tuple(reversed(DIGITS))])
def test_digits_are_written_only_where_the_classes_are_digits(training, classes):
    images, labels = training
    made, said = make((images, labels % len(classes)), classes)
    assert len(made) == len(said) == 10


def test_stretched_digits_fill_about_a_square(training, rng):
    images, _ = training
    for image in images:
        if box(image)[1] > vary.NARROW:
            height, width = box(vary.stretch(image, rng))
            assert max(height, width) >= 19
            assert 0.4 < height / width < 2.5


def test_coarse_digits_keep_their_place_and_size(training, rng):
    for image in training[0]:
        coarse = vary.coarsen(image, rng)
        assert max(box(coarse)) >= 18
        assert as_mnist(coarse) is coarse
        assert (coarse != image).any()
