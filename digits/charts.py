"""Figures of what MLflow's store holds, in the manner of `plots`."""

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from digits.plots import COLOURS, GRID, INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from digits.by_hardware import Row, Table

ROW_INCHES, FRAME_INCHES = 0.6, 1.3
LABEL_CHARACTERS = 36


def by_hardware(tables: Sequence["Table"]) -> "Figure":
    """Each model on all its hardware: accuracy with interval, time, speed, memory.

    Args:
        tables: A band of panels each, with a line a row.

    """
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    heights = [len(table.rows) * ROW_INCHES for table in tables]
    figure = Figure(
        figsize=(14.0, sum(heights) + len(tables) * FRAME_INCHES),
        layout=ConstrainedLayoutEngine(h_pad=0.12),
        facecolor="white",
    )
    bands = figure.subplots(len(tables), 4, squeeze=False, height_ratios=heights)
    for band, table in zip(bands, tables, strict=True):
        rows, colour = table.rows, COLOURS.get(table.model, INK)
        _accuracies(band[0], rows, colour)
        _bars(band[1], [row.train_seconds for row in rows], colour, "seconds")
        _bars(band[2], [row.images_per_second for row in rows], colour, "images per second")
        _bars(band[3], [row.peak_memory_mib for row in rows], colour, "MiB")
        title = f"{table.model} on {table.dataset}\ntest accuracy, 95% interval"
        headings = (title, "training time", "inference", "peak memory")
        for axes, heading in zip(band, headings, strict=True):
            axes.set_title(heading, fontsize=10)
            axes.set_ylim(len(rows) - 0.5, -0.6)
            axes.set_yticks(range(len(rows)), [""] * len(rows))
            axes.grid(axis="x", color=GRID, linewidth=0.6)
            axes.set_axisbelow(True)
            axes.spines[["top", "right"]].set_visible(False)
        names = [textwrap.fill(row.hardware.name, LABEL_CHARACTERS) for row in rows]
        band[0].set_yticks(range(len(rows)), names, fontsize=9)
    return figure


def _accuracies(axes: "Axes", rows: Sequence["Row"], colour: str) -> None:
    for place, row in enumerate(rows):
        accuracy = row.test_accuracy * 100
        low, high = (
            accuracy if bound is None else bound * 100
            for bound in (row.test_accuracy_low, row.test_accuracy_high)
        )
        axes.errorbar(
            accuracy,
            place,
            xerr=[[accuracy - low], [high - accuracy]],
            fmt="o",
            color=colour,
            capsize=4,
        )
        axes.annotate(
            f"{accuracy:.2f}%",
            (accuracy, place),
            xytext=(0, 6),
            textcoords="offset points",
            ha="center",
            fontsize=9,
        )
    axes.margins(x=0.15)
    axes.set_xlabel("percent")


def _bars(axes: "Axes", values: Sequence[float | None], colour: str, unit: str) -> None:
    known = [value for value in values if value is not None]
    lengths = [value or 0.0 for value in values]
    drawn = axes.barh(range(len(values)), lengths, color=colour, height=0.6)
    texts = [
        "not known" if value is None else f"{value:,.0f}" if value >= 10 else f"{value:.1f}"
        for value in values
    ]
    axes.bar_label(drawn, texts, padding=3, fontsize=9)
    # Room for the number behind the longest bar.
    axes.set_xlim(0, max(known, default=1.0) * 1.35)
    axes.locator_params(axis="x", nbins=3)
    axes.xaxis.set_major_formatter("{x:,.9g}")
    axes.set_xlabel(unit)
