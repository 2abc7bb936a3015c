"""Figures of experiments: configurations, seeds and hardware."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from digits.report.figures.drawing import (
    LINE,
    MUTED,
    NARROW,
    WIDE,
    colour,
    interval,
    label,
    lines_of_text,
    log_axis,
    marker,
    panel,
    percent_axis,
)
from digits.report.outcomes import Figures, Repeated

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDELY_APART = 10
"""Ratio of the largest to the smallest error from which on a scale is logarithmic."""


def errors(
    model: str,
    rows: Mapping[str, Figures],
    reference: str | None,
    real: Sequence[str],
) -> "Figure":
    """Error of each configuration of one model with its 95% interval.

    Args:
        model: Whose colour it is drawn in.
        rows: The figures of each configuration.
        reference: The configuration that the others are held against.
        real: Those whose difference to it is real; they are filled.

    """
    drawn, axes = panel(NARROW, 24 * len(rows) + 52)
    for place, (name, row) in enumerate(rows.items()):
        filled = name == reference or name in real
        interval(
            axes,
            place,
            1 - row.accuracy,
            (1 - row.accuracy_high, 1 - row.accuracy_low),
            fmt="D" if name == reference else "o",
            color=colour(model),
            markerfacecolor=colour(model) if filled else "none",
            markeredgewidth=1.6,
            markersize=7,
        )
    if reference is not None and reference in rows:
        start = (1 - rows[reference].accuracy) * 100
        axes.axvline(start, color=MUTED, linewidth=1, dashes=(4, 3))
    lines_of_text(axes, list(rows))
    measured_on = next(iter(rows.values())).measured_on
    unit = f"error on the {measured_on} set, 95% interval"
    shares = [max(1 - row.accuracy, 1e-4) * 100 for row in rows.values()]
    if max(shares) > WIDELY_APART * min(shares):
        log_axis(axes, shares)
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:.6g}%")
        unit = f"{measured_on} error, 95% interval, logarithmic"
    else:
        percent_axis(axes.xaxis)
    label(axes, x=unit)
    return drawn


def repeats(
    model: str,
    runs: Mapping[str, Sequence[float]],
    means: Mapping[str, Repeated],
) -> "Figure":
    """Accuracy of each configuration over its seeds: every run, the mean, its 95% interval.

    Args:
        model: Whose colour it is drawn in.
        runs: The accuracy of every run of each configuration.
        means: Of each one.

    """
    drawn, axes = panel(WIDE, 34 * len(means) + 52)
    for place, (name, mean) in enumerate(means.items()):
        each = np.asarray(runs.get(name, ())) * 100
        axes.plot(each, np.full(len(each), place + 0.24), "|", color=MUTED, markersize=8, alpha=0.9)
        interval(
            axes,
            place,
            mean.mean,
            (mean.mean_low, mean.mean_high),
            fmt=marker(model),
            color=colour(model),
            markersize=7,
        )
    lines_of_text(axes, list(means))
    percent_axis(axes.xaxis)
    label(axes, x="accuracy: mean, its 95% interval, every run")
    return drawn


def by_variant(variants: Mapping[str, Mapping[str, Figures]], measure: str, unit: str) -> "Figure":
    """One measure of every model in every variant.

    Args:
        variants: For each variant, the figures of each model.
        measure: The column; "accuracy" is drawn with its interval, others on a log scale.
        unit: What is written at the axis.

    """
    models = list(dict.fromkeys(model for rows in variants.values() for model in rows))
    drawn, axes = panel(NARROW, (13 * len(models) + 12) * len(variants) + 56)
    known = []
    for place, rows in enumerate(variants.values()):
        for line, model in enumerate(models):
            row = rows.get(model)
            value: float | None = getattr(row, measure, None)
            if row is None or value is None:
                continue
            known.append(value)
            offset = (line - (len(models) - 1) / 2) * 0.75 / len(models)
            style: dict[str, Any] = {"color": colour(model), "markersize": 6}
            if measure == "accuracy":
                bounds = (row.accuracy_low, row.accuracy_high)
                interval(axes, place + offset, value, bounds, fmt=marker(model), **style)
            else:
                axes.plot(value, place + offset, marker(model), **style)
    lines_of_text(axes, list(variants))
    for place in range(1, len(variants)):
        axes.axhline(place - 0.5, color=LINE, linewidth=0.8)
    if measure == "accuracy":
        percent_axis(axes.xaxis)
    else:
        log_axis(axes, known)
    label(axes, x=unit)
    return drawn
