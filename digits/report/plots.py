"""Figures, drawn without a global state and written without a date."""

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

DPI = 110
COLOURS = {"ann": "#4C78A8", "cnn": "#F58518", "vgg16": "#54A24B", "svc": "#B279A2"}
INK, GRID = "#222222", "#DDDDDD"
MISREAD_SHOWN, DIGITS_A_ROW = 60, 12


def png(figure: "Figure") -> bytes:
    """The figure as PNG; the same figure gives the same bytes."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    return buffer.getvalue()


def _figure(width: float, height: float) -> "Figure":
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained", facecolor="white")


def confusion(
    labels: np.ndarray, predictions: np.ndarray, classes: list[str], title: str
) -> "Figure":
    """Confusion matrix: counts, coloured by the share of the true class, errors emphasised.

    Args:
        labels: (n,) true classes.
        predictions: (n,) predicted classes.
        classes: Their names.
        title: Heading.

    """
    from matplotlib.colors import PowerNorm
    from sklearn.metrics import confusion_matrix

    counts = confusion_matrix(labels, predictions, labels=range(len(classes)))
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure = _figure(6.4, 6.0)
    axes = figure.subplots()
    # The diagonal is near 1 and the errors near 0.001: a power scale shows both.
    image = axes.imshow(shares, cmap="Blues", norm=PowerNorm(0.3, vmin=0, vmax=1))
    for row, column in np.ndindex(counts.shape):
        if counts[row, column]:
            axes.text(
                column,
                row,
                f"{counts[row, column]:,}",
                ha="center",
                va="center",
                fontsize=9,
                color="white" if shares[row, column] > 0.15 else INK,
            )
    ticks = range(len(classes))
    long_names = any(len(name) > 2 for name in classes)
    axes.set_xticks(ticks, classes, rotation=45 if long_names else 0)
    axes.set_yticks(ticks, classes)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    axes.set_title(title)
    figure.colorbar(image, ax=axes, label="share of the true class", shrink=0.8)
    return figure


def curves(history: "pd.DataFrame", kept_epoch: int, title: str) -> "Figure":
    """Loss and accuracy by epoch, with the epoch whose weights were kept.

    Args:
        history: One row an epoch, as in history.csv.
        kept_epoch: The epoch to mark.
        title: Heading.

    """
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    figure = _figure(9.0, 3.8)
    figure.suptitle(title)
    for axes, measure in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        for part, style in (("train", "--"), ("validation", "-")):
            column = f"{part}_{measure}"
            if column in history:
                axes.plot(
                    history["epoch"],
                    history[column],
                    style,
                    marker="o",
                    markersize=4,
                    label=part,
                    color=COLOURS["ann" if part == "train" else "cnn"],
                )
        axes.axvline(kept_epoch, color=GRID, zorder=0, linewidth=6, label="kept epoch")
        axes.set_xlabel("epoch")
        axes.set_ylabel(measure)
        axes.set_xlim(0.5, len(history) + 0.5)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.grid(color=GRID, linewidth=0.6)
        axes.spines[["top", "right"]].set_visible(False)
        if measure == "accuracy":
            axes.yaxis.set_major_formatter(PercentFormatter(1.0))
            axes.legend(frameon=False)
    return figure


def misread(
    images: np.ndarray,
    labels: np.ndarray,
    probabilities: np.ndarray,
    classes: list[str],
    title: str,
) -> "Figure":
    """The misread digits, the surest mistakes first, with truth and prediction.

    Args:
        images: (n, height, width, 1) float32, as the model saw them.
        labels: (n,) true classes.
        probabilities: (n, classes).
        classes: Their names.
        title: Heading.

    """
    predictions = probabilities.argmax(axis=1)
    wrong = np.flatnonzero(predictions != labels)
    sureness = probabilities[wrong, predictions[wrong]]
    shown = wrong[np.argsort(-sureness, kind="stable")][:MISREAD_SHOWN]
    captions = [
        f"{classes[labels[place]]} read {classes[predictions[place]]}\n"
        f"{probabilities[place, predictions[place]]:.0%}"
        for place in shown
    ]
    which = f"the {len(shown)} surest of " if len(shown) < len(wrong) else ""
    heading = f"{title}: {which}{len(wrong)} misread of {len(labels):,}"
    return digits(images[shown, :, :, 0], captions, heading)


def digits(images: np.ndarray, captions: Sequence[str], title: str) -> "Figure":
    """Digits side by side, each below its caption.

    Args:
        images: (n, height, width), the more ink the higher.
        captions: n texts, of two lines at most.
        title: Heading.

    """
    rows = max(1, -(-len(images) // DIGITS_A_ROW))
    figure = _figure(DIGITS_A_ROW * 0.95, rows * 1.3 + 0.7)
    figure.suptitle(title)
    cells = figure.subplots(rows, DIGITS_A_ROW, squeeze=False).ravel()
    for axes in cells:
        axes.set_axis_off()
    for axes, image, caption in zip(cells, images, captions, strict=False):
        axes.imshow(image, cmap="gray_r")
        axes.set_title(caption, fontsize=8)
    return figure


def comparison(table: "pd.DataFrame", title: str) -> "Figure":
    """The models side by side: error with interval, training time, speed, size.

    Args:
        table: One row a model, as `report.table` makes it.
        title: Heading.

    """
    figure = _figure(11.0, 3.9)
    figure.suptitle(title)
    names = table["model"].tolist()
    colours = [COLOURS.get(name, INK) for name in names]
    panels = figure.subplots(1, 4)
    places = np.arange(len(names))

    accuracy = table["test_accuracy"] * 100
    below, above = accuracy - table["test_accuracy_low"] * 100, table["test_accuracy_high"] * 100
    for place, colour in zip(places, colours, strict=True):
        panels[0].errorbar(
            accuracy.iloc[place],
            place,
            xerr=[[below.iloc[place]], [above.iloc[place] - accuracy.iloc[place]]],
            fmt="o",
            color=colour,
            capsize=4,
        )
        panels[0].annotate(
            f"{accuracy.iloc[place]:.2f}%",
            (accuracy.iloc[place], place),
            xytext=(0, 8),
            textcoords="offset points",
            ha="center",
            fontsize=9,
        )
    panels[0].set_title("test accuracy, 95% interval", fontsize=10)
    panels[0].set_xlabel("percent")
    panels[0].set_ylim(len(names) - 0.5, -0.6)
    bars = (
        ("train_seconds", "training time", "seconds", "{:,.0f}"),
        ("images_per_second", "inference", "images per second", "{:,.0f}"),
        ("bundle_mib", "model size", "MiB", "{:,.1f}"),
    )
    for axes, (column, heading, unit, form) in zip(panels[1:], bars, strict=True):
        drawn = axes.barh(places, table[column], color=colours, height=0.6)
        axes.bar_label(
            drawn, [form.format(value) for value in table[column]], padding=3, fontsize=9
        )
        axes.set_title(heading, fontsize=10)
        axes.set_xlabel(f"{unit}, logarithmic")
        # The models differ by factors of hundreds; the bars begin a little below the smallest.
        axes.set_xscale("log")
        axes.set_xlim(table[column].min() / 4, table[column].max() * 10)
        axes.set_ylim(len(names) - 0.5, -0.6)
    for axes in panels:
        axes.set_yticks(places, names if axes is panels[0] else [""] * len(names))
        axes.grid(axis="x", color=GRID, linewidth=0.6)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
    return figure
