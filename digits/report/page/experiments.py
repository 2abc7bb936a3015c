"""What the page tells of experiments, from their outcomes."""

from collections.abc import Iterable, Iterator, Mapping
from statistics import mean
from typing import Any

from digits.core.records import Robustness
from digits.report import text
from digits.report.figures import drawing
from digits.report.figures.experiments import by_variant, errors, repeats
from digits.report.outcomes import Figures, Outcome
from digits.report.page import advice
from digits.report.page.results import (
    AUGMENTATION,
    HARDWARE,
    PREPROCESSING,
)

SIDE_BY_SIDE = (("shift", 2), ("shift", 4), ("rotation", 30), ("scale", 0.6), ("scale", 1.3))
"""Changes and amounts at which published configurations and ours are put side by side."""
MEASURES = {
    "accuracy": ("Accuracy", "accuracy, 95% interval"),
    "train_seconds": ("Training time", "seconds, logarithmic"),
    "images_per_second": ("Inference", "images/s, logarithmic"),
}
"""That are drawn for each hardware: the name and what is written at the axis."""


def sections(outcomes: Mapping[str, Outcome]) -> dict[str, dict[str, Any] | None]:
    """What the sections of the page are made of; None for what was not run."""
    makers = {PREPROCESSING: _preprocessing, AUGMENTATION: _augmentation, HARDWARE: _hardware}
    return {
        name: make(outcomes[name]) if name in outcomes else None for name, make in makers.items()
    }


def _preprocessing(outcome: Outcome) -> dict[str, Any]:
    shown = {}
    for model, variants in _by_model(outcome).items():
        rows = {variant: runs[0] for variant, runs in variants.items()}
        tests = (outcome.tests or {}).get(model, ())
        real = [test.second for test in tests if test.differs]
        figure = errors(model, rows, outcome.reference, real)
        measured_on = next(iter(rows.values())).measured_on
        shows = f"Error of {model} on the {measured_on} set by preprocessing, with 95% intervals"
        accuracies = {variant: row.accuracy for variant, row in rows.items()}
        shown[model] = {
            "rows": rows,
            "tests": {test.second: test for test in tests},
            "svg": drawing.svg(figure, f"preprocessing-{model}", shows),
            "verdict": advice.verdict(model, tests, accuracies),
        }
    return {"outcome": outcome, "shown": shown}


def _augmentation(outcome: Outcome) -> dict[str, Any]:
    by_model = _by_model(outcome)
    shown = {}
    for model, means in (outcome.repeats or {}).items():
        accuracies = {
            variant: [row.accuracy for row in runs]
            for variant, runs in by_model.get(model, {}).items()
        }
        shows = f"Accuracy of {model} over seeds, by augmentation"
        shown[model] = {
            "means": means,
            "welch": (outcome.welch or {}).get(model, {}),
            "svg": drawing.svg(repeats(model, accuracies, means), f"augmentation-{model}", shows),
        }
    return {"outcome": outcome, "shown": shown}


def _hardware(outcome: Outcome) -> dict[str, Any]:
    variants: dict[str, dict[str, Figures]] = {}
    for run in outcome.runs:
        variants[run.variant] = run.models | variants.get(run.variant, {})
    panels = {
        name: drawing.svg(
            by_variant(variants, measure, unit),
            f"hardware-{measure}",
            f"{name} of each model on each hardware",
        )
        for measure, (name, unit) in MEASURES.items()
        if any(getattr(row, measure) for rows in variants.values() for row in rows.values())
    }
    models = list(dict.fromkeys(model for rows in variants.values() for model in rows))
    return {"outcome": outcome, "variants": variants, "panels": panels, "models": models}


def _by_model(outcome: Outcome) -> dict[str, dict[str, list[Figures]]]:
    """The figures of an outcome's runs, by model and by variant."""
    found: dict[str, dict[str, list[Figures]]] = {}
    for run in outcome.runs:
        for model, figures in run.models.items():
            found.setdefault(model, {}).setdefault(run.variant, []).append(figures)
    return found


def published_times(outcomes: Iterable[Outcome]) -> list[dict[str, Any]]:
    """Seconds an epoch as published, and as measured here of the same networks.

    Returns:
        A line each: model, hardware, seconds (the mean over epochs), published; several published
        statements on one log make one line.

    """
    lines: list[dict[str, Any]] = []
    for outcome in outcomes:
        told: set[str] = set()
        for claim in outcome.claims:
            model = next(iter(claim.models), "")
            if not claim.epoch_seconds or model in told:
                continue
            told.add(model)
            times = {(claim.hardware, True): list(claim.epoch_seconds)}
            for run in outcome.runs:
                if run.variant in claim.variants and model in run.models:
                    row = run.models[model]
                    where = f"{row.device}, {text.count(row.threads, 'thread')}, {row.precision}"
                    seconds = row.train_seconds / max(1, len(row.history))
                    times.setdefault((where, False), []).append(seconds)
            lines += [
                {"model": model, "hardware": where, "seconds": mean(known), "published": published}
                for (where, published), known in times.items()
            ]
    return lines


def robustness(
    outcomes: Mapping[str, Outcome], ours: Mapping[str, Robustness]
) -> list[dict[str, Any]]:
    """Published networks and our models, under change.

    Args:
        outcomes: Of the experiments that were run.
        ours: As measured of our models.

    Returns:
        A line each: name, unchanged accuracy, and the accuracies at `SIDE_BY_SIDE`, None where one
        was not measured; empty where no experiment measured any.

    """
    named = list(_measured(outcomes))
    if not named:
        return []
    named += [(f"{model}, ours", measured) for model, measured in ours.items()]
    return [
        {
            "name": name,
            "unchanged": _accuracy_at(measured, "shift", 0),
            "changed": [_accuracy_at(measured, *change) for change in SIDE_BY_SIDE],
        }
        for name, measured in named
    ]


def _measured(outcomes: Mapping[str, Outcome]) -> Iterator[tuple[str, Robustness]]:
    """The robustness of each published network, by its first seed."""
    found: dict[str, Robustness] = {}
    for run in outcomes["three-networks"].runs if "three-networks" in outcomes else ():
        for model, figures in run.models.items():
            if figures.robustness:
                found.setdefault(model, figures.robustness)
    yield from ((f"{model}, as published", measured) for model, measured in found.items())


def _accuracy_at(measured: Robustness, change: str, amount: float) -> float | None:
    if change not in measured.changes:
        return None
    points = measured.changes[change].points
    return next((point.accuracy for point in points if point.amount == amount), None)
