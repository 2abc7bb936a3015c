"""Parameters as text: flat, and compared by their values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digits.tracking import parameters


def test_a_section_is_flattened_with_the_path_to_each_leaf():
    section = {"epochs": 2, "augmentation": {"shift": 1.5, "more": {"on": True}}, "units": [8, 16]}
    assert parameters.flat(section, "train.") == {
        "train.epochs": "2",
        "train.augmentation.shift": "1.5",
        "train.augmentation.more.on": "True",
        "train.units": "[8, 16]",
    }


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("10", "10.0"),
        ("1e-3", "0.001"),
        ("1000000.0", "1e6"),
        ("[8, 16]", "[8.0,16]"),
        ("-0.0", "0"),
    ],
)
def test_equal_values_have_one_canonical_text(one, other):
    assert parameters.canonical(one) == parameters.canonical(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("10", "10.1"), ("1", "True"), ("None", "0"), ("[8]", "8"), ("mnist", "data/own"), ("", "0")],
)
def test_other_values_have_another(one, other):
    assert parameters.canonical(one) != parameters.canonical(other)


@given(st.one_of(st.integers(), st.floats(allow_nan=False), st.text(max_size=20)))
def test_the_canonical_text_is_its_own(value):
    once = parameters.canonical(str(value))
    assert parameters.canonical(once) == once
