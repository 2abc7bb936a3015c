"""What an experiment is: a file that holds only its differences from params.yaml.

`experiments/NAME.yaml` has sections as params.yaml, with the changed keys alone, beside what is
asked of the runs.  Unknown keys are refused, and so are values that params.yaml would not take.
"""

import copy
import itertools
import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError

from digits.core import config, document, paths
from digits.core.config import Section, Seed
from digits.core.errors import UserError
from digits.experiments.claims import AccuracyClaim, AnyClaim, Model

Models = Annotated[tuple[Model, ...], Field(min_length=1)]
Differences = dict[str, Any]
Key = Annotated[str, Field(pattern=r"^\w+(\.\w+)+$")]
"""As in "train.cnn.epochs"."""
MNIST_TEST_IMAGES = 10_000
MOST_RUNS = 1000
RUN_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9_-])?")


class Overrides(Section):
    """Differences from params.yaml, in its own sections."""

    dataset: Differences = Field(default_factory=dict)
    preprocess: Differences = Field(default_factory=dict)
    split: Differences = Field(default_factory=dict)
    hardware: Differences = Field(default_factory=dict)
    train: Differences = Field(default_factory=dict)
    models: Models | None = None
    """What is trained."""
    seeds: tuple[Seed, ...] | None = None
    """Each is a run; none: once, with the seeds of params.yaml."""
    opens_test: bool | None = None
    """Whether the test set is opened.  What chooses looks at the validation set alone."""
    robustness: bool | None = None
    """Whether to measure, too, how far digits may change."""

    @property
    def differences(self) -> Differences:
        """The sections, without those that are left as they are."""
        sections = ("dataset", "preprocess", "split", "hardware", "train")
        return {name: given for name in sections if (given := getattr(self, name))}


class Shown(Section):
    """Digits to be drawn, of the first variant."""

    first: Annotated[int, Field(ge=0)] = 0
    """The first digits of the data set, with their labels."""
    read: Annotated[int, Field(ge=0)] = 0
    """The first digits of the test set, with what is predicted."""
    misclassified: tuple[str, ...] = ()
    """The misclassified test digits of these classes."""


class Experiment(Overrides):
    """One file of experiments/."""

    title: str
    source: str = ""
    """Where the claims were published."""
    question: str = ""
    """What the experiment is to answer, where nothing was published."""
    models: Models
    variants: dict[str, Overrides] = Field(default_factory=dict)
    """What a run has instead, and what else.  What this machine cannot do is left out, by name."""
    grid: dict[Key, Annotated[tuple[Any, ...], Field(min_length=1)]] = Field(default_factory=dict)
    """Values for dotted keys; every combination is a variant."""
    reference: str | None = None
    """The variant that the others are tested against."""
    claims: tuple[AnyClaim, ...] = ()
    shown: Shown = Shown()
    assumed: tuple[str, ...] = ()
    """What was not published, and what stands in for it."""
    fitted: tuple[str, ...] = ()
    """What was chosen so that published figures come out."""


@dataclass(frozen=True)
class Run:
    """One run of the pipeline."""

    experiment: str
    """As `outcome_name` gives it."""
    variant: str
    """Empty where the experiment has no variants."""
    seed: int | None
    models: tuple[str, ...]
    opens_test: bool
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
        return [
            target
            for model in self.models
            for target, wanted in (
                (f"train_{model}", not self.opens_test),
                (f"evaluate@{model}", self.opens_test),
                (f"robustness@{model}", self.robustness),
            )
            if wanted
        ]


def names(folder: Path = paths.EXPERIMENTS) -> list[str]:
    """The experiments that are defined, in alphabetical order."""
    return sorted(path.stem for path in folder.glob("*.yaml"))


def load(name: str, folder: Path = paths.EXPERIMENTS) -> Experiment:
    """Read and check one definition.

    Raises:
        UserError: if there is none of this name, or naming what is wrong in it.

    """
    if name not in names(folder):
        raise UserError(
            f"there is no experiment '{name}'; defined are {', '.join(names(folder)) or 'none'}"
        )
    path = folder / f"{name}.yaml"
    try:
        experiment = Experiment.model_validate_json(json.dumps(config.read(path)), strict=True)
        planned = runs(name, experiment)
    except ValidationError as error:
        faults = [
            f"{'.'.join(map(str, fault['loc']))}: {fault['msg'].removeprefix('Value error, ')}, "
            f"received {document.shown(fault['input'])}"
            for fault in error.errors()
        ]
        raise UserError(document.listed(f"{path.name} has wrong values:", faults)) from None
    if faults := list(_contradictions(experiment, planned)):
        raise UserError(document.listed(f"{path.name} contradicts itself:", faults))
    return experiment


def _contradictions(experiment: Experiment, planned: Sequence["Run"]) -> Iterator[str]:
    """Values of a definition that are right alone and wrong together."""
    if experiment.grid and experiment.variants:
        yield "expected variants or a grid, received both; keep one"
    known = {run.variant: run for run in planned}
    if experiment.reference and experiment.reference not in known:
        yield f"reference: no variant is called '{experiment.reference}'"
    for claim in experiment.claims:
        for variant, model in ((one.variant, one.model) for one in claim.configurations):
            if variant not in known:
                yield f"claim '{claim.text}': no variant is called '{variant}'"
            elif model not in known[variant].models:
                yield f"claim '{claim.text}': {model} is not trained there"
            for needed in claim.needs if variant in known else ():
                if not getattr(known[variant], needed):
                    yield f"claim '{claim.text}': it cannot be measured; expected {needed}: true"
    called = Counter(run.name for run in planned)
    yield from (f"{count} runs are called '{name}'" for name, count in called.items() if count > 1)
    # The name becomes a reference of git.
    yield from (
        f"the run '{name}' cannot be called so; expected letters, digits, '.', '-' and '_'"
        for name in called
        if not RUN_NAME.fullmatch(name)
    )


def published_accuracies() -> dict[str, float]:
    """For each model, the highest accuracy that was published for MNIST's test set."""
    highest: dict[str, float] = {}
    claims = [claim for name in names() for claim in load(name).claims]
    for claim in claims:
        if isinstance(claim, AccuracyClaim) and claim.images == MNIST_TEST_IMAGES:
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
        seeds, opens_test, robustness = (
            getattr(experiment if getattr(overrides, name) is None else overrides, name)
            for name in ("seeds", "opens_test", "robustness")
        )
        for seed in (seeds or (None,)) if trained else ():
            differences = merged(experiment.differences, overrides.differences)
            if seed is not None:
                seeded = {model: {"seed": seed} for model in trained if model != "svc"}
                differences = merged(differences, {"train": seeded})
            planned.append(
                Run(
                    experiment=title,
                    variant=variant,
                    seed=seed,
                    models=tuple(trained),
                    opens_test=bool(opens_test),
                    robustness=bool(robustness),
                    differences=differences,
                )
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
    if (count := math.prod(map(len, experiment.grid.values()))) > MOST_RUNS:
        raise UserError(f"grid: expected at most {MOST_RUNS} combinations, received {count:,}")
    for values in itertools.product(*experiment.grid.values()):
        tree: Differences = {}
        for key, value in zip(experiment.grid, values, strict=True):
            tree = merged(tree, nested(key, value))
        yield "-".join(map(str, values)), Overrides.model_validate(tree)


def nested(key: str, value: Any) -> Differences:
    """{"a": {"b": value}} for "a.b"."""
    *sections, last = key.split(".")
    tree: Differences = {last: value}
    for section in reversed(sections):
        tree = {section: tree}
    return tree


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
            text = json.dumps(value)
            if isinstance(value, str):
                escaped = value.replace("\\", "\\\\").replace("'", "\\'")
                text = f"'{escaped}'"
            lines.append(f"{prefix}{key}={text}")
    return lines
