"""What a sweep may vary: choices and ranges at keys of params.yaml, some under conditions.

The tree has the keys of params.yaml.  Where that holds a value, the tree holds another one for all
trials, or an entry: `choice`, `range`, `log_range`, `integer` or `log_integer`, with `step` and
`when` where they are wanted.
"""

import copy
import difflib
import itertools
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from digits.core import config, document
from digits.core.errors import UserError

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.trial import Trial

CHOICE = "choice"
RANGES = ("range", "log_range", "integer", "log_integer")
KINDS = (CHOICE, *RANGES)
WORDS = (*KINDS, "step", "when")
DIGITS = 4
"""Significant ones, of a number that is drawn."""
MOST_STEPS = 1_000_000
"""Values of a range that a grid goes through."""
Values = dict[str, Any]
"""Of a trial, by the dotted key in params.yaml."""


@dataclass(frozen=True)
class Choice:
    """One of some values, of any kind that params.yaml takes."""

    values: tuple[Any, ...]

    def distribution(self) -> "BaseDistribution":
        from optuna.distributions import CategoricalDistribution

        # Optuna's choices are single values; a list of widths is none.
        return CategoricalDistribution([json.dumps(value) for value in self.values])

    def suggest(self, key: str, trial: "Trial") -> Any:
        return json.loads(trial.suggest_categorical(key, [json.dumps(one) for one in self.values]))

    def encoded(self, value: Any) -> Any:
        return json.dumps(value)

    def extremes(self) -> tuple[Any, ...]:
        return self.values

    def grid(self) -> Iterable[Any] | None:
        return self.values


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`, both included."""

    low: float
    high: float
    log: bool
    integer: bool
    step: float | None

    def distribution(self) -> "BaseDistribution":
        from optuna.distributions import FloatDistribution, IntDistribution

        if self.integer:
            step = int(self.step or 1)
            return IntDistribution(int(self.low), int(self.high), log=self.log, step=step)
        return FloatDistribution(self.low, self.high, log=self.log, step=self.step)

    def suggest(self, key: str, trial: "Trial") -> Any:
        if self.integer:
            low, high, step = int(self.low), int(self.high), int(self.step or 1)
            return self.decoded(trial.suggest_int(key, low, high, step=step, log=self.log))
        return self.decoded(
            trial.suggest_float(key, self.low, self.high, step=self.step, log=self.log)
        )

    def encoded(self, value: Any) -> Any:
        return value

    def decoded(self, drawn: Any) -> Any:
        # Optuna computes with numpy's numbers, which no YAML or JSON takes.
        if self.integer:
            return int(drawn)
        # More digits would tell nothing, and stand in params.yaml.
        return min(max(float(f"{drawn:.{DIGITS}g}"), float(self.low)), float(self.high))

    def extremes(self) -> tuple[Any, ...]:
        return self.decoded(self.low), self.decoded(self.high)

    def grid(self) -> Iterable[Any] | None:
        step = self.step or (1 if self.integer and not self.log else None)
        if step is None or (count := math.floor((self.high - self.low) / step + 1e-9)) > MOST_STEPS:
            return None
        return [self.decoded(self.low + place * step) for place in range(count + 1)]


@dataclass(frozen=True)
class Parameter:
    """A key of params.yaml that trials may differ in."""

    key: str
    domain: Choice | Range
    when: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    """Values that others must have for this one to be varied; else params.yaml's holds."""

    def applies(self, values: Values) -> bool:
        return all(key in values and values[key] in wanted for key, wanted in self.when.items())


@dataclass(frozen=True)
class Space:
    """All that the trials of a sweep may differ in, and what all of them share."""

    parameters: tuple[Parameter, ...]
    fixed: Values
    """What differs from params.yaml in every trial."""

    def suggest(self, trial: "Trial") -> Values:
        """The values that Optuna's sampler gives a trial, parameter by parameter."""
        values: Values = {}
        for one in self.parameters:
            if one.applies(values):
                values[one.key] = one.domain.suggest(one.key, trial)
        return values

    def encoded(self, values: Values) -> tuple[dict[str, Any], dict[str, "BaseDistribution"]]:
        """A trial's values as Optuna has them, and the distributions that they were drawn from."""
        varied = [one for one in self.parameters if one.key in values]
        return (
            {one.key: one.domain.encoded(values[one.key]) for one in varied},
            {one.key: one.domain.distribution() for one in varied},
        )

    def grid(self) -> Iterator[Values]:
        """Every combination, the last parameter changing first."""
        return _combinations(self.parameters, {})

    def tree(self, base: Mapping[str, Any], values: Values) -> dict[str, Any]:
        """params.yaml as a trial with these values has it."""
        tree = copy.deepcopy(dict(base))
        for key, value in (self.fixed | values).items():
            put(tree, key, value)
        return tree


def _combinations(parameters: tuple[Parameter, ...], values: Values) -> Iterator[Values]:
    if not parameters:
        yield dict(values)
        return
    first, *rest = parameters
    if not first.applies(values):
        yield from _combinations(tuple(rest), values)
        return
    for value in first.domain.grid() or ():
        yield from _combinations(tuple(rest), values | {first.key: value})


def put(tree: Any, key: str, value: Any) -> None:
    """Set the value at a dotted key whose sections are there."""
    *sections, last = key.split(".")
    for section in sections:
        tree = tree[section]
    tree[last] = copy.deepcopy(value)


def get(tree: Any, key: str) -> Any:
    """The value at a dotted key."""
    for section in key.split("."):
        tree = tree[section]
    return tree


def nearest(word: str, known: Iterable[str]) -> str:
    """The end of a message about an unknown word: the known one that is meant, or all of them."""
    named = list(known)
    matches = difflib.get_close_matches(word, named, n=1, cutoff=0.5)
    return f"; did you mean '{matches[0]}'?" if matches else f"; known are {', '.join(named)}"


def parse(tree: Mapping[str, Any], base: Mapping[str, Any], model: str, source: str) -> Space:
    """Read the space of a sweep of one model.

    Args:
        tree: The section `space` of the definition.
        base: params.yaml as it was read, and is right.
        model: The model; its section is the only one that may be varied.
        source: What messages call the definition.

    Raises:
        UserError: naming every key that params.yaml does not have and every value that it would
            not take, with what was expected there.

    """
    space, faults = _read(tree, base, model)
    if not faults:
        faults = list(dict.fromkeys(_refused(space, base)))
    if not faults and not space.parameters:
        faults = [f"space: expected an entry with one of {', '.join(KINDS)}, received none"]
    if faults:
        raise UserError(
            document.listed(f"{source} has {len(faults)} wrong value(s) in its space:", faults)
        )
    return space


def _read(tree: Mapping[str, Any], base: Mapping[str, Any], model: str) -> tuple[Space, list[str]]:
    faults: list[str] = []
    parameters: list[Parameter] = []
    fixed: Values = {}

    def walk(node: Any, known: Any, path: str) -> None:
        entry = isinstance(node, dict) and any(word in node for word in KINDS)
        if entry or (isinstance(node, dict) and not isinstance(known, dict)):
            try:
                parameters.append(_entry(path, node, parameters))
            except UserError as error:
                faults.append(f"{path}: {error}")
        elif not isinstance(known, dict):
            fixed[path] = node
        elif not isinstance(node, dict):
            faults.append(f"{path}: expected keys of params.yaml, received {document.shown(node)}")
        else:
            for key, below in node.items():
                if key in known:
                    walk(below, known[key], f"{path}.{key}")
                else:
                    faults.append(f"{path}.{key}: unknown key{nearest(key, known)}")

    for section, given in tree.items():
        inside = given if isinstance(given, dict) else {}
        others = set(inside) - {model} if section == "train" else {section}
        for other in sorted(others):
            named = f"train.{other}" if section == "train" else other
            meant = nearest(other, [model]) if section == "train" else nearest(section, ["train"])
            faults.append(f"{named}: a sweep of {model} varies train.{model} alone{meant}")
        if section == "train" and model in inside:
            walk(inside[model], base["train"][model], f"train.{model}")
    return Space(tuple(parameters), fixed), faults


def _entry(key: str, given: Mapping[str, Any], above: Iterable[Parameter]) -> Parameter:
    """One entry of a space; UserError says what is wrong with it, without its key."""
    if unknown := [word for word in given if word not in WORDS]:
        raise UserError(f"unknown word '{unknown[0]}'{nearest(unknown[0], WORDS)}")
    kinds = [word for word in given if word in KINDS]
    if len(kinds) != 1:
        received = " and ".join(kinds) or "none"
        raise UserError(f"expected one of {', '.join(KINDS)}, received {received}")
    kind, bounds = kinds[0], given[kinds[0]]
    when = _conditions(given.get("when", {}), above)
    if kind == CHOICE:
        if not isinstance(bounds, list) or not bounds or "step" in given:
            raise UserError(
                "expected a list of values for choice, and no step, received "
                f"{document.shown(given)}"
            )
        if len({json.dumps(value) for value in bounds}) < len(bounds):
            raise UserError(f"expected every choice once, received {document.shown(bounds)}")
        return Parameter(key, Choice(tuple(bounds)), when)
    return Parameter(key, _range(kind, bounds, given.get("step")), when)


def _range(kind: str, bounds: Any, step: Any) -> Range:
    log, integer = kind.startswith("log_"), kind.endswith("integer")
    numbers = int if integer else (int, float)
    wanted = "two whole numbers" if integer else "two numbers"
    if (
        not isinstance(bounds, list)
        or len(bounds) != 2
        or not all(isinstance(one, numbers) and not isinstance(one, bool) for one in bounds)
        or not -math.inf < bounds[0] < bounds[1] < math.inf
    ):
        raise UserError(
            f"expected {wanted} for {kind}, the smaller one first, received "
            f"{document.shown(bounds)}"
        )
    low, high = bounds
    if log and low <= 0:
        raise UserError(f"expected numbers above 0 for {kind}, received {document.shown(bounds)}")
    if step is not None and (
        log or isinstance(step, bool) or not isinstance(step, numbers) or not 0 < step <= high - low
    ):
        raise UserError(
            "expected a step above 0 that is no larger than the range, of range or integer, "
            f"received {document.shown(step)} with {kind}"
        )
    return Range(low, high, log, integer, step)


def _conditions(given: Any, above: Iterable[Parameter]) -> dict[str, tuple[Any, ...]]:
    known = {one.key: one.domain for one in above}
    if not isinstance(given, dict):
        raise UserError(f"when: expected keys with values, received {document.shown(given)}")
    conditions = {}
    for key, wanted in given.items():
        domain = known.get(key)
        if not isinstance(domain, Choice):
            choices = [name for name, one in known.items() if isinstance(one, Choice)]
            raise UserError(
                f"when: expected a choice that stands above, received '{key}'"
                f"{nearest(key, choices) if choices else '; none stands there'}"
            )
        values = tuple(wanted) if isinstance(wanted, list) else (wanted,)
        if unknown := [value for value in values if value not in domain.values]:
            raise UserError(f"when: {key} is never {document.shown(unknown[0])}")
        conditions[key] = values
    return conditions


def _refused(space: Space, base: Mapping[str, Any]) -> Iterator[str]:
    """What the classes of params.yaml say of every fixed value, choice and end of a range."""
    alone = [space.tree(base, {})]
    varied = (
        space.tree(base, {one.key: value})
        for one in space.parameters
        for value in one.domain.extremes()
    )
    for tree in itertools.chain(alone, varied):
        try:
            config.check(tree)
        except UserError as error:
            yield from (line.strip() for line in str(error).splitlines()[1:])
