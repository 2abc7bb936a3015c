"""Misclassified digits as figures of the page."""

from collections.abc import Mapping, Sequence
from typing import Any

from digits.core.records import MisclassifiedByAll
from digits.report.figures import drawing
from digits.report.figures import model as figures
from digits.report.page.results import Answers

SHOWN, A_ROW = 30, 6
"""Of each model; of those that all models misclassify, all are shown."""


def misclassified(
    model: str, answers: Answers, classes: Sequence[str], name: str = "misclassified"
) -> dict[str, Any]:
    """The digits that one model misclassifies: how many, how many are shown, and the figure.

    Args:
        model: The model.
        answers: What it predicts.
        classes: Names of the classes.
        name: With which the figure's ids begin.

    """
    figure = figures.misclassified(
        answers.predictions, answers.misclassified, classes, SHOWN, A_ROW
    )
    shows = f"Digits that {model} misclassifies, with true class, predicted class and confidence"
    return {
        "count": len(answers.misclassified),
        "shown": min(len(answers.misclassified), SHOWN),
        "svg": drawing.svg(figure, f"{name}-{model}", shows) if answers.misclassified else "",
    }


def by_all(
    digits: Sequence[MisclassifiedByAll],
    answers: Answers,
    classes: Sequence[str],
    name: str = "misclassified",
) -> str:
    """The digits that no model predicts correctly, with what each takes them for; "" if none.

    Args:
        digits: The digits.
        answers: Of any of the models: it holds their images.
        classes: Names of the classes.
        name: With which the figure's ids begin.

    """
    if not digits:
        return ""
    captions = [
        f"{classes[digit.label]} \N{RIGHTWARDS ARROW} {_taken_for(digit.predictions, classes)}"
        for digit in digits
    ]
    images = [answers.misclassified[digit.index] for digit in digits]
    shows = "Digits that every model misclassifies, with the true and the predicted classes"
    return drawing.svg(figures.digits(images, captions, A_ROW), f"{name}-by-all", shows)


def _taken_for(predictions: Mapping[str, int], classes: Sequence[str]) -> str:
    return ", ".join(dict.fromkeys(classes[answer] for answer in predictions.values()))
