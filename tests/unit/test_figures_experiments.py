"""Figures of experiments."""

import numpy as np
import pytest

from digits.report.figures import experiments
from digits.report.outcomes import Repeated
from tests import made_records


def row(accuracy, **more):
    return made_records.figures(accuracy=accuracy, **more)


@pytest.mark.parametrize(("best", "scale"), [(0.98, "linear"), (0.9999, "log")])
def test_errors_that_are_widely_apart_are_drawn_on_a_logarithmic_scale(best, scale):
    rows = {"unit": row(0.95), "better": row(best), "same": row(0.951)}
    (axes,) = experiments.errors("svc", rows, "unit", ["better"]).axes
    assert axes.get_xscale() == scale
    marks = [line for line in axes.lines if line.get_marker() in ("D", "o")]
    assert [mark.get_markerfacecolor() == "none" for mark in marks] == [False, False, True]
    assert [mark.get_marker() for mark in marks] == ["D", "o", "o"]


def test_every_run_stands_below_its_mean():
    means = {
        "plain": Repeated(runs=2, mean=0.98, standard_deviation=0.01, mean_low=0.97, mean_high=0.99)
    }
    (axes,) = experiments.repeats("ann", {"plain": [0.97, 0.99]}, means).axes
    strokes = next(line for line in axes.lines if line.get_marker() == "|")
    assert list(strokes.get_xdata()) == [97, 99]


def test_a_model_that_was_not_run_in_a_variant_is_left_out():
    variants = {
        "cpu": {"ann": row(0.9, train_seconds=5.0), "cnn": row(0.95, train_seconds=50.0)},
        "gpu": {"cnn": row(0.95, train_seconds=1.0)},
    }
    (axes,) = experiments.by_variant(variants, "train_seconds", "seconds").axes
    marks = [np.asarray(line.get_xdata()) for line in axes.lines]
    assert [mark.item() for mark in marks if mark.size == 1] == [5, 50, 1]
    (axes,) = experiments.by_variant(variants, "accuracy", "accuracy").axes
    assert len(axes.containers) == 3
