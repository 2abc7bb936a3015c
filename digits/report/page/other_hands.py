"""What the page tells of digits of other hands, and of forms that the training set hardly holds."""

from typing import Any

from digits.evaluation.forms import Form
from digits.inference import scoring
from digits.report.figures import drawing
from digits.report.figures import model as figures
from digits.report.page import pictures
from digits.report.page.results import Answers, Results

EASY = 0.9
"""Forms of which every model reads at least this share are not shown one by one."""


def section(results: Results) -> dict[str, Any]:
    """What the section of the page is made of; what was not measured is empty."""
    models = results.models
    told = {
        model: part.elsewhere
        for model, part in models.items()
        if part.elsewhere is not None and len(part.elsewhere.predictions)
    }
    classes = next(iter(models.values())).classes
    tests = results.elsewhere if told else None
    return {
        "transfers": {model: part.transfer for model, part in models.items() if part.transfer},
        "tests": tests,
        "classes": _by_class(told, classes),
        "misclassified": {
            model: pictures.misclassified(model, answers, classes, "elsewhere")
            for model, answers in told.items()
        },
        "by_all": pictures.by_all(
            tests.misclassified_by_all, next(iter(told.values())), classes, "elsewhere"
        )
        if tests
        else "",
        "forms": _forms(results),
    }


def _by_class(told: dict[str, Answers], classes: list[str]) -> dict[str, dict[str, Any]]:
    """By class and model the accuracy with its interval, and the number of images."""
    found: dict[str, dict[str, Any]] = {}
    for model, answers in told.items():
        table = answers.predictions
        for place, name in enumerate(classes):
            right = (table["prediction"] == place)[table["label"] == place]
            if len(right):
                low, high = scoring.wilson(int(right.sum()), len(right))
                share = {"images": len(right), "accuracy": float(right.mean())}
                found.setdefault(name, {})[model] = share | {"low": low, "high": high}
    return found


def _forms(results: Results) -> dict[str, Any] | None:
    measured, drawn = results.forms, results.drawn
    if measured is None or drawn is None:
        return None
    hard = [
        (form, images)
        for form, images in zip(measured.forms, drawn, strict=True)
        if min(map(form.accuracy, results.models)) < EASY
    ]
    return {
        "about": measured,
        "easy": EASY,
        "shown": [
            {"form": form, "svg": _neighbours(place, form, images)}
            for place, (form, images) in enumerate(hard)
        ],
    }


def _neighbours(place: int, form: Form, images: Any) -> str:
    """One writing of a form and the training digits that are nearest to it."""
    shows = f"{form.digit}, {form.name}, and the nearest training digits: {' '.join(form.nearest)}"
    captions = ["made", *form.nearest]
    return drawing.svg(
        figures.digits(list(images), captions, len(captions)), f"form-{place}", shows
    )
