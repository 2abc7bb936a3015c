"""What an experiment is: a file that holds only its differences from params.yaml.

`experiments/NAME.yaml` has sections as params.yaml, with the changed keys alone, beside what is
asked of the runs.  Unknown keys are refused, and so are values that params.yaml would not take.
"""

import copy
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from digits.core import config, paths
from digits.core.config import Count, Section, Seed
from digits.core.errors import UserError
from digits.evaluation import robustness

Model = Literal["ann", "cnn", "vgg16", "svc"]
Share = Annotated[float, Field(ge=0, le=1)]
Differences = dict[str, Any]
MNIST_TEST_IMAGES = 10_000


class Overrides(Section):
    """Differences from params.yaml, in its own sections."""

    dataset: Differences = Field(default_factory=dict)
    preprocess: Differences = Field(default_factory=dict)
    split: Differences = Field(default_factory=dict)
    hardware: Differences = Field(default_factory=dict)
    train: Differences = Field(default_factory=dict)
    models: tuple[Model, ...] | None = None
    """What is trained and evaluated."""

    @property
    def differences(self) -> Differences:
        """The sections, without those that are left as they are."""
        sections = ("dataset", "preprocess", "split", "hardware", "train")
        return {name: given for name in sections if (given := getattr(self, name))}


class _Claim(Section):
    """A published statement, held against one run."""

    text: str
    """The statement."""
    variant: str | None = None
    model: Model


class AccuracyClaim(_Claim):
    """The share of images read right."""

    measure: Literal["train_accuracy", "validation_accuracy", "test_accuracy"]
    published: Share
    images: Count
    """The number of images that the published figure was measured on."""
    tolerance: Share = 0
    """How far ours may lie from a figure that was published as "around" so much."""


class PredictionsClaim(_Claim):
    """The answers themselves, in the order of the test set."""

    measure: Literal["predictions"]
    published: tuple[str, ...]


class HypothesisClaim(_Claim):
    """A share that is read right at least, put to the exact binomial test."""

    measure: Literal["at_least"]
    published: Share
    alternative: Share
    """A smaller share, for which the test's power is stated."""


class ExtremesClaim(_Claim):
    """The digits that are read right most often, or least often."""

    measure: Literal["easiest", "hardest"]
    published: tuple[str, ...]


class MistakeClaim(_Claim):
    """The share of some digits that are taken for others."""

    measure: Literal["taken_for"]
    digits: tuple[str, ...]
    others: tuple[str, ...]
    published: Share


class ChangeClaim(_Claim):
    """More changed digits are misread than read."""

    measure: Literal["fails_under"]
    change: str
    """As in `digits.robustness.AXES`."""
    amount: float
    published: Literal["fails"]


class OwnDigitClaim(_Claim):
    """The model, saved and loaded again, reads an image of an own digit."""

    measure: Literal["own_digit"]
    image: str
    """Path of the image, relative to the project."""
    published: str


Claim = Annotated[
    AccuracyClaim
    | PredictionsClaim
    | HypothesisClaim
    | ExtremesClaim
    | MistakeClaim
    | ChangeClaim
    | OwnDigitClaim,
    Field(discriminator="measure"),
]


class Shown(Section):
    """Digits to be drawn, of the first variant."""

    first: Annotated[int, Field(ge=0)] = 0
    """The first digits of the data set, with their labels."""
    read: Annotated[int, Field(ge=0)] = 0
    """The first digits of the test set, with what they are read as."""
    misread: tuple[str, ...] = ()
    """The test digits of these classes that are misread."""


class Experiment(Overrides):
    """One file of experiments/."""

    title: str
    source: str = ""
    """Where the claims were published."""
    question: str = ""
    """What the experiment is to answer, where nothing was published."""
    models: tuple[Model, ...]
    robustness: bool = False
    """Whether to measure, too, how far digits may change."""
    variants: dict[str, Overrides] = Field(default_factory=dict)
    """Further differences, a set a run.  What this machine cannot do is left out, by name."""
    grid: dict[str, tuple[Any, ...]] = Field(default_factory=dict)
    """Values for dotted keys; every combination is a variant."""
    reference: str | None = None
    """The variant that the others are tested against."""
    seeds: tuple[Seed, ...] = ()
    """Every variant is trained once with each."""
    claims: tuple[Claim, ...] = ()
    shown: Shown = Shown()
    assumed: tuple[str, ...] = ()
    """What was not published, and what stands in for it."""


@dataclass(frozen=True)
class Run:
    """One run of the pipeline."""

    experiment: str
    """As `outcome_name` gives it."""
    variant: str
    """Empty where the experiment has no variants."""
    seed: int | None
    models: tuple[str, ...]
    robustness: bool
    differences: Differences

    @property
    def name(self) -> str:
        """The name under which DVC and MLflow know it."""
        seed = "" if self.seed is None else f"seed-{self.seed}"
        return "-".join(filter(None, [self.experiment, self.variant, seed]))

    @property
    def targets(self) -> list[str]:
        """The stages to bring up to date."""
        measured = ["evaluate", "robustness"] if self.robustness else ["evaluate"]
        return [f"{stage}@{model}" for model in self.models for stage in measured]


def names(folder: Path = paths.EXPERIMENTS) -> list[str]:
    """The experiments that are defined, in alphabetical order."""
    return sorted(path.stem for path in folder.glob("*.yaml"))


def load(name: str, folder: Path = paths.EXPERIMENTS) -> Experiment:
    """Read and check one definition.

    Raises:
        UserError: if there is none of this name, or naming what is wrong in it.

    """
    path = folder / f"{name}.yaml"
    if not path.is_file():
        raise UserError(
            f"there is no experiment '{name}'; defined are {', '.join(names(folder)) or 'none'}"
        )
    try:
        experiment = Experiment.model_validate_json(
            json.dumps(config.read(path), default=str), strict=True
        )
    except ValidationError as error:
        faults = [
            f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}, received "
            f"{json.dumps(fault['input'], default=str)}"
            for fault in error.errors()
        ]
        raise UserError("\n  ".join([f"{path.name} has wrong values:", *faults])) from None
    if experiment.grid and experiment.variants:
        raise UserError(f"{path.name}: expected variants or a grid, received both; keep one")
    known = {run.variant for run in runs(name, experiment)}
    named = [claim.variant or "" for claim in experiment.claims]
    named += [experiment.reference] if experiment.reference else []
    if unknown := sorted(set(named) - known):
        raise UserError(f"{path.name}: no variant is called {', '.join(map(repr, unknown))}")
    for claim in experiment.claims:
        if claim.measure == "fails_under":
            axis = robustness.AXES.get(claim.change)
            if not experiment.robustness or axis is None or claim.amount not in axis.amounts:
                raise UserError(
                    f"{path.name}: '{claim.text}' cannot be measured; expected robustness: true, "
                    f"one of {', '.join(robustness.AXES)}, and one of its steps"
                )
    return experiment


def published_accuracies() -> dict[str, float]:
    """For each model, the highest accuracy that was published for MNIST's test set."""
    highest: dict[str, float] = {}
    claims = [claim for name in names() for claim in load(name).claims]
    for claim in claims:
        if claim.measure == "test_accuracy" and claim.images == MNIST_TEST_IMAGES:
            highest[claim.model] = max(highest.get(claim.model, 0.0), claim.published)
    return highest


def runs(name: str, experiment: Experiment, models: tuple[str, ...] = ()) -> list[Run]:
    """The runs of an experiment.

    Args:
        name: Its name.
        experiment: Its definition.
        models: What to train and evaluate instead of what the definition says; of variants with
            models of their own, only these.

    """
    planned = []
    for variant, overrides in _variants(experiment):
        trained, title = models or experiment.models, outcome_name(name, experiment, models)
        if overrides.models:
            trained = tuple(model for model in overrides.models if not models or model in models)
            title = name
        for seed in (experiment.seeds or (None,)) if trained else ():
            differences = merged(experiment.differences, overrides.differences)
            if seed is not None:
                seeds = {model: {"seed": seed} for model in trained if model != "svc"}
                differences = merged(differences, {"train": seeds})
            planned.append(
                Run(title, variant, seed, tuple(trained), experiment.robustness, differences)
            )
    return planned


def outcome_name(name: str, experiment: Experiment, models: tuple[str, ...]) -> str:
    """The experiment's name, with the models where they are others than the definition's."""
    if not models or set(models) == set(experiment.models):
        return name
    return "-".join([name, "of", *models])


def _variants(experiment: Experiment) -> Iterator[tuple[str, Overrides]]:
    if not experiment.grid:
        yield from experiment.variants.items() or [("", Overrides())]
        return
    for values in itertools.product(*experiment.grid.values()):
        tree: Differences = {}
        for key, value in zip(experiment.grid, values, strict=True):
            tree = merged(tree, nested(key, value))
        yield "-".join(map(str, values)), Overrides.model_validate(tree)


def nested(key: str, value: Any) -> Differences:
    """{"a": {"b": value}} for "a.b"."""
    for part in reversed(key.split(".")):
        value = {part: value}
    assert isinstance(value, dict)
    return value


def merged(tree: Differences, over: Differences) -> Differences:
    """A copy of `tree` in which the leaves of `over` replace their counterparts."""
    result = copy.deepcopy(tree)
    for key, value in over.items():
        deeper = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], value) if deeper else copy.deepcopy(value)
    return result


def parameters(run: Run, base: dict[str, Any]) -> dict[str, config.Section]:
    """The typed parameters of a run.

    Args:
        run: The run.
        base: params.yaml as it was read.

    Raises:
        UserError: if the file would not be valid with the run's differences.

    """
    return config.check(merged(base, run.differences), f"experiment {run.name}")


def settings(differences: Differences, prefix: str = "") -> list[str]:
    """The differences as `key=value`, in the notation of `dvc exp run --set-param`."""
    lines = []
    for key, value in differences.items():
        if isinstance(value, dict):
            lines += settings(value, f"{prefix}{key}.")
        else:
            # JSON is what the notation reads, but for texts, which it wants in single quotes.
            text = f"'{value}'" if isinstance(value, str) else json.dumps(value)
            lines.append(f"{prefix}{key}={text}")
    return lines
