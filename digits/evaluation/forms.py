"""Which forms of the digits a model reads, and which of them its training set holds.

The forms are those of `synthesis.glyphs`, written anew.  The reader was trained on digits that the
same hand wrote: to it they are no other hands, and only the models that were trained without them
are tested by them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field

from digits.core.record import Count, Record, Sha256, Share

WRITTEN = 40
"""Times that each form is written."""
SEED = 4711
"""Of the writing; stage `synthesis` draws from a seed and the number of a set."""
A_CLASS = 1000
"""Training digits of each class among which the nearest are looked for."""
NEIGHBOURS = 20
"""Nearest training digits that say whether the training set holds a form."""
SHOWN = 6
"""Of these, those that are kept to be looked at."""


class Form(Record):
    """One form of one digit."""

    digit: str
    name: str
    held: Share
    """How many of the `NEIGHBOURS` of a writing are of its class, in the mean."""
    nearest: tuple[str, ...]
    """The classes of the training digits that are nearest to the most typical writing."""
    answers: dict[str, dict[str, Count]]
    """By model and class, how many writings were taken for it."""

    def accuracy(self, model: str) -> float:
        """The share of the writings that a model predicts correctly."""
        given = self.answers[model]
        return given.get(self.digit, 0) / sum(given.values())

    def mistaken(self, model: str) -> str | None:
        """The class for which a model takes most of the writings that it misclassifies."""
        wrong = {label: n for label, n in self.answers[model].items() if label != self.digit}
        return max(wrong, key=lambda label: wrong[label], default=None)


class Forms(Record):
    """metrics/forms.json: what every model makes of every form."""

    dataset: str
    """That the models were trained on."""
    model_sha256: dict[str, Sha256]
    written: Annotated[int, Field(ge=1)]
    """Times that each form was written."""
    among: Count
    """Training digits among which the nearest were looked for."""
    neighbours: Annotated[int, Field(ge=1)]
    """Of each writing."""
    forms: tuple[Form, ...]
    """Empty where the classes are not the ten digits."""


@dataclass(frozen=True)
class Likeness:
    """How near training digits come to the writings of one form."""

    held: float
    """As in `Form`."""
    typical: int
    """The writing that is nearest to the mean of all."""
    nearest: np.ndarray
    """(SHOWN,) places of the training digits that are nearest to it, or fewer."""


def likeness(vectors: np.ndarray, own: int, known: np.ndarray, labels: np.ndarray) -> Likeness:
    """Find the training digits that are nearest to the writings of a form.

    Near is a small angle between vectors of edge directions, as where models abstain.

    Args:
        vectors: (n, features) `abstention.features` of the writings.
        own: Their class.
        known: (m, features), the same of training digits.
        labels: (m,) integer labels of these.

    """
    order = np.argsort(-(vectors @ known.T), axis=1, kind="stable")[:, :NEIGHBOURS]
    typical = int((vectors @ vectors.mean(axis=0)).argmax())
    return Likeness(float((labels[order] == own).mean()), typical, order[typical, :SHOWN])


def counted(predicted: Mapping[str, list[str]]) -> dict[str, dict[str, int]]:
    """By model and class how many writings were taken for it, from each model's predictions."""
    return {
        model: {label: said.count(label) for label in sorted(set(said))}
        for model, said in predicted.items()
    }
