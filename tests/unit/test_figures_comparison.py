"""Figures that put models side by side."""

import itertools

import numpy as np
import pytest

from digits.report.figures import comparison, drawing
from digits.report.figures.comparison import Band, Bars
from tests.made_records import change, confidence, row


def test_robustness_is_a_line_and_a_band_a_model():
    changes = {"cnn": change(0.99, 0.9, unit="$pixels"), "svc": change(0.98, 0.5, unit="$pixels")}
    (axes,) = comparison.robustness(changes, 0.95).axes
    lines = [line for line in axes.lines if line.get_label() in changes]
    np.testing.assert_allclose(lines[1].get_ydata(), [98, 50])
    assert len(axes.collections) == 2
    legend = comparison.robustness(changes, 0.95, "shift").axes[0].get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["cnn", "svc"]


def test_what_abstaining_buys_is_a_line_and_a_band_a_model():
    measured = {"ann": confidence(), "svc": confidence("svc")}
    (axes,) = comparison.abstention(measured, "error", "error_low", "error_high").axes
    drawn = [np.transpose(line.get_data()).tolist() for line in axes.lines]
    assert drawn == [[[90, 10], [100, 10]]] * 2
    assert len(axes.collections) == 2


def test_the_front_is_filled_and_the_others_are_hollow():
    rows = {"ann": row(0.9, latency_ms=1.0), "cnn": row(0.8, latency_ms=2.0), "svc": row(None)}
    (axes,) = comparison.pareto(rows, "latency_ms", ["ann"], 0.95, "latency").axes
    marks = [line for line in axes.lines if len(line.get_xdata()) == 1]
    assert [mark.get_markerfacecolor() == "none" for mark in marks] == [False, True]


def test_no_validation_set_leaves_the_front_empty():
    figure = comparison.pareto({"ann": row(None)}, "latency_ms", [], 0.95, "latency")
    assert "latency" in drawing.svg(figure, "name", "")


def test_accuracies_stand_beside_their_intervals():
    (axes,) = comparison.accuracies({"ann": row(accuracy=0.98), "svc": row()}, 0.95).axes
    shown = ["99.50%", "98.00%", "99.50%", "99.00%", "95%"]
    assert [text.get_text() for text in axes.texts] == shown
    (axes,) = comparison.accuracies({"ann": row(None)}, 0.95).axes
    assert [text.get_text() for text in axes.texts] == ["99.00%", "95%"]


def test_the_comparison_is_a_picture_with_every_figure():
    figure = comparison.comparison({"ann": row(), "svc": row(train_seconds=500.0)})
    said = {text.get_text() for axes in figure.axes for text in axes.texts}
    assert {"99.00%", "500", "1,000", "1.0"} <= said
    assert drawing.png(figure)[:4] == b"\x89PNG"


@pytest.mark.parametrize("count", [1, 12])
@pytest.mark.parametrize("logarithmic", [False, True])
def test_no_text_is_cut_off_or_overlaps(count, logarithmic):
    name = "Somebody's (R) Very Long Processor Name CPU @ 2.40GHz, revision"
    band = Band(
        title="cnn on a data set",
        names=[f"{name} {place}" for place in range(count)],
        colours=["#000000"] * count,
        accuracies=[(0.99, None, None), *[(0.98, 0.97, 0.99)] * (count - 1)],
        bars=[Bars("time", "seconds", [10.0 ** (place % 5) for place in range(count)], 1)]
        + [Bars("speed", "images/s", [None] + [1.0] * (count - 1))] * 2,
    )
    figure = comparison.side_by_side([band], "title", logarithmic)
    figure.draw_without_rendering()
    whole = figure.bbox
    for axes in figure.axes:
        box = axes.get_tightbbox()
        assert box is not None
        assert whole.x0 <= box.x0
        assert box.x1 <= whole.x1
        assert whole.y0 <= box.y0
        assert box.y1 <= whole.y1
    labels = [label.get_window_extent() for label in figure.axes[0].get_yticklabels()]
    assert len(labels) == count
    for above, below in itertools.pairwise(labels):
        assert above.y0 >= below.y1
