"""Forms of digits: what a training set holds near to them, and who reads them."""

import numpy as np
import pytest

from digits.evaluation import forms
from tests import made_records


def test_the_nearest_training_digits_say_whether_a_form_is_held(rng):
    known = np.eye(4)[np.repeat(range(4), 30)]
    known += rng.normal(0, 0.01, known.shape)
    labels = np.repeat([7, 1, 7, 1], 30)
    vectors = np.array([[1, 0, 0, 0.1], [1, 0, 0, 0], [0, 1, 0, 0.1]])
    near = forms.likeness(vectors, 1, known, labels)
    assert near.held == pytest.approx(1 / 3)
    assert near.typical == 0
    assert (labels[near.nearest] == 7).all()
    assert len(near.nearest) == forms.SHOWN


def test_answers_are_counted_by_model_and_class():
    counted = forms.counted({"ann": ["7", "1", "7"], "svc": ["1", "1", "1"]})
    assert counted == {"ann": {"1": 1, "7": 2}, "svc": {"1": 3}}


def test_the_share_that_is_read_and_what_the_rest_is_taken_for():
    held, hardly = made_records.forms(["ann"]).forms
    assert (held.accuracy("ann"), held.mistaken("ann")) == (1, None)
    assert (hardly.accuracy("ann"), hardly.mistaken("ann")) == (0, "7")
