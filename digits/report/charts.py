"""Figures of what MLflow's store holds, in the manner of `plots`, and the panels of the report.

A panel is an SVG of the width of a phone that is put into a page: its colours are the page's, for
light and for dark, and its text is in the page's own font.
"""

import io
import re
import textwrap
from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from digits.report.plots import COLOURS, GRID, INK

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from digits.tracking.by_hardware import Row, Table

ROW_INCHES, FRAME_INCHES = 0.6, 1.3
LABEL_CHARACTERS = 36

NARROW, WIDE = 280, 350
"""Widths of a panel, three or two of which stand side by side, in its own units: about pixels."""
WIDELY_APART = 10
"""Ratio of the largest to the smallest error from which on a scale is logarithmic."""
POINT = 72
"""Units an inch."""
TEXT, LESSER, RULE, GOAL = "#010203", "#040506", "#070809", "#0a0b0c"
PAGE_COLOURS = {TEXT: "ink", LESSER: "muted", RULE: "line", GOAL: "goal"} | {
    colour.lower(): model for model, colour in COLOURS.items()
}
"""What stands in a panel for the page's colour of that name."""
QUARTERS = (0, 25, 50, 75, 100)
MARKERS = dict(zip(COLOURS, "os^D", strict=True))
"""Of the models, so that they differ without colours too."""


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


def svg(figure: "Figure", name: str, label: str) -> str:
    """A panel as an SVG element to stand in a page.

    Args:
        figure: Drawn in `PAGE_COLOURS`.
        name: Unique in the page; all ids begin with it.
        label: What the panel shows, for those who do not see it.

    """
    from matplotlib import rc_context

    buffer = io.StringIO()
    unstated = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "digits"}):
        figure.savefig(buffer, format="svg", transparent=True, metadata=unstated)
    text = buffer.getvalue()
    size = re.search(r'viewBox="[^"]*"', text)
    assert size
    text = text[text.index("</defs>") + len("</defs>") :]
    # An id that nothing refers to would only clash with those of other panels.
    used = set(re.findall(r'(?:url\(|href=")#(\w+)', text))
    text = re.sub(r' id="([^"]*)"', lambda found: found[0] if found[1] in used else "", text)
    text = re.sub(r'( id="|url\(#|href="#)', rf"\g<1>{name}-", text)
    text = text.replace("xlink:href", "href")
    text = re.sub(r"font-family: [^;\"]*;? ?", "", text)
    text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    text = re.sub(
        r"#[0-9a-f]{6}\b",
        lambda found: f"var(--{PAGE_COLOURS[found[0]]})" if found[0] in PAGE_COLOURS else found[0],
        text,
    )
    text = re.sub("<[^>]*>", lambda tag: re.sub(r"(\.\d\d)\d+", r"\1", tag[0]), text)
    text = re.sub(r"\s*\n\s*", "\n", text)
    return f'<svg {size[0]} role="img" aria-label="{escape(label)}">{text.strip()}'


def _panel(width: float, height: float) -> tuple["Figure", "Axes"]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width / POINT, height / POINT), layout="constrained")
    axes = figure.subplots()
    _plain(axes)
    return figure, axes


def _plain(axes: "Axes") -> None:
    """No frame, quiet rules, text in the page's colours."""
    axes.grid(color=RULE, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[:].set_visible(False)
    axes.tick_params(which="both", length=0, pad=5, labelsize=11, labelcolor=LESSER)
    axes.tick_params(which="minor", labelleft=False, labelbottom=False)


def _axis(axes: "Axes", x: str = "", y: str = "") -> None:
    axes.set_xlabel(x, fontsize=11, color=LESSER)
    axes.set_ylabel(y, fontsize=11, color=LESSER)


def _log_scale(axes: "Axes", values: Sequence[float]) -> None:
    """A logarithmic horizontal axis around `values`, with plain numbers on it."""
    from matplotlib.ticker import FuncFormatter, LogLocator

    low, high = min(values), max(values)
    axes.set_xscale("log")
    axes.set_xlim(low / 1.8, high * 1.8)
    few = high / low > 30
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0,) if few else (1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.12g}"))


def _rows(axes: "Axes", names: Sequence[str]) -> None:
    """A line a name, the first one on top."""
    axes.set_yticks(range(len(names)), names, color=TEXT)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")


def _interval(
    axes: "Axes", place: float, value: float, bounds: tuple[Any, Any], **style: Any
) -> None:
    """A point on a line with its interval, if there is one; figures in percent."""
    low, high = (value if bound is None else bound for bound in bounds)
    axes.errorbar(
        value * 100,
        place,
        xerr=[[max(0, value - low) * 100], [max(0, high - value) * 100]],
        elinewidth=2,
        capsize=0,
        **style,
    )


def accuracies(rows: Mapping[str, Mapping[str, Any]], required: float) -> "Figure":
    """Test accuracy of each model with its 95% interval, and the goal."""
    figure, axes = _panel(WIDE, 30 * len(rows) + 56)
    for place, (model, row) in enumerate(rows.items()):
        _interval(
            axes,
            place,
            row["test_accuracy"],
            (row["test_accuracy_low"], row["test_accuracy_high"]),
            fmt=MARKERS.get(model, "o"),
            color=COLOURS.get(model, TEXT),
            markersize=7,
        )
        axes.annotate(
            f"{row['test_accuracy']:.2%}",
            (row["test_accuracy_high"] * 100, place),
            xytext=(8, 0),
            textcoords="offset points",
            va="center",
            fontsize=11,
            color=TEXT,
        )
    axes.axvline(required * 100, color=GOAL, linewidth=1.2, dashes=(4, 3))
    _rows(axes, list(rows))
    axes.text(
        required * 100,
        1.0,
        f"{required:.0%}",
        transform=axes.get_xaxis_transform(),
        ha="center",
        va="bottom",
        fontsize=11,
        color=GOAL,
    )
    low, high = axes.get_xlim()
    axes.set_xlim(low, high + 0.2 * (high - low))
    _percent(axes.xaxis)
    _axis(axes, x="test accuracy, 95% interval")
    return figure


def _percent(axis: Any, ticks: Sequence[float] | None = None) -> None:
    """Label an axis in percent, at `ticks` or at a few places."""
    from matplotlib.ticker import FixedLocator, MaxNLocator

    axis.set_major_locator(FixedLocator(ticks) if ticks else MaxNLocator(4))
    axis.set_major_formatter(lambda value, _: f"{value:.6g}%")


def pareto(
    rows: Mapping[str, Mapping[str, Any]],
    cost: str,
    front: Sequence[str],
    required: float,
    unit: str,
) -> "Figure":
    """Validation accuracy against a cost: the models, the Pareto front and the goal.

    Args:
        rows: The figures of each model.
        cost: The column of the cost.
        front: The models on the front, by ascending cost.
        required: The goal.
        unit: What is written at the axis of the cost.

    """
    figure, axes = _panel(NARROW, 220)
    known = {
        model: (row[cost], row["validation_accuracy"] * 100)
        for model, row in rows.items()
        if row.get(cost) and row.get("validation_accuracy") is not None
    }
    if known:
        _log_scale(axes, [price for price, _ in known.values()])
    right = axes.get_xlim()[1]
    steps = [known[model] for model in front if model in known]
    if steps:
        prices, reached = zip(*steps, strict=True)
        axes.step(
            [*prices, right], [*reached, reached[-1]], where="post", color=LESSER, linewidth=1.5
        )
    bounds = [accuracy for _, accuracy in known.values()] + [required * 100]
    room = max(0.15, max(bounds) - min(bounds))
    axes.set_ylim(min(bounds) - 0.25 * room, min(100.0 + 0.1 * room, max(bounds) + 0.25 * room))
    for model, (price, accuracy) in known.items():
        # Another mark close above would stand in the name's way.
        below = any(
            0 < other - accuracy < 0.2 * room and 0.5 < other_price / price < 2
            for other_price, other in known.values()
        )
        colour, on_front = COLOURS.get(model, TEXT), model in front
        axes.plot(
            price,
            accuracy,
            MARKERS.get(model, "o"),
            color=colour,
            markerfacecolor=colour if on_front else "none",
            markeredgewidth=1.8,
            markersize=9,
        )
        axes.annotate(
            model,
            (price, accuracy),
            xytext=(0, -9 if below else 9),
            textcoords="offset points",
            ha="center",
            va="top" if below else "bottom",
            fontsize=12,
            color=TEXT,
            fontweight="bold" if on_front else "normal",
        )
    axes.axhline(required * 100, color=GOAL, linewidth=1.2, dashes=(4, 3))
    _percent(axes.yaxis)
    _axis(axes, x=unit, y="validation accuracy")
    return figure


def reliability(model: str, bins: Sequence[Mapping[str, float]]) -> "Figure":
    """Accuracy by confidence, and how many answers were given with it.

    Args:
        model: Whose colour it is drawn in.
        bins: As in `significance.calibration`.

    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDE / POINT, 300 / POINT), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(2.6, 1))
    colour = COLOURS.get(model, TEXT)
    confidence = [part["confidence"] * 100 for part in bins]
    upper.plot([0, 100], [0, 100], color=LESSER, linewidth=1.2, dashes=(4, 3))
    upper.plot(
        confidence,
        [part["accuracy"] * 100 for part in bins],
        marker=MARKERS.get(model, "o"),
        color=colour,
        linewidth=1.8,
        markersize=6,
        clip_on=False,
    )
    lower.bar(
        [part["low"] * 100 for part in bins],
        [part["images"] for part in bins],
        [(part["high"] - part["low"]) * 92 for part in bins],
        align="edge",
        color=colour,
    )
    lower.set_yscale("log")
    lower.set_ylim(bottom=0.6)
    lower.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    for axes in (upper, lower):
        _plain(axes)
        axes.set_xlim(0, 101)
    upper.set_ylim(0, 104)
    _percent(upper.yaxis, QUARTERS)
    _percent(lower.xaxis, QUARTERS)
    _axis(upper, y="accuracy")
    _axis(lower, x="confidence", y="images")
    return figure


def learning(model: str, history: "pd.DataFrame", measure: str, kept_epoch: int | None) -> "Figure":
    """One measure by epoch, of the training set (dashed) and the validation set.

    Args:
        model: Whose colour it is drawn in.
        history: One row an epoch, as in history.csv.
        measure: "accuracy" or "loss".
        kept_epoch: The epoch whose weights were kept.

    """
    from matplotlib.ticker import MaxNLocator

    figure, axes = _panel(WIDE, 220)
    scale = 100 if measure == "accuracy" else 1
    for part, colour, dashes in (
        ("train", LESSER, (4, 2)),
        ("validation", COLOURS.get(model, TEXT), (None, None)),
    ):
        column = f"{part}_{measure}"
        if column in history and history[column].notna().any():
            values = history[column] * scale
            axes.plot(
                history["epoch"],
                values,
                dashes=dashes,
                color=colour,
                marker=MARKERS.get(model, "o"),
                markersize=5,
                linewidth=1.8,
            )
    if kept_epoch is not None:
        axes.axvline(kept_epoch, color=RULE, zorder=0, linewidth=8)
    axes.set_xlim(0.5, len(history) + 0.5)
    axes.margins(y=0.12)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.grid(visible=False, axis="x")
    if measure == "accuracy":
        _percent(axes.yaxis)
    _axis(axes, x="epoch", y=measure)
    return figure


def robustness(models: Mapping[str, Mapping[str, Any]], required: float) -> "Figure":
    """Accuracy under one kind of change, a line a model with the band of its 95% interval.

    Args:
        models: For each model, unit, neutral and points, as `robustness.measure` gives them.
        required: The accuracy whose loss is looked for.

    """
    figure, axes = _panel(NARROW, 200)
    for model, change in models.items():
        points, colour = change["points"], COLOURS.get(model, TEXT)
        amounts = [point["amount"] for point in points]
        axes.fill_between(
            amounts,
            [point["low"] * 100 for point in points],
            [point["high"] * 100 for point in points],
            color=colour,
            alpha=0.18,
            linewidth=0,
        )
        axes.plot(
            amounts,
            [point["accuracy"] * 100 for point in points],
            marker=MARKERS.get(model, "o"),
            color=colour,
            linewidth=1.6,
            markersize=4,
        )
    first = next(iter(models.values()))
    axes.axhline(required * 100, color=GOAL, linewidth=1.2, dashes=(4, 3))
    axes.axvline(first["neutral"], color=RULE, zorder=0, linewidth=4)
    axes.set_ylim(0, 103)
    _percent(axes.yaxis, QUARTERS)
    _axis(axes, x=first["unit"])
    return figure


def errors(
    model: str,
    rows: Mapping[str, Mapping[str, Any]],
    reference: str | None,
    real: Sequence[str],
) -> "Figure":
    """Error rate of each set-up of one model with its 95% interval.

    Args:
        model: Whose colour it is drawn in.
        rows: The figures of each set-up.
        reference: The set-up that the others are held against.
        real: Those whose difference to it is real; they are filled.

    """
    figure, axes = _panel(NARROW, 24 * len(rows) + 52)
    colour = COLOURS.get(model, TEXT)
    for place, (name, row) in enumerate(rows.items()):
        filled = name == reference or name in real
        _interval(
            axes,
            place,
            1 - row["test_accuracy"],
            (1 - row["test_accuracy_high"], 1 - row["test_accuracy_low"]),
            fmt="D" if name == reference else "o",
            color=colour,
            markerfacecolor=colour if filled else "none",
            markeredgewidth=1.6,
            markersize=7,
        )
    if reference is not None and reference in rows:
        axes.axvline(
            (1 - rows[reference]["test_accuracy"]) * 100, color=LESSER, linewidth=1, dashes=(4, 3)
        )
    _rows(axes, list(rows))
    unit = "error on the test set, 95% interval"
    shares = [max(1 - row["test_accuracy"], 1e-4) * 100 for row in rows.values()]
    if max(shares) > WIDELY_APART * min(shares):
        _log_scale(axes, shares)
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:.6g}%")
        unit = "test error, 95% interval, logarithmic"
    else:
        _percent(axes.xaxis)
    _axis(axes, x=unit)
    return figure


def repeats(
    model: str,
    runs: Mapping[str, Sequence[float]],
    means: Mapping[str, Mapping[str, Any]],
) -> "Figure":
    """Test accuracy of each set-up over its seeds: every run, the mean and its 95% interval.

    Args:
        model: Whose colour it is drawn in.
        runs: The accuracy of every run of each set-up.
        means: mean, mean_low and mean_high of each set-up, as `significance.repeated` gives them.

    """
    figure, axes = _panel(WIDE, 34 * len(means) + 52)
    colour = COLOURS.get(model, TEXT)
    for place, (name, mean) in enumerate(means.items()):
        each = np.asarray(runs.get(name, ())) * 100
        axes.plot(
            each, np.full(len(each), place + 0.24), "|", color=LESSER, markersize=8, alpha=0.9
        )
        _interval(
            axes,
            place,
            mean["mean"],
            (mean["mean_low"], mean["mean_high"]),
            fmt=MARKERS.get(model, "o"),
            color=colour,
            markersize=7,
        )
    _rows(axes, list(means))
    _percent(axes.xaxis)
    _axis(axes, x="test accuracy: mean, its 95% interval, every run")
    return figure


def by_variant(
    variants: Mapping[str, Mapping[str, Mapping[str, Any]]], measure: str, unit: str
) -> "Figure":
    """One measure of every model on every hardware.

    Args:
        variants: For each hardware, the figures of each model.
        measure: The column; "test_accuracy" is drawn with its interval, others on a log scale.
        unit: What is written at the axis.

    """
    models = list(dict.fromkeys(model for rows in variants.values() for model in rows))
    figure, axes = _panel(NARROW, (13 * len(models) + 12) * len(variants) + 56)
    known = []
    for place, rows in enumerate(variants.values()):
        for line, model in enumerate(models):
            row = rows.get(model, {})
            if row.get(measure) is None:
                continue
            known.append(row[measure])
            offset = (line - (len(models) - 1) / 2) * 0.75 / max(1, len(models))
            style: dict[str, Any] = {"color": COLOURS.get(model, TEXT), "markersize": 6}
            marker = MARKERS.get(model, "o")
            if measure == "test_accuracy":
                bounds = (row.get("test_accuracy_low"), row.get("test_accuracy_high"))
                _interval(axes, place + offset, row[measure], bounds, fmt=marker, **style)
            else:
                axes.plot(row[measure], place + offset, marker, **style)
    _rows(axes, list(variants))
    for place in range(1, len(variants)):
        axes.axhline(place - 0.5, color=RULE, linewidth=0.8)
    if measure == "test_accuracy":
        _percent(axes.xaxis)
    elif known:
        _log_scale(axes, known)
    _axis(axes, x=unit)
    return figure
