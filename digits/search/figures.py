"""The pictures of a sweep's report."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from digits.report.figures.drawing import (
    INK,
    LINE,
    MUTED,
    SMALL,
    colour,
    label,
    lines_of_text,
    panel,
)
from digits.search.outcome import Outcome
from digits.search.progress import shown
from digits.search.space import Range
from digits.tracking.journal import Trial

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH, HEIGHT = 520, 300
MOST_LINES = 300
"""Curves and paths in a picture: of more trials the last ones."""


def drawn(outcome: Outcome) -> dict[str, "Figure"]:
    """All pictures that the outcome has enough for, by name."""
    pictures = {"history": history(outcome)}
    if any(len(trial.curve) > 1 for trial in outcome.ended):
        pictures["curves"] = curves(outcome)
    if outcome.importance:
        pictures["importance"] = importance(outcome)
    if len(outcome.sweep.space.parameters) > 1:
        pictures["parallel"] = parallel(outcome)
    if len(outcome.sweep.definition.objective) > 1 and outcome.front:
        pictures["front"] = front(outcome)
    return pictures


def _objective(outcome: Outcome) -> str:
    return outcome.sweep.definition.objective[0]


def _told(outcome: Outcome) -> list[Trial]:
    """Trials with a figure of the first objective, in the order in which they ended."""
    return [trial for trial in outcome.ended if _objective(outcome) in trial.measures]


def history(outcome: Outcome) -> "Figure":
    """The first objective of every trial, and the best so far."""
    picture, axes = panel(WIDTH, HEIGHT)
    measure, chosen = _objective(outcome), colour(outcome.sweep.model)
    most = outcome.sweep.definition.directions[measure] == "maximize"
    told = list(enumerate(_told(outcome), start=1))
    for state, filled in (("finished", True), ("stopped", False)):
        points = [(place, one.measures[measure]) for place, one in told if one.state == state]
        if points:
            x, y = zip(*points, strict=True)
            face = chosen if filled else "none"
            axes.plot(x, y, "o", color=chosen, markerfacecolor=face, markersize=5, label=state)
    best: list[tuple[int, float]] = []
    for place, trial in told:
        if trial.state == "finished":
            before = [value for _, value in best[-1:]]
            best.append((place, (max if most else min)([*before, trial.measures[measure]])))
    if best:
        x, y = zip(*best, strict=True)
        axes.step(x, y, color=INK, where="post", label="best")
        axes.legend(frameon=False, fontsize=SMALL, labelcolor=MUTED)
    label(axes, x="trial, in the order in which they ended", y=measure)
    return picture


def curves(outcome: Outcome) -> "Figure":
    """The first objective by epoch; the best trial in colour."""
    picture, axes = panel(WIDTH, HEIGHT)
    measure = _objective(outcome)
    by_epoch = measure if measure.startswith("validation_") else "validation_accuracy"
    best = outcome.front[0].number if outcome.front else None
    for trial in sorted(outcome.ended[-MOST_LINES:], key=lambda one: one.number == best):
        points = [(row["epoch"], row[by_epoch]) for row in trial.curve if by_epoch in row]
        if not points:
            continue
        x, y = zip(*points, strict=True)
        is_best = trial.number == best
        axes.plot(
            x,
            y,
            color=colour(outcome.sweep.model) if is_best else MUTED,
            linewidth=2 if is_best else 0.8,
            alpha=1 if is_best else 0.5,
            marker="o" if trial.state == "finished" else "x",
            markersize=4,
        )
    label(axes, x="epoch; x: stopped early", y=by_epoch)
    return picture


def importance(outcome: Outcome) -> "Figure":
    """How much of the differences each parameter makes."""
    names = sorted(outcome.importance, key=lambda key: -outcome.importance[key])
    picture, axes = panel(WIDTH, 26 * len(names) + 60)
    axes.barh(
        range(len(names)),
        [outcome.importance[name] * 100 for name in names],
        color=colour(outcome.sweep.model),
        height=0.6,
    )
    lines_of_text(axes, [name.removeprefix(f"train.{outcome.sweep.model}.") for name in names])
    label(axes, x="share of the importance, %")
    return picture


def parallel(outcome: Outcome) -> "Figure":
    """Every trial as a path over its values to the first objective."""
    measure, parameters = _objective(outcome), outcome.sweep.space.parameters
    most = outcome.sweep.definition.directions[measure] == "maximize"
    told = sorted(
        _told(outcome)[-MOST_LINES:], key=lambda one: one.measures[measure], reverse=not most
    )
    picture, axes = panel(max(WIDTH, 90 * (len(parameters) + 1)), HEIGHT)
    axes.grid(visible=False)
    axes.set_yticks([])
    names = [one.key.removeprefix(f"train.{outcome.sweep.model}.") for one in parameters]
    axes.set_xticks(range(len(names) + 1), [*names, measure], rotation=20, ha="right", color=INK)
    for place, one in enumerate(parameters):
        axes.axvline(place, color=LINE, linewidth=1.5)
        marks: Sequence[Any] = one.domain.extremes()
        for value in marks:
            axes.annotate(
                shown(value),
                (place, _height(one.domain, value)),
                xytext=(4, 0),
                textcoords="offset points",
                fontsize=SMALL - 2,
                color=MUTED,
                va="center",
            )
    figures = [trial.measures[measure] for trial in told]
    low, high = min(figures, default=0.0), max(figures, default=1.0)
    for rank, trial in enumerate(told):
        heights = [
            _height(one.domain, trial.values[one.key]) if one.key in trial.values else math.nan
            for one in parameters
        ]
        end = (trial.measures[measure] - low) / (high - low) if high > low else 0.5
        last = rank == len(told) - 1
        axes.plot(
            range(len(names) + 1),
            [*heights, end],
            color=colour(outcome.sweep.model) if last else MUTED,
            alpha=1 if last else 0.15 + 0.5 * (rank + 1) / len(told),
            linewidth=2.4 if last else 1,
        )
    for height, value in ((0, low), (1, high)):
        axes.annotate(
            shown(float(value)), (len(names), height), xytext=(4, 0), textcoords="offset points",
            fontsize=SMALL - 2, color=MUTED, va="center",
        )  # fmt: skip
    return picture


def _height(domain: Any, value: Any) -> float:
    if not isinstance(domain, Range):
        return float(domain.values.index(value) / max(1, len(domain.values) - 1))
    scale = math.log if domain.log else float
    low, high = scale(domain.low), scale(domain.high)
    return float((scale(value) - low) / (high - low))


def front(outcome: Outcome) -> "Figure":
    """The first two objectives of every finished trial, and the Pareto front."""
    x_name, y_name = outcome.sweep.definition.objective[1], outcome.sweep.definition.objective[0]
    picture, axes = panel(WIDTH, HEIGHT)
    finished = [trial for trial in outcome.ended if trial.state == "finished"]
    for trials, style in (
        (finished, {"color": MUTED, "alpha": 0.6}),
        (outcome.front, {"color": colour(outcome.sweep.model)}),
    ):
        axes.plot(
            [trial.measures[x_name] for trial in trials],
            [trial.measures[y_name] for trial in trials],
            "o",
            markersize=6,
            **style,
        )
    label(axes, x=x_name, y=y_name)
    return picture
