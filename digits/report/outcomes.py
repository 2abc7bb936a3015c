"""What experiments/outcomes/*.json hold: written by `digits.experiments`, shown on the page.

An outcome is a record like those of metrics: what does not fit is refused with a line a key.
"""

from pathlib import Path
from typing import Any

from digits.core import paths
from digits.core.record import Count, Difference, Measure, Record, Share
from digits.core.records import OfClass, Pair, Robustness, Row


class Figures(Row):
    """What one run measured of one model."""

    model: str
    per_class: dict[str, OfClass]
    confusion: tuple[tuple[Count, ...], ...]
    """Test images by true class (rows) and predicted class (columns)."""
    robustness: Robustness | None = None
    """Where it was measured."""


class RunOutcome(Record):
    """One run of an experiment."""

    variant: str
    """Empty where the experiment has no variants."""
    seed: int | None
    differences: dict[str, Any]
    """From params.yaml, in its sections."""
    models: dict[str, Figures]


class JudgedClaim(Record):
    """A published statement beside what was measured here."""

    text: str
    variant: str | None
    model: str
    measure: str
    """The kind of claim."""
    published: str
    ours: str
    ours_low: Share | None = None
    """Of the Wilson interval, where ours is a share."""
    ours_high: Share | None = None
    agrees: bool | None
    """Null where it was not run."""
    how: str
    """By what it was judged."""
    test: dict[str, Any] | None = None
    """Of a hypothesis: what `significance.binomial` gives."""


class Repeated(Record):
    """The test accuracies of one configuration over its seeds."""

    runs: Count
    mean: Share
    standard_deviation: Measure | None
    """With n - 1; null for one run."""
    mean_low: float | None
    """Of the mean's t interval; null where nothing varies."""
    mean_high: float | None


class Welch(Record):
    """Welch's t test of a configuration's accuracies against the reference's."""

    difference: Difference
    """Of the means, minus the reference's."""
    statistic: float | None
    """Null, as what follows, where neither of the two varies."""
    df: float | None
    p: Share | None
    p_corrected: Share | None
    """By Holm's method over all configurations."""
    differs: bool


class Outcome(Record):
    """experiments/outcomes/NAME.json: what an experiment has shown."""

    experiment: str
    title: str
    source: str
    """Where its claims were published; empty where it makes none."""
    question: str
    reference: str | None
    """The variant that the others are tested against."""
    assumed: tuple[str, ...]
    """What was not published, and what stands in for it."""
    left_out: dict[str, str]
    """Variants that the machine could not do, and why."""
    runs: tuple[RunOutcome, ...]
    claims: tuple[JudgedClaim, ...]
    tests: dict[str, tuple[Pair, ...]] | None = None
    """By model: every variant against the reference, on the same images; without seeds."""
    repeats: dict[str, dict[str, Repeated]] | None = None
    """By model and variant, over seeds."""
    welch: dict[str, dict[str, Welch]] | None = None
    """By model and variant, against the reference, over seeds."""


class GatheredClaim(JudgedClaim):
    """One of the claims of all experiments."""

    experiment: str


class Reproduction(Record):
    """experiments/outcomes/reproduction.json: all claims of all experiments."""

    claims: Count
    agree: Count
    differ: Count
    not_run: Count
    experiments: dict[str, tuple[GatheredClaim, ...]]


def path(name: str, folder: Path = paths.OUTCOMES) -> Path:
    """Where the outcome of the experiment `name` is kept."""
    return folder / f"{name}.json"
