"""What a model must reach: each standard is missed by a model that just misses it."""

import pytest

from digits.core import config, paths, records
from digits.core.errors import UserError
from digits.team import standards

CLASSES = {"0": 0.99, "1": 0.98}


@pytest.fixture
def figures():
    """The committed figures of one model."""
    folder = paths.METRICS / "cnn"
    return {
        "speed": records.Speed.read(folder / "speed.json"),
        "train": records.Train.read(folder / "train.json"),
        "robustness": records.Robustness.read(folder / "robustness.json"),
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


@pytest.mark.parametrize(("change", "side"), [("rotation", "upper"), ("stroke", "lower")])
def test_a_change_must_be_withstood_up_to_its_amount(figures, change, side):
    reached = getattr(figures["robustness"].changes[change].falls_below, side)
    outward = 0.01 if side == "upper" else -0.01
    assert missed(figures, robustness={change: (reached - outward,)}) == []
    (line,) = missed(figures, robustness={change: (reached + outward,)})
    assert change in line
    assert f"{reached:g}" in line


@pytest.mark.parametrize(
    ("robustness", "words"),
    [({"sfhit": [1]}, "expected changes among shift"), ({"shift": [99]}, "from 0 to 8")],
)
def test_what_is_not_measured_is_refused(robustness, words):
    tree = config.read(paths.PARAMS)
    tree["promotion"]["robustness"] = robustness
    with pytest.raises(UserError, match=words):
        config.check(tree)
