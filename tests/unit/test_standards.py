"""What a model must reach: each standard is missed by a model that just misses it."""

import pytest

from digits.core import config, paths, records
from digits.core.errors import UserError
from digits.team import standards
from tests import made_records

CLASSES = {"0": 0.99, "1": 0.98}


@pytest.fixture
def figures():
    """Of a model that reads digits up to 3 pixels away and 1 narrower."""
    changes = {
        "shift": made_records.change(1.0, 0.9, below=3.0),
        "stroke": made_records.change(1.0, 0.9).model_copy(
            update={"falls_below": records.FallsBelow(lower=-1.0, upper=None)}
        ),
    }
    return {
        "speed": made_records.speed(),
        "train": made_records.train(),
        "robustness": made_records.robustness(**changes),
    }


def params(**changes):
    loose = {
        "margin": 0.01,
        "class_accuracy": 0.5,
        "latency_ms": 1e6,
        "size_mib": 1e6,
        "robustness": {},
    }
    return standards.Params(**loose | changes)


def missed(figures, classes=CLASSES, **changes):
    return list(standards.shortcomings(params(**changes), classes, **figures))


def test_nothing_is_missed_where_little_is_asked(figures):
    assert missed(figures) == []


def test_one_class_is_named(figures):
    (line,) = missed(figures, class_accuracy=0.985)
    assert "class 1: 98.00%, 0.50% below the floor of 98.50%" in line


def test_latency_and_size_are_named(figures):
    slow, large = missed(figures, latency_ms=1e-3, size_mib=1e-3)
    assert slow.startswith("latency")
    assert large.startswith("size")


@pytest.mark.parametrize(("change", "side"), [("shift", "upper"), ("stroke", "lower")])
def test_a_change_must_be_withstood_up_to_its_amount(figures, change, side):
    reached = getattr(figures["robustness"].changes[change].falls_below, side)
    outward = 0.01 if side == "upper" else -0.01
    assert missed(figures, robustness={change: (reached - outward,)}) == []
    (line,) = missed(figures, robustness={change: (reached + outward,)})
    assert change in line
    assert f"{reached:g}" in line
    assert missed(figures, robustness={"stroke": (4.0,)}) == []


@pytest.mark.parametrize(
    ("robustness", "words"),
    [({"sfhit": [1]}, "expected changes among shift"), ({"shift": [99]}, "from 0 to 8")],
)
def test_what_is_not_measured_is_refused(robustness, words):
    tree = config.read(paths.PARAMS)
    tree["promotion"]["robustness"] = robustness
    with pytest.raises(UserError, match=words):
        config.check(tree)
