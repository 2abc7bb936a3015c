"""Which model to use: what is shown of its accuracy, and what is paid for it.

Figures of the validation set choose: its accuracy, how far its images may change, when the model
abstains; and the half of other hands that may choose.  Those of the test set choose nothing.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from digits.core import config
from digits.core.records import Confidence, Robustness, Row, Transfer


class Params(config.Section):
    """The section recommendation."""

    required_accuracy: Annotated[float, Field(gt=0, lt=1)]
    """Share of the validation images that a model must predict correctly to be recommended."""
    batch_images: config.Count
    """In the scenario of one large batch, for which a model is trained first."""


COSTS = {
    "train_seconds": "training time",
    "latency_ms": "latency",
    "bundle_mib": "size",
    "predict_memory_mib": "memory",
    "train_joules": "energy",
}
"""What a model costs, the less the better: columns of comparison.json, and what they are called."""
NOISE = 0.05
"""Of a measured time, memory or energy, to either side: what differs by less is as good."""


class Standing(StrEnum):
    """What the interval of a validation accuracy says of the required accuracy."""

    REACHED = "reaches"
    OPEN = "cannot be told from"
    MISSED = "misses"


@dataclass(frozen=True)
class Candidate:
    """What is known of a model; None where it was not measured."""

    row: Row
    robustness: Robustness | None = None
    transfer: Transfer | None = None
    confidence: Confidence | None = None


@dataclass(frozen=True)
class Figure:
    """A figure and what it may be as well."""

    value: float
    low: float
    high: float

    def as_good(self, other: "Figure") -> bool:
        """Whether the two cannot be told apart."""
        return self.low <= other.high and other.low <= self.high


@dataclass(frozen=True)
class Criterion:
    """By what models are ranked."""

    name: str
    unit: str
    """s, ms, images/s, MiB, J, or share."""
    most: bool
    """Whether the largest figure is the best, else the smallest."""
    figure: Callable[[Candidate], Figure | None]


@dataclass(frozen=True)
class Choice:
    """What a criterion says."""

    criterion: Criterion
    figures: dict[str, Figure]
    """Of each model for which it is known."""
    best: tuple[str, ...]
    """Of the sufficient models the best one and those that are as good, by falling accuracy."""
    best_of_all: tuple[str, ...]
    """The same of all models."""


@dataclass(frozen=True)
class Scenario:
    """A use, and the criterion that decides there."""

    name: str
    decides: str
    """The criterion in words."""
    choice: Choice


@dataclass(frozen=True)
class Recommendation:
    """Which model to use, and what it was chosen among."""

    required: float
    """The accuracy to reach."""
    standings: dict[str, Standing]
    """Of each model that has an accuracy on the validation set."""
    sufficient: list[str]
    """The models that reach `required`; where none does, those that cannot be told from it."""
    fronts: dict[str, list[str]]
    """The Pareto front of each cost that is known of every model, by ascending cost."""
    choices: list[Choice]
    """By every criterion that is known of all sufficient models."""
    scenarios: list[Scenario]
    model: str | None
    """The one to use; None where none is sufficient."""

    def standing(self, standing: Standing) -> list[str]:
        """The models of which that is said."""
        return [model for model, found in self.standings.items() if found == standing]

    def won(self, model: str) -> list[Choice]:
        """The choices by which no sufficient model is better than this one."""
        return [choice for choice in self.choices if model in choice.best]


def recommend(candidates: Mapping[str, Candidate], params: Params) -> Recommendation:
    """Choose, among the sufficient models, the one that is the best by most criteria.

    Args:
        candidates: What is known of each model.
        params: What is required.

    """
    rows = {model: candidate.row for model, candidate in candidates.items()}
    standings = {
        model: found
        for model, row in rows.items()
        if (found := _standing(row, params.required_accuracy)) is not None
    }
    sufficient: list[str] = []
    for wanted in (Standing.REACHED, Standing.OPEN):
        sufficient = sufficient or [name for name, found in standings.items() if found == wanted]
    known = {model: candidates[model] for model in standings}
    choices = [
        choice for criterion in CRITERIA if (choice := _choose(criterion, known, sufficient)).best
    ]
    wins = {model: sum(model in choice.best for choice in choices) for model in sufficient}
    return Recommendation(
        required=params.required_accuracy,
        standings=standings,
        sufficient=sufficient,
        fronts={
            cost: front(rows, cost)
            for cost in COSTS
            if all(getattr(row, cost) is not None for row in rows.values())
        },
        choices=choices,
        scenarios=[
            Scenario(name, decides, choice)
            for name, decides, criterion in _scenarios(params)
            if (choice := _choose(criterion, known, sufficient)).best
        ],
        # Among models that are the best equally often the more accurate one.
        model=max(
            sufficient,
            key=lambda model: (wins[model], rows[model].validation_accuracy),
            default=None,
        ),
    )


def _standing(row: Row, required: float) -> Standing | None:
    low, high = row.validation_accuracy_low, row.validation_accuracy_high
    if low is None or high is None:
        return None
    if low >= required:
        return Standing.REACHED
    return Standing.MISSED if high < required else Standing.OPEN


def _choose(
    criterion: Criterion, candidates: Mapping[str, Candidate], sufficient: Sequence[str]
) -> Choice:
    """What the criterion says; nothing where a sufficient model's figure is not known."""
    figures = {
        model: figure
        for model, candidate in candidates.items()
        if (figure := criterion.figure(candidate)) is not None
    }

    def best(models: Iterable[str]) -> tuple[str, ...]:
        pick = max if criterion.most else min
        top = pick(models, key=lambda model: figures[model].value, default=None)
        if top is None:
            return ()
        equal = [model for model in models if figures[model].as_good(figures[top])]
        accuracy = {model: candidates[model].row.validation_accuracy or 0.0 for model in equal}
        return tuple(sorted(equal, key=lambda model: -accuracy[model]))

    complete = all(model in figures for model in sufficient)
    return Choice(criterion, figures, best(sufficient) if complete else (), best(list(figures)))


def _measured(value: float | None) -> Figure | None:
    if value is None:
        return None
    return Figure(value, value * (1 - NOISE), value * (1 + NOISE))


def _column(name: str) -> Callable[[Candidate], Figure | None]:
    return lambda candidate: _measured(getattr(candidate.row, name))


def _size(candidate: Candidate) -> Figure:
    size = candidate.row.bundle_mib
    return Figure(size, size, size)


def _file_and_memory(candidate: Candidate) -> Figure | None:
    memory = candidate.row.predict_memory_mib
    return None if memory is None else _measured(candidate.row.bundle_mib + memory)


def _batch(images: int) -> Callable[[Candidate], Figure | None]:
    return lambda candidate: _measured(
        candidate.row.train_seconds + images / candidate.row.images_per_second
    )


def _changed(*names: str) -> Callable[[Candidate], Figure | None]:
    """The mean over all steps of these changes, or of all; intervals are averaged alike."""

    def figure(candidate: Candidate) -> Figure | None:
        changes = candidate.robustness.changes if candidate.robustness else {}
        points = [
            point
            for name in names or changes
            if name in changes
            for point in changes[name].points
            if point.amount != changes[name].neutral
        ]
        if not points:
            return None
        ends = (sum(getattr(point, end) for point in points) for end in ("accuracy", "low", "high"))
        return Figure(*(end / len(points) for end in ends))

    return figure


def _share(value: float | None, low: float | None, high: float | None) -> Figure | None:
    return None if value is None or low is None or high is None else Figure(value, low, high)


def _misclassified(candidate: Candidate) -> Figure | None:
    if not candidate.confidence or not (bought := candidate.confidence.bought):
        return None
    return _share(bought.error, bought.error_low, bought.error_high)


def _taken(candidate: Candidate) -> Figure | None:
    if not candidate.confidence or not (bought := candidate.confidence.bought):
        return None
    return _share(bought.taken_for_digits, bought.taken_low, bought.taken_high)


def _other_hands(candidate: Candidate) -> Figure | None:
    if not candidate.transfer or not (half := candidate.transfer.choosing):
        return None
    return _share(half.accuracy, half.accuracy_low, half.accuracy_high)


THROUGHPUT = Criterion("throughput", "images/s", True, _column("images_per_second"))
TAKEN = Criterion("other images taken for digits", "share", False, _taken)
OTHER_HANDS = Criterion("accuracy on other hands", "share", True, _other_hands)
CRITERIA = (
    Criterion("training time", "s", False, _column("train_seconds")),
    Criterion("latency", "ms", False, _column("latency_ms")),
    THROUGHPUT,
    Criterion("size", "MiB", False, _size),
    Criterion("memory", "MiB", False, _column("predict_memory_mib")),
    Criterion("energy of the training", "J", False, _column("train_joules")),
    Criterion("accuracy on changed images", "share", True, _changed()),
    Criterion("misclassified with confidence", "share", False, _misclassified),
    TAKEN,
    OTHER_HANDS,
)


def _scenarios(params: Params) -> list[tuple[str, str, Criterion]]:
    """Name, criterion in words, criterion."""
    return [
        ("Server", "the most images a second", THROUGHPUT),
        (
            "Phone",
            "the smallest sum of the file and the memory that predicting one image adds",
            Criterion("file and memory", "MiB", False, _file_and_memory),
        ),
        (
            f"A batch of {params.batch_images:,} images",
            "the shortest time to train and then predict them all",
            Criterion("time in all", "s", False, _batch(params.batch_images)),
        ),
        (
            "Faint ink",
            "the highest mean accuracy over all steps of lower contrast",
            Criterion("accuracy in faint ink", "share", True, _changed("contrast")),
        ),
        (
            "Other pens",
            "the highest mean accuracy over all steps of thinner and wider strokes",
            Criterion("accuracy with other pens", "share", True, _changed("stroke")),
        ),
        (
            "Other hands",
            "the highest accuracy on the half of another data set that may choose",
            OTHER_HANDS,
        ),
        (
            "Fields without a digit",
            "the smallest share of letters, signs and scribbles taken for digits",
            TAKEN,
        ),
    ]


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
