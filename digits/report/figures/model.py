"""Figures of one model: learning curves, confusion matrix, digits, reliability.

With a title they are pictures that stand alone, without one they are panels of the page.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from digits.core.records import Bin
from digits.report.figures.drawing import (
    CORRECT,
    INK,
    LINE,
    MUTED,
    QUARTERS,
    SMALL,
    WIDE,
    WRONG,
    colour,
    figure,
    heading,
    ink,
    label,
    marker,
    panel,
    percent_axis,
    plain,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MEASURES = ("accuracy", "loss")
CELL = 26
"""Side of a confusion matrix's cell."""
STRETCH = 0.3
"""Exponent of the cells' opacity: the diagonal is near 1 and the errors near 0.001, and both are to
be seen."""
DIGIT, GAP = 46, 10
"""Side of a drawn digit, and the space to the next one."""
CHARACTER, LINE_OF_TEXT = 6, 12
"""Width and height of a caption's characters."""


def learning(
    model: str,
    history: "pd.DataFrame",
    kept_epoch: int,
    measures: Sequence[str] = MEASURES,
    title: str = "",
) -> "Figure":
    """Measures by epoch, of the training set (dashed) and the validation set.

    Args:
        model: Whose colour it is drawn in.
        history: One row an epoch, as in history.csv.
        kept_epoch: The epoch whose weights were kept.
        measures: Of `MEASURES`, a part each.
        title: Of a picture.

    """
    drawn = figure(WIDE * len(measures), 220 + 30 * bool(title))
    heading(drawn, title)
    for axes, measure in zip(
        np.atleast_1d(drawn.subplots(1, len(measures))), measures, strict=True
    ):
        plain(axes)
        _learn(axes, model, history, measure, kept_epoch)
        if title and measure == measures[0]:
            axes.legend(frameon=False, fontsize=SMALL, labelcolor=INK)
    return drawn


def _learn(
    axes: "Axes", model: str, history: "pd.DataFrame", measure: str, kept_epoch: int
) -> None:
    from matplotlib.ticker import MaxNLocator

    for part, shade, dashes in (
        ("train", MUTED, (4, 2)),
        ("validation", colour(model), (None, None)),
    ):
        column = f"{part}_{measure}"
        if column in history and history[column].notna().any():
            axes.plot(
                history["epoch"],
                history[column] * (100 if measure == "accuracy" else 1),
                dashes=dashes,
                color=shade,
                marker=marker(model),
                markersize=5,
                linewidth=1.8,
                label="training" if part == "train" else part,
            )
    axes.axvline(kept_epoch, color=LINE, zorder=0, linewidth=8, label="kept epoch")
    axes.set_xlim(0.5, len(history) + 0.5)
    axes.margins(y=0.12)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.grid(visible=False, axis="x")
    if measure == "accuracy":
        percent_axis(axes.yaxis)
    label(axes, x="epoch", y=measure)


def counts(predictions: "pd.DataFrame", classes: int) -> np.ndarray:
    """Images by true and predicted class: (classes, classes) int64, from predictions.csv."""
    found = np.zeros((classes, classes), np.int64)
    np.add.at(found, (predictions["label"], predictions["prediction"]), 1)
    return found


def confusion(matrix: np.ndarray, classes: Sequence[str], title: str = "") -> "Figure":
    """Confusion matrix: counts, and on the right the share of each class that is correct.

    Args:
        matrix: (classes, classes) images by true and predicted class.
        classes: Their names.
        title: Of a picture.

    """
    from matplotlib.patches import Rectangle

    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    side, longest = CELL * len(classes), max(map(len, classes))
    long_names = longest > 2
    room = CHARACTER * longest if long_names else 0
    drawn, axes = panel(side + 110 + room, side + 60 + room + 30 * bool(title), title)
    axes.grid(visible=False)
    for row, column in np.ndindex(matrix.shape):
        shade = CORRECT if row == column else WRONG
        strength = shares[row, column] ** STRETCH
        axes.add_patch(
            Rectangle(
                (column - 0.47, row - 0.47),
                0.94,
                0.94,
                linewidth=0,
                facecolor=shade if strength else LINE,
                alpha=(0.42 if row == column else 1) * strength if strength else 0.3,
            )
        )
        if matrix[row, column]:
            axes.text(
                column,
                row,
                f"{matrix[row, column]}",
                ha="center",
                va="center",
                fontsize=SMALL,
                color=INK,
            )
    for row in range(len(classes)):
        axes.text(
            len(classes) - 0.3,
            row,
            f"{shares[row, row]:.1%}",
            va="center",
            fontsize=SMALL,
            color=MUTED,
        )
    axes.text(
        len(classes) - 0.3, len(classes) - 0.25, "correct", va="top", fontsize=SMALL, color=MUTED
    )
    ticks = range(len(classes))
    axes.set_xticks(ticks, classes, rotation=90 if long_names else 0, parse_math=False)
    axes.set_yticks(ticks, classes, parse_math=False)
    axes.set_xlim(-0.5, len(classes) + 1.3)
    axes.set_ylim(len(classes) - 0.5, -0.5)
    axes.set_aspect("equal")
    label(axes, x="predicted class", y="true class")
    return drawn


def misclassified(
    predictions: "pd.DataFrame",
    images: Mapping[int, np.ndarray],
    classes: Sequence[str],
    most: int,
    columns: int,
    title: str = "",
) -> "Figure":
    """The misclassified digits, the most confident mistakes first, with true and predicted class.

    Args:
        predictions: As in predictions.csv.
        images: Of these, by index, (height, width) uint8 with ink at 255.
        classes: Their names.
        most: How many to draw.
        columns: How many side by side.
        title: Of a picture.

    """
    wrong = predictions[predictions["label"] != predictions["prediction"]]
    confidence = wrong.filter(like="score_").max(axis=1).to_numpy()
    order = np.argsort(-confidence, kind="stable")[:most]
    shown = wrong.iloc[order]
    captions = [
        f"{classes[label]} \N{RIGHTWARDS ARROW} {classes[prediction]}\n{score:.0%}"
        for label, prediction, score in zip(
            shown["label"], shown["prediction"], confidence[order], strict=True
        )
    ]
    return digits([images[index] for index in shown["index"]], captions, columns, title)


def digits(
    images: Sequence[np.ndarray], captions: Sequence[str], columns: int, title: str = ""
) -> "Figure":
    """Digits side by side, each above its caption.

    Args:
        images: n of (height, width) uint8, ink at 255.
        captions: n texts, of as many lines each.
        columns: How many side by side.
        title: Of a picture.

    """
    rows = max(1, -(-len(images) // columns))
    lines = [caption.split("\n") for caption in captions]
    longest = max((len(line) for caption in lines for line in caption), default=1)
    across = max(DIGIT, CHARACTER * longest) + GAP
    down = DIGIT + GAP + LINE_OF_TEXT * max(map(len, lines), default=1)
    drawn = figure(columns * across, rows * down + 30 * bool(title))
    heading(drawn, title)
    axes = drawn.subplots()
    axes.set_axis_off()
    for place, (image, caption) in enumerate(zip(images, captions, strict=True)):
        left, top = (place % columns + 0.5) * across - DIGIT / 2, place // columns * down
        axes.imshow(ink(image), extent=(left, left + DIGIT, top + DIGIT, top), interpolation="none")
        axes.text(
            left + DIGIT / 2,
            top + DIGIT + 3,
            caption,
            ha="center",
            va="top",
            fontsize=SMALL - 1,
            color=INK,
            parse_math=False,
        )
    axes.set_xlim(0, columns * across)
    axes.set_ylim(rows * down, 0)
    return drawn


def reliability(model: str, bins: Sequence[Bin], title: str = "") -> "Figure":
    """Accuracy by confidence, and how many predictions were made with it.

    Args:
        model: Whose colour it is drawn in.
        bins: Of the calibration.
        title: Of a picture.

    """
    drawn = figure(WIDE, 300 + 30 * bool(title))
    heading(drawn, title)
    upper, lower = drawn.subplots(2, 1, sharex=True, height_ratios=(2.6, 1))
    upper.plot([0, 100], [0, 100], color=MUTED, linewidth=1.2, dashes=(4, 3))
    upper.plot(
        [part.confidence * 100 for part in bins],
        [part.accuracy * 100 for part in bins],
        marker=marker(model),
        color=colour(model),
        linewidth=1.8,
        markersize=6,
        clip_on=False,
    )
    lower.bar(
        [part.low * 100 for part in bins],
        [part.images for part in bins],
        [(part.high - part.low) * 92 for part in bins],
        align="edge",
        color=colour(model),
    )
    lower.set_yscale("log")
    lower.set_ylim(bottom=0.6)
    lower.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    for axes in (upper, lower):
        plain(axes)
        axes.set_xlim(0, 101)
    upper.set_ylim(0, 104)
    percent_axis(upper.yaxis, QUARTERS)
    percent_axis(lower.xaxis, QUARTERS)
    label(upper, y="accuracy")
    label(lower, x="confidence", y="images")
    return drawn
