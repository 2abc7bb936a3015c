"""Digits of other hands: their form, their halves, and what is counted."""

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits

from digits.datasets.raw.optdigits import DIGITS
from digits.evaluation import transfer

CLASSES = (*reversed(DIGITS), "x")


@pytest.fixture(scope="module")
def hands():
    return transfer.other_hands()


def test_they_are_those_of_scikit_learn_in_the_form_of_mnist(hands):
    images, labels = hands
    assert images.shape == (1797, 28, 28)
    assert images.dtype == np.uint8
    assert (labels == load_digits().target).all()
    for image in images:
        rows, columns = np.nonzero(image)
        assert max(np.ptp(rows), np.ptp(columns)) in (18, 19)
        middle = (
            image.sum(1) @ np.arange(28) / image.sum(),
            image.sum(0) @ np.arange(28) / image.sum(),
        )
        assert np.abs(np.array(middle) - 14).max() < 2.5


def places(labels):
    """In `CLASSES`."""
    return np.array([CLASSES.index(str(label)) for label in labels])


def test_each_half_and_each_class_is_counted(hands):
    _, labels = hands
    said = labels.copy()
    said[:9] = (said[:9] + 1) % 10
    nines = np.flatnonzero((labels == 9) & (np.arange(1797) >= 898))
    said[nines[: len(nines) // 2]] = 4
    table = pd.DataFrame({"label": places(labels), "prediction": places(said)})
    choosing, reporting, per_class = transfer.measure(table, CLASSES)
    assert list(map(len, transfer.halves(table))) == [898, 899]
    assert (choosing.images, choosing.correct) == (898, 889)
    assert (reporting.images, reporting.correct) == (899, 899 - len(nines) // 2)
    assert reporting.accuracy_low < reporting.accuracy < reporting.accuracy_high
    assert per_class["9"] == pytest.approx(1 - (len(nines) // 2) / len(nines))
    assert {per_class[digit] for digit in "012345678"} == {1.0}
