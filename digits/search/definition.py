"""What a sweep is: sweeps/NAME.yaml, checked as a whole before anything starts."""

import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from digits.core import config, document, paths
from digits.core.config import Count, Positive, Section, Seed
from digits.core.errors import UserError
from digits.search import space

MEASURES: dict[str, Literal["maximize", "minimize"]] = {
    "validation_accuracy": "maximize",
    "validation_loss": "minimize",
    "latency_ms": "minimize",
    "size_mib": "minimize",
    "parameters": "minimize",
    "train_seconds": "minimize",
}
"""What a sweep may be about, with its direction: nothing that the test set says."""
BY_EPOCH = ("validation_accuracy", "validation_loss")
"""Those that are known after every epoch."""
TEST = "test"
FOLDER = paths.ROOT / "sweeps"


class Budget(Section):
    """When a sweep ends: at whatever comes first."""

    trials: Count | None = None
    minutes: Positive | None = None
    """Of the sweep; what runs then is stopped."""
    epochs: Count | None = None
    """Over all trials; those that run then come to their end."""


class StopEarly(Section):
    """ASHA: a trial that is worse than others at the same epoch is stopped (L. Li et al., 2020)."""

    after: Count = 1
    """Epochs that every trial gets."""
    keep: Annotated[int, Field(ge=2)] = 3
    """One in so many goes on at each rung; the rungs are so many times apart."""


class Definition(Section):
    """One file of sweeps/."""

    title: str
    model: str
    objective: tuple[str, ...] = ("validation_accuracy",)
    """One measure, or several of which none is given up for another: then a Pareto front."""
    search: Literal["tpe", "random", "grid"] = "tpe"
    """Optuna's tree-structured Parzen estimator, random values, or every combination."""
    seed: Seed = 0
    """Of the search; the trials' own is train.MODEL.seed."""
    budget: Budget = Budget()
    stop_early: StopEarly | None = None
    cores: Count = 1
    """Of every trial, which are its threads."""
    gpus: Annotated[float, Field(ge=0)] = 0
    """Of every trial; a share lets several trials use one."""
    retries: Annotated[int, Field(ge=0, le=10)] = 2
    """How often a trial begins again whose worker died; one that fails by itself does not."""
    space: dict[str, Any]

    @field_validator("objective", mode="before")
    @classmethod
    def _several(cls, given: Any) -> Any:
        # A validator gets JSON's arrays as lists, which strictly are no tuples.
        return (
            (given,)
            if isinstance(given, str)
            else tuple(given)
            if isinstance(given, list)
            else given
        )

    @field_validator("model")
    @classmethod
    def _known_model(cls, given: str) -> str:
        if given not in config.MODELS:
            raise ValueError(f"unknown model{space.nearest(given, config.MODELS)}")
        return given

    @field_validator("objective")
    @classmethod
    def _known_measures(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        if not given or len(set(given)) < len(given):
            raise ValueError("expected one measure, or several different ones")
        for measure in given:
            if measure not in MEASURES:
                meant = space.nearest(measure.replace(TEST, "validation"), MEASURES)
                if TEST in measure.split("_"):
                    raise ValueError(
                        f"{measure} is a measure of the test set, which chooses nothing{meant}"
                    )
                raise ValueError(f"{measure} is no measure of a trial{meant}")
        return given

    @model_validator(mode="after")
    def _consistent(self) -> "Definition":
        if self.search != "grid" and self.budget == Budget():
            raise ValueError("budget: expected trials, minutes or epochs, received none of them")
        if self.stop_early and (len(self.objective) > 1 or self.objective[0] not in BY_EPOCH):
            raise ValueError(
                "stop_early: expected one objective that every epoch tells, "
                f"{' or '.join(BY_EPOCH)}, received {', '.join(self.objective)}"
            )
        if self.stop_early and self.model == "svc":
            raise ValueError("stop_early: svc has no epochs to be stopped after; leave it out")
        return self

    @property
    def directions(self) -> dict[str, Literal["maximize", "minimize"]]:
        return {measure: MEASURES[measure] for measure in self.objective}


class Sweep:
    """A checked definition, with the params.yaml that its trials begin with."""

    def __init__(self, name: str, definition: Definition, base: dict[str, Any]) -> None:
        """Check the space and the budget.

        Args:
            name: Of the file, without .yaml.
            definition: What it holds.
            base: params.yaml as it was read.

        Raises:
            UserError: naming all that is wrong with the space.

        """
        source = f"{name}.yaml"
        sections: dict[str, Any] = config.check(base)
        self.name, self.definition, self.base = name, definition, base
        self.space = space.parse(definition.space, base, definition.model, source)
        if sections["split"].validation == 0:
            raise UserError(
                f"{source}: expected a validation set to choose by, but split.validation is 0 in "
                "params.yaml"
            )
        early = definition.stop_early
        if early and early.after >= self.most_epochs():
            raise UserError(
                f"{source}: stop_early.after: expected fewer than the {self.most_epochs()} epochs "
                f"of the longest trial, received {early.after}"
            )
        if definition.search == "grid":
            endless = [one.key for one in self.space.parameters if one.domain.grid() is None]
            if endless:
                raise UserError(
                    f"{source}: search: grid needs a choice, an integer or a step at every key, "
                    f"and {', '.join(endless)} has none"
                )

    @property
    def model(self) -> str:
        return self.definition.model

    @property
    def trials(self) -> int | None:
        """At most so many; None if only time or epochs end the sweep."""
        known = [self.definition.budget.trials]
        if self.definition.search == "grid":
            known.append(sum(1 for _ in self.space.grid()))
        return min((count for count in known if count is not None), default=None)

    def most_epochs(self) -> int:
        """Epochs of the longest trial."""
        key = f"train.{self.model}.epochs"
        varied = {one.key: one.domain for one in self.space.parameters}
        if key in varied:
            return int(max(varied[key].extremes()))
        section = self.base["train"][self.model]
        return int(self.space.fixed.get(key, section.get("epochs", 1)))

    def parameters(self, values: space.Values) -> Any:
        """The typed section of the model in a trial; UserError if these values contradict."""
        tree = self.space.tree(self.base, values)
        return config.check(tree, f"a trial of {self.name}")[f"train.{self.model}"]


def names(folder: Path = FOLDER) -> list[str]:
    """The sweeps that are defined, in alphabetical order."""
    return sorted(path.stem for path in folder.glob("*.yaml"))


def load(path: Path) -> Sweep:
    """Read and check one definition, against the params.yaml of the project.

    Raises:
        UserError: if there is none, or naming what is wrong in it.

    """
    if not path.is_file():
        known = ", ".join(f"sweeps/{name}.yaml" for name in names())
        raise UserError(f"{path}: expected the file of a sweep, found none; defined are {known}")
    return Sweep(path.stem, parse(config.read(path), path.name), config.read(paths.PARAMS))


def parse(tree: dict[str, Any], source: str) -> Definition:
    """The definition that the file `source` holds; UserError names every wrong key."""
    try:
        return Definition.model_validate_json(json.dumps(tree), strict=True)
    except ValidationError as error:
        faults = [_fault(fault) for fault in error.errors()]
    raise UserError(document.listed(f"{source} has wrong values:", faults))


def _fault(fault: Any) -> str:
    key = ".".join(map(str, fault["loc"]))
    if fault["type"] == "extra_forbidden":
        parts: dict[str, type[Section]] = {"budget": Budget, "stop_early": StopEarly}
        known = parts.get(key.split(".")[0], Definition).model_fields
        return f"{key}: unknown key{space.nearest(str(fault['loc'][-1]), known)}"
    if fault["type"] == "missing":
        return f"{key}: this key is missing"
    message = str(fault["msg"]).removeprefix("Value error, ")
    if not key:
        return message
    return f"{key}: {message}, received {document.shown(fault['input'])}"
