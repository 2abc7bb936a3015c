"""The report: everything that was measured, on one page that needs nothing but itself."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digits.core.records import Confidence, Hardware, Row, Significance
from digits.evaluation import recommendation
from digits.evaluation.recommendation import Candidate
from digits.report import measures, text
from digits.report.figures import comparison, drawing
from digits.report.figures import model as figures
from digits.report.page import advice, experiments, other_hands, pictures
from digits.report.page.results import REPRODUCED, ModelResults, Results

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"

UNITS = {
    "train_seconds": "seconds",
    "latency_ms": "milliseconds",
    "bundle_mib": "MiB",
    "predict_memory_mib": "MiB",
    "train_joules": "joules",
}
HIGHEST = ("validation_accuracy", "test_accuracy", "test_macro_f1", "images_per_second")
LOWEST = (
    "test_log_loss", "train_seconds", "train_joules", "latency_ms", "parameters", "bundle_mib",
    "predict_memory_mib",
)  # fmt: skip
"""Columns of the table of results, by which end of them is best."""
SHAPES = {"o": "●", "s": "■", "^": "▲", "D": "◆", "P": "✚"}
"""Characters for the marks in figures."""


def render(results: Results, found: recommendation.Recommendation) -> str:
    """The page as HTML; the same results give the same bytes."""
    return environment().get_template("page.html").render(_context(results, found))


def recommended(results: Results, params: recommendation.Params) -> recommendation.Recommendation:
    """Which model to use, by all that is known of each."""
    return recommendation.recommend(
        {
            model: Candidate(results.rows[model], part.robustness, part.transfer, part.confidence)
            for model, part in results.models.items()
        },
        params,
    )


def environment(markdown: bool = False) -> "Environment":
    """What the templates are read with, of the page and, in Markdown, of the cards."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=not markdown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    writers = (
        text.percent, text.interval, text.points, text.seconds, text.milliseconds, text.number,
        text.significant, text.count, text.p_value, text.stated_p, text.unbroken, text.listed,
        measures.per_10000, measures.mebibytes,
    )  # fmt: skip
    environment.filters |= {write.__name__: write for write in writers}
    return environment


def _context(results: Results, found: recommendation.Recommendation) -> dict[str, Any]:
    """What the templates name, section by section."""
    rows, models, tests = results.rows, results.models, results.tests
    elsewhere = other_hands.section(results)
    limits = {model: part.confidence for model, part in models.items() if part.confidence}
    first = next(iter(models.values()))
    ours = {model: part.robustness for model, part in models.items() if part.robustness}
    return {
        "palette": drawing.PALETTE,
        "marks": {model: SHAPES[drawing.marker(model)] for model in rows},
        "dataset": next(iter(rows.values())).dataset,
        "headline": _headline(rows),
        "advice": found,
        "answer": advice.answer(found),
        "reasons": advice.reasons(found, rows, tests.pairs)
        + advice.elsewhere(found, elsewhere["transfers"], results.elsewhere),
        "written": advice.written,
        "noise": recommendation.NOISE,
        "standings": {standing.name: standing for standing in recommendation.Standing},
        "pareto": _pareto(rows, found),
        "rows": rows,
        "best": _best(rows),
        "energy": any(row.train_joules is not None for row in rows.values()),
        "accuracies": drawing.svg(
            comparison.accuracies(rows, found.required),
            "accuracies",
            "Validation and test accuracy of each model with their 95% intervals",
        ),
        "tests": tests,
        "reliability": _reliability(tests),
        "learning": {model: _learning(model, part) for model, part in models.items()},
        "models": models,
        "confusion": {model: _confusion(model, part) for model, part in models.items()},
        "misclassified": {
            model: pictures.misclassified(model, part.answers, part.classes)
            for model, part in models.items()
        },
        "misclassified_by_all": pictures.by_all(
            tests.misclassified_by_all, first.answers, first.classes
        ),
        "robustness": _robustness(results),
        "other_hands": elsewhere,
        "abstention": _abstention(limits),
        "side_by_side": experiments.SIDE_BY_SIDE,
        "configurations": experiments.robustness(results.outcomes, ours),
        **experiments.sections(results.outcomes),
        "published_times": experiments.published_times(results.outcomes.values()),
        "reproduced": {name: results.outcomes.get(name) for name in REPRODUCED},
        "split": first.train.split,
        "digests": results.digests,
        "machines": {
            "Trained on": _machines({name: part.timing.hardware for name, part in models.items()}),
            "Evaluated on": _machines({name: part.speed.hardware for name, part in models.items()}),
        },
    }


def _headline(rows: Mapping[str, Row]) -> str:
    validated = [name for name, row in rows.items() if row.validation_accuracy is not None]
    model = max(validated or rows, key=lambda name: rows[name].validation_accuracy or 0.0)
    row = rows[model]
    chosen = (
        f"Of {row.validation_images or 0:,} validation images, which are there to choose by, "
        f"{model} predicts the most correctly: {text.percent(row.validation_accuracy)}. "
        if validated
        else ""
    )
    return (
        f"{chosen}Of {text.count(row.test_images, 'test image')}, which choose nothing, {model} "
        f"predicts {text.percent(row.test_accuracy)} correctly (95% interval "
        f"{text.interval(row.test_accuracy_low, row.test_accuracy_high)})."
    )


def _pareto(rows: Mapping[str, Row], found: recommendation.Recommendation) -> list[dict[str, Any]]:
    panels = []
    for cost, front in found.fronts.items():
        name = recommendation.COSTS[cost]
        figure = comparison.pareto(rows, cost, front, found.required, f"{name}, {UNITS[cost]}")
        shows = f"Validation accuracy against {name}; on the Pareto front: {', '.join(front)}"
        panels.append(
            {"name": name, "front": front, "svg": drawing.svg(figure, f"pareto-{cost}", shows)}
        )
    return panels


def _best(rows: Mapping[str, Row]) -> dict[str, Any]:
    """The best value of each column of the table of results."""
    best = {}
    for choose, columns in ((max, HIGHEST), (min, LOWEST)):
        for column in columns:
            values = [getattr(row, column) for row in rows.values()]
            known = [value for value in values if value is not None]
            best[column] = choose(known, default=None)
    return best


def _reliability(tests: Significance) -> dict[str, str]:
    return {
        model: drawing.svg(
            figures.reliability(model, part.bins),
            f"reliability-{model}",
            f"Accuracy of {model} by the confidence of its predictions, and how many there are",
        )
        for model, part in tests.calibration.items()
    }


def _learning(model: str, part: ModelResults) -> list[str]:
    """A panel for accuracy and one for loss; none for a model without epochs to connect."""
    kept = part.train.kept_epoch
    if kept is None or len(part.history) == 1:
        return []
    return [
        drawing.svg(
            figures.learning(model, part.history, kept, [measure]),
            f"learning-{model}-{measure}",
            f"{measure} of {model} by epoch, on the training and the validation set",
        )
        for measure in figures.MEASURES
        if part.history.filter(like=f"_{measure}").notna().any().any()
    ]


def _confusion(model: str, part: ModelResults) -> str:
    counts = figures.counts(part.answers.predictions, len(part.classes))
    wrong = [
        (int(counts[true, predicted]), true, predicted)
        for true in range(len(counts))
        for predicted in range(len(counts))
        if true != predicted and counts[true, predicted]
    ]
    most = [
        f"{part.classes[true]} predicted as {part.classes[predicted]} {text.count(count, 'time')}"
        for count, true, predicted in sorted(wrong, key=lambda cell: -cell[0])[:3]
    ]
    shows = f"Confusion matrix of {model}; most often wrong: {', '.join(most) or 'nothing'}"
    return drawing.svg(figures.confusion(counts, part.classes), f"confusion-{model}", shows)


def _robustness(results: Results) -> dict[str, Any] | None:
    known = {name: part.robustness for name, part in results.models.items() if part.robustness}
    if not known:
        return None
    first = next(iter(known.values()))
    changes = {
        name: {model: part.changes[name] for model, part in known.items()} for name in first.changes
    }
    return {
        "first": first,
        "models": list(known),
        "changes": changes,
        "panels": {
            name: drawing.svg(
                comparison.robustness(change, first.required),
                f"robustness-{name}",
                f"Accuracy of each model by {name}",
            )
            for name, change in changes.items()
        },
    }


def _abstention(measured: Mapping[str, Confidence]) -> dict[str, Any]:
    known = {model: part for model, part in measured.items() if part.bought}
    shown = {
        "Misclassified, of the digits answered": ("error", "error_low", "error_high"),
        "Other images taken for digits": ("taken_for_digits", "taken_low", "taken_high"),
    }
    return {
        "models": known,
        "panels": {
            name: drawing.svg(
                comparison.abstention(known, *fields),
                f"abstention-{fields[0]}",
                f"{name}, by the share of digits answered with confidence",
            )
            for name, fields in shown.items()
            if any(getattr(part.bought, fields[0]) is not None for part in known.values())
        },
    }


def _machines(hardware: Mapping[str, Hardware]) -> list[dict[str, Any]]:
    """What models ran on, each once, with the models that ran there."""
    known: list[Hardware] = []
    for machine in hardware.values():
        if machine not in known:
            known.append(machine)
    return [
        {"models": [model for model in hardware if hardware[model] == machine], "hardware": machine}
        for machine in known
    ]
