"""What a model must reach before others rely on it."""

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field, field_validator

from digits.core import records
from digits.core.config import Positive, Section
from digits.core.record import Share
from digits.evaluation.robustness import AXES


class Params(Section):
    """What a model must reach, and how much worse than its predecessor it may be."""

    margin: Annotated[float, Field(gt=0, lt=1)]
    """Of accuracy on the validation images: a newcomer passes that is shown to be worse by less.
    `paired.smallest_margin` says how small it can be."""
    class_accuracy: Share
    """The least accuracy on the images of one class."""
    latency_ms: Positive
    """The longest time of one image alone."""
    size_mib: Positive
    """The largest bundle."""
    robustness: dict[str, tuple[float, ...]]
    """Amounts of a change, as `evaluation.robustness` measures them, under which a model still has
    the accuracy that is required there."""

    @field_validator("robustness")
    @classmethod
    def _measured(cls, amounts: dict[str, tuple[float, ...]]) -> dict[str, tuple[float, ...]]:
        for name, values in amounts.items():
            if name not in AXES:
                raise ValueError(f"expected changes among {', '.join(AXES)}")
            tried = (*AXES[name].amounts, AXES[name].neutral)
            if not all(min(tried) <= value <= max(tried) for value in values):
                raise ValueError(
                    f"expected amounts of {name} from {min(tried):g} to {max(tried):g}"
                )
        return amounts


def shortcomings(
    params: Params,
    class_accuracy: dict[str, float],
    speed: records.Speed,
    train: records.Train,
    robustness: records.Robustness,
) -> Iterator[str]:
    """A line for each standard that a model misses, which says by how much.

    Args:
        params: The standards.
        class_accuracy: The share of each class's images that it predicts correctly.
        speed: metrics/MODEL/speed.json.
        train: metrics/MODEL/train.json.
        robustness: metrics/MODEL/robustness.json.

    """
    for name, accuracy in class_accuracy.items():
        if accuracy < params.class_accuracy:
            yield (
                f"accuracy on class {name}: {accuracy:.2%}, {params.class_accuracy - accuracy:.2%} "
                f"below the floor of {params.class_accuracy:.2%}"
            )
    if speed.latency_ms > params.latency_ms:
        yield (
            f"latency: {speed.latency_ms:.3g} ms, {speed.latency_ms / params.latency_ms:.1f} times "
            f"the longest allowed, {params.latency_ms:g} ms"
        )
    size = train.bundle_bytes / 2**20
    if size > params.size_mib:
        yield (
            f"size: {size:.1f} MiB, {size - params.size_mib:.1f} MiB above the largest allowed, "
            f"{params.size_mib:g} MiB"
        )
    for name, amounts in params.robustness.items():
        change = robustness.changes[name]
        for amount in amounts:
            below = amount < change.neutral
            reached = change.falls_below.lower if below else change.falls_below.upper
            if reached is not None and (reached > amount if below else reached < amount):
                yield (
                    f"robustness, {name}: the accuracy falls below {robustness.required:.0%} at "
                    f"{reached:g} {change.unit}, and must not before {amount:g}"
                )
