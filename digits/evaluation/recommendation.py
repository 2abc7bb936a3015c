"""Which model to use: accuracy on the validation set against cost.

The validation set chooses; figures of the test set are reported and choose nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from digits.core import config
from digits.core.records import Row


class Params(config.Section):
    """The section recommendation."""

    required_accuracy: Annotated[float, Field(gt=0, lt=1)]
    """Share of the validation images that a model must predict correctly to be recommended."""
    batch_images: config.Count
    """In the scenario of one large batch, for which a model is trained first."""


COSTS = {"train_seconds": "training time", "latency_ms": "latency", "bundle_mib": "size"}
"""What a model costs: columns of comparison.json, and what they are called."""


@dataclass(frozen=True)
class Recommendation:
    """Which model to use, and what it was chosen among."""

    required: float
    """The accuracy to reach."""
    validated: dict[str, float]
    """The accuracy on the validation set of each model that has one."""
    reached: list[str]
    """The models that reach `required`."""
    fronts: dict[str, list[str]]
    """The Pareto front of each cost, by ascending cost."""
    cheapest: dict[str, str | None]
    """For each cost the cheapest of the models that reach `required`."""
    model: str | None
    """The one to use; None where none reaches `required`."""


def recommend(rows: Mapping[str, Row], required: float) -> Recommendation:
    """Choose, among the models that reach `required`, the one that is cheapest by most costs.

    Args:
        rows: The figures of each model.
        required: The accuracy to reach on the validation set.

    """
    validated = {
        model: row.validation_accuracy
        for model, row in rows.items()
        if row.validation_accuracy is not None
    }
    reached = [model for model, accuracy in validated.items() if accuracy >= required]
    cheapest = {
        cost: min(
            reached, key=lambda model: (getattr(rows[model], cost), -validated[model]), default=None
        )
        for cost in COSTS
    }
    winners = list(cheapest.values())
    return Recommendation(
        required=required,
        validated=validated,
        reached=reached,
        fronts={cost: front(rows, cost) for cost in COSTS},
        cheapest=cheapest,
        # Among models that are cheapest equally often the more accurate one.
        model=max(
            reached, key=lambda model: (winners.count(model), validated[model]), default=None
        ),
    )


def front(rows: Mapping[str, Row], cost: str) -> list[str]:
    """The Pareto front: the models to which no other is superior, by ascending cost.

    Another model is superior if it is at least as accurate on the validation set and at most as
    costly, and better in one of the two.  Models that are equal in both stand on the front
    together; a model without validation accuracy does not.

    Args:
        rows: The figures of each model.
        cost: The column of the cost.

    """
    known = {
        model: (row.validation_accuracy, getattr(row, cost))
        for model, row in rows.items()
        if row.validation_accuracy is not None
    }
    kept = [
        model
        for model, (accuracy, price) in known.items()
        if not any(
            other_accuracy >= accuracy
            and other_price <= price
            and (other_accuracy, other_price) != (accuracy, price)
            for other_accuracy, other_price in known.values()
        )
    ]
    return sorted(kept, key=lambda model: known[model][1])
