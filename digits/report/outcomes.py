"""What experiments/outcomes/*.json hold: written by `digits.experiments`, shown on the page.

An outcome is a record like those of metrics: what does not fit is refused with a line a key.
"""

from pathlib import Path
from typing import Any, Literal

from digits.core import paths
from digits.core.record import Count, Difference, Measure, Record, Share
from digits.core.records import OfClass, Pair, Robustness

Verdict = Literal["agrees", "differs", "cannot be told", "contradicts itself", "fitted", "not run"]
"""What a published statement is worth.  fitted: it agrees because something was chosen so."""


class Figures(Record):
    """What one run measured of one model."""

    model: str
    dataset: str
    measured_on: Literal["validation", "test"]
    """The set of `accuracy`, `per_class` and `confusion`: the test set only where it was opened."""
    accuracy: Share
    accuracy_low: Share
    """Of the Wilson interval."""
    accuracy_high: Share
    images: Count
    validation_accuracy: Share | None
    per_class: dict[str, OfClass]
    confusion: tuple[tuple[Count, ...], ...]
    """Images by true class (rows) and predicted class (columns)."""
    history: tuple[dict[str, float], ...]
    """The training's log, a row an epoch."""
    train_seconds: Measure
    images_per_second: Measure | None
    """Null, as the next, where the test set was not opened: speed is measured with it."""
    latency_ms: Measure | None
    parameters: Count
    bundle_mib: Measure
    device: str
    precision: str
    threads: Count
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


class Compared(Record):
    """One of many published figures beside ours."""

    row: str
    """Such as an epoch or a class."""
    column: str
    published: Measure
    ours: Measure
    """The mean over seeds."""
    reach: Measure | None = None
    """How far from it a figure of another seed may lie, in 95% of cases; null for one seed."""
    p_corrected: Share | None = None
    """Of its being one of another seed, by Holm's method over all; null where it was not tested."""


class JudgedClaim(Record):
    """A published statement beside what was measured here."""

    text: str
    variants: tuple[str, ...]
    models: tuple[str, ...]
    measure: str
    """The kind of claim."""
    published: str
    ours: str
    ours_low: Share | None = None
    """Of the Wilson interval, where ours is a share."""
    ours_high: Share | None = None
    verdict: Verdict
    how: str
    """By what it was judged."""
    compared: tuple[Compared, ...] = ()
    """Figure by figure, where many were published."""
    epoch_seconds: tuple[Measure, ...] = ()
    """Of the published epochs, on `hardware`; empty where they were not published."""
    hardware: str = ""
    """That the published times are of."""


class Repeated(Record):
    """The accuracies of one configuration over its seeds."""

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
    fitted: tuple[str, ...]
    """What was chosen so that published figures come out."""
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
    verdicts: dict[Verdict, Count]
    experiments: dict[str, tuple[GatheredClaim, ...]]


def path(name: str, folder: Path = paths.OUTCOMES) -> Path:
    """Where the outcome of the experiment `name` is kept."""
    return folder / f"{name}.json"
