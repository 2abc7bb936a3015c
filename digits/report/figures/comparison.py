"""Figures that put models side by side: accuracy, cost, robustness."""

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from digits.core.records import Change, Confidence, Row
from digits.report import text
from digits.report.figures.drawing import (
    GOAL,
    GOAL_DASHES,
    INK,
    LINE,
    MUTED,
    NARROW,
    QUARTERS,
    SMALL,
    WIDE,
    beside,
    colour,
    figure,
    heading,
    interval,
    label,
    lines_of_text,
    log_axis,
    marker,
    panel,
    percent_axis,
    plain,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from digits.tracking.by_hardware import Table

NAME_CHARACTERS = 36
"""Where a long name goes on in the next line."""


def accuracies(rows: Mapping[str, Row], required: float) -> "Figure":
    """Validation and test accuracy of each model with their 95% intervals, and the goal."""
    drawn, axes = panel(WIDE, 42 * len(rows) + 56)
    for place, (model, row) in enumerate(rows.items()):
        for aside, name, filled in ((-0.18, "validation", True), (0.18, "test", False)):
            share, low, high = (
                getattr(row, f"{name}_accuracy{end}") for end in ("", "_low", "_high")
            )
            if share is None:
                continue
            style = {"fmt": marker(model), "color": colour(model), "markersize": 7}
            style |= {} if filled else {"markerfacecolor": "none"}
            interval(axes, place + aside, share, (low, high), **style)
            beside(axes, (high or share) * 100, place + aside, text.percent(share))
    axes.axvline(required * 100, **GOAL_DASHES)
    lines_of_text(axes, list(rows))
    axes.text(
        required * 100,
        1.0,
        text.percent(required, 0),
        transform=axes.get_xaxis_transform(),
        ha="center",
        va="bottom",
        fontsize=SMALL,
        color=GOAL,
    )
    low, high = axes.get_xlim()
    axes.set_xlim(low, high + 0.2 * (high - low))
    percent_axis(axes.xaxis)
    label(axes, x="accuracy: validation (filled), test (hollow)")
    return drawn


ASIDE = {"right": -3, "center": 0, "left": 3}
"""Points by which a name stands aside, by where its anchor is."""


def pareto(
    rows: Mapping[str, Row], cost: str, front: Sequence[str], required: float, unit: str
) -> "Figure":
    """Validation accuracy against a cost: the models, the Pareto front and the goal.

    Args:
        rows: The figures of each model.
        cost: The column of the cost.
        front: The models on the front, by ascending cost.
        required: The goal.
        unit: What is written at the axis of the cost.

    """
    drawn, axes = panel(NARROW, 220)
    known = {
        model: (getattr(row, cost), row.validation_accuracy * 100)
        for model, row in rows.items()
        if row.validation_accuracy is not None
    }
    if known:
        log_axis(axes, [price for price, _ in known.values()])
    right = axes.get_xlim()[1]
    if front:
        prices, reached = zip(*(known[model] for model in front), strict=True)
        axes.step(
            [*prices, right], [*reached, reached[-1]], where="post", color=MUTED, linewidth=1.5
        )
    bounds = [accuracy for _, accuracy in known.values()] + [required * 100]
    room = max(0.15, max(bounds) - min(bounds))
    axes.set_ylim(min(bounds) - 0.25 * room, min(100.0 + 0.1 * room, max(bounds) + 0.25 * room))
    for model, (price, accuracy) in known.items():
        near = [
            (other_price, name, other - accuracy)
            for name, (other_price, other) in known.items()
            if name != model and 0.5 < other_price / price < 2
        ]
        # A mark close above stands in the name's way, one beside it in the way of both names.
        below = any(0.02 * room < higher < 0.2 * room for _, _, higher in near)
        beside = [other[:2] for other in near if abs(other[2]) <= 0.02 * room]
        side = "center"
        if beside:
            side = "right" if all((price, model) < other for other in beside) else "left"
        axes.plot(
            price,
            accuracy,
            marker(model),
            color=colour(model),
            markerfacecolor=colour(model) if model in front else "none",
            markeredgewidth=1.8,
            markersize=9,
        )
        axes.annotate(
            model,
            (price, accuracy),
            xytext=(ASIDE[side], -9 if below else 9),
            textcoords="offset points",
            ha=side,
            va="top" if below else "bottom",
            fontsize=SMALL + 1,
            color=INK,
            fontweight="bold" if model in front else "normal",
        )
    axes.axhline(required * 100, **GOAL_DASHES)
    percent_axis(axes.yaxis)
    label(axes, x=unit, y="validation accuracy")
    return drawn


def robustness(models: Mapping[str, Change], required: float, title: str = "") -> "Figure":
    """Accuracy under one kind of change, a line a model with the band of its 95% interval.

    Args:
        models: The change as measured of each model.
        required: The accuracy whose loss is looked for.
        title: Of a picture.

    """
    drawn, axes = panel(NARROW, 200 + 30 * bool(title), title)
    for model, change in models.items():
        amounts = [point.amount for point in change.points]
        axes.fill_between(
            amounts,
            [point.low * 100 for point in change.points],
            [point.high * 100 for point in change.points],
            color=colour(model),
            alpha=0.18,
            linewidth=0,
        )
        axes.plot(
            amounts,
            [point.accuracy * 100 for point in change.points],
            marker=marker(model),
            color=colour(model),
            linewidth=1.6,
            markersize=4,
            label=model,
        )
    first = next(iter(models.values()))
    axes.axhline(required * 100, **GOAL_DASHES)
    axes.axvline(first.neutral, color=LINE, zorder=0, linewidth=4)
    axes.set_ylim(0, 103)
    percent_axis(axes.yaxis, QUARTERS)
    label(axes, x=first.unit)
    if title:
        axes.legend(frameon=False, fontsize=SMALL, labelcolor=INK)
    return drawn


def abstention(models: Mapping[str, Confidence], share: str, low: str, high: str) -> "Figure":
    """What abstaining buys, a line a model with the band of its 95% interval; few answers first.

    Args:
        models: What was measured.
        share: The field of `Abstaining` to show.
        low: The field of its interval's lower end.
        high: The same of the upper end.

    """
    drawn, axes = panel(NARROW, 200)
    for model, measured in models.items():
        points = [one for one in measured.others if getattr(one, share) is not None]
        covered = [one.coverage * 100 for one in points]
        shares, lows, highs = (
            [getattr(one, name) * 100 for one in points] for name in (share, low, high)
        )
        axes.fill_between(covered, lows, highs, color=colour(model), alpha=0.18, linewidth=0)
        axes.plot(
            covered,
            shares,
            marker=marker(model),
            color=colour(model),
            linewidth=1.6,
            markersize=4,
        )
    axes.set_ylim(bottom=0)
    percent_axis(axes.xaxis)
    percent_axis(axes.yaxis)
    label(axes, x="digits answered with confidence")
    return drawn


@dataclass(frozen=True)
class Bars:
    """One measure of everything that stands in a band."""

    name: str
    unit: str
    values: list[float | None]
    decimals: int = 0


@dataclass(frozen=True)
class Band:
    """What stands side by side: a line each."""

    title: str
    names: list[str]
    colours: list[str]
    accuracies: list[tuple[float, float | None, float | None]]
    """On the test set, with the ends of the 95% interval."""
    bars: list[Bars]


def side_by_side(bands: Sequence[Band], title: str = "", logarithmic: bool = False) -> "Figure":
    """Accuracy with its interval and other measures, a line each; a picture.

    Args:
        bands: Each has its own axes.
        title: Of the picture.
        logarithmic: Whether bars differ by factors.

    """
    heights = [44 * len(band.names) + 90 for band in bands]
    drawn = figure(1010, sum(heights) + 30 * bool(title))
    heading(drawn, title)
    grid = drawn.subplots(
        len(bands), 1 + max(len(band.bars) for band in bands), squeeze=False, height_ratios=heights
    )
    for row, band in zip(grid, bands, strict=True):
        places = range(len(band.names))
        for axes in row:
            plain(axes)
            lines_of_text(axes, [""] * len(places))
        names = [textwrap.fill(name, NAME_CHARACTERS) for name in band.names]
        row[0].set_yticks(places, names, color=INK, parse_math=False)
        _accuracies(row[0], band)
        for axes, bars in zip(row[1:], band.bars, strict=True):
            _bars(axes, bars, band.colours, logarithmic)
        row[0].set_title(
            f"{band.title}\ntest accuracy, 95% interval".strip(), fontsize=SMALL, color=INK
        )
    return drawn


def _accuracies(axes: "Axes", band: Band) -> None:
    for place, ((share, *bounds), shade) in enumerate(
        zip(band.accuracies, band.colours, strict=True)
    ):
        interval(axes, place, share, (bounds[0], bounds[1]), fmt="o", color=shade, markersize=7)
        axes.annotate(
            text.percent(share),
            (share * 100, place),
            xytext=(0, 7),
            textcoords="offset points",
            ha="center",
            fontsize=SMALL,
            color=INK,
        )
    axes.margins(x=0.15)
    percent_axis(axes.xaxis)


def _bars(axes: "Axes", bars: Bars, colours: Sequence[str], logarithmic: bool) -> None:
    known = [value for value in bars.values if value is not None]
    axes.set_title(bars.name, fontsize=SMALL, color=INK)
    label(axes, x=f"{bars.unit}{', logarithmic' * logarithmic}")
    # Room for the number behind the longest bar.
    if logarithmic and known:
        log_axis(axes, known, room=10)
    else:
        axes.set_xlim(0, max(known, default=1.0) * 1.35)
        axes.locator_params(axis="x", nbins=3)
        axes.xaxis.set_major_formatter("{x:,.9g}")
    start = axes.get_xlim()[0]
    for place, (value, shade) in enumerate(zip(bars.values, colours, strict=True)):
        end = start if value is None else value
        axes.barh(place, end - start, left=start, color=shade, height=0.6)
        beside(axes, end, place, text.number(value, bars.decimals))


def comparison(rows: Mapping[str, Row]) -> "Figure":
    """The models side by side: accuracy, training time, speed, size; a picture."""
    shown = list(rows.values())
    band = Band(
        title="",
        names=list(rows),
        colours=[colour(model) for model in rows],
        accuracies=[
            (row.test_accuracy, row.test_accuracy_low, row.test_accuracy_high) for row in shown
        ],
        bars=[
            Bars("training time", "seconds", [row.train_seconds for row in shown]),
            Bars("inference", "images/s", [row.images_per_second for row in shown]),
            Bars("model size", "MiB", [row.bundle_mib for row in shown], decimals=1),
        ],
    )
    title = f"{text.count(len(rows), 'recogniser')} on {shown[0].dataset}"
    return side_by_side([band], title, logarithmic=True)


def by_hardware(tables: Sequence["Table"]) -> "Figure":
    """Each model on all its hardware: accuracy, training time, speed, memory; a picture."""
    bands = [
        Band(
            title=f"{table.model} on {table.dataset}",
            names=[row.name for row in table.rows],
            colours=[colour(table.model)] * len(table.rows),
            accuracies=[
                (row.test_accuracy, row.test_accuracy_low, row.test_accuracy_high)
                for row in table.rows
            ],
            bars=[
                Bars("training time", "seconds", [row.train_seconds for row in table.rows], 1),
                Bars("inference", "images/s", [row.images_per_second for row in table.rows]),
                Bars("peak memory", "MiB", [row.peak_memory_mib for row in table.rows]),
            ],
        )
        for table in tables
    ]
    return side_by_side(bands)
