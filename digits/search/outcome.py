"""What a sweep found: counted, ranked, with intervals, from its journal alone."""

import math
import statistics
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from digits.inference import scoring
from digits.search.definition import Sweep
from digits.search.proposals import Proposals
from digits.tracking.journal import Contents, Trial

ACCURACY = "validation_accuracy"
FEWEST = 10
"""Finished trials that tell how much a parameter matters."""


@dataclass(frozen=True)
class Repeated:
    """Trials that differ in nothing but the seed."""

    values: dict[str, Any]
    """Without the seed."""
    trials: tuple[Trial, ...]
    mean: float
    """Of the first objective, as are the others."""
    deviation: float | None
    """The standard deviation between seeds; None of one trial."""
    low: float | None
    high: float | None
    """Student's 95% interval of the mean."""


@dataclass(frozen=True)
class Outcome:
    """What there is to tell of a sweep."""

    sweep: Sweep
    contents: Contents
    front: tuple[Trial, ...]
    """The best finished trial; of several objectives, all that no other one is better than in
    everything, the best by the first objective first."""
    interval: tuple[float, float] | None
    """Of the best validation accuracy: Wilson's, 95%, over the validation images."""
    alike: tuple[Trial, ...]
    """Finished trials within that interval."""
    importance: dict[str, float]
    """Of every key that all trials vary, adding up to 1; empty where too few trials tell it."""
    seeds: tuple[Repeated, ...]
    """Where the sweep varies the seed: the best mean first."""

    @property
    def ended(self) -> Sequence[Trial]:
        return self.contents.ended

    @property
    def counts(self) -> dict[str, int]:
        states = [trial.state for trial in self.ended]
        return {state: states.count(state) for state in ("finished", "stopped", "failed")}

    @property
    def epochs(self) -> int:
        return sum(trial.epochs for trial in self.ended)

    @property
    def trial_seconds(self) -> float:
        return sum(trial.seconds for trial in self.ended)

    @property
    def winning(self) -> dict[str, Any] | None:
        """The values to be taken over; None if no trial has finished.

        Of repeated trials those of the best mean, and no seed: that one was luckier than others
        is nothing to keep.
        """
        if self.seeds:
            return self.seeds[0].values
        return self.front[0].values if self.front else None


def of(sweep: Sweep, contents: Contents) -> Outcome:
    """Look at what a journal holds."""
    directions = sweep.definition.directions
    finished = [trial for trial in contents.ended if trial.state == "finished"]
    front = _front(finished, directions)
    interval, alike = None, tuple(front)
    if front and next(iter(directions)) == ACCURACY:
        images = contents.header.sets["validation"]["images"]
        best = front[0].measures[ACCURACY]
        interval = scoring.wilson(round(best * images), images)
        alike = tuple(trial for trial in finished if trial.measures[ACCURACY] >= interval[0])
    return Outcome(
        sweep=sweep,
        contents=contents,
        front=tuple(front),
        interval=interval,
        alike=alike,
        importance=_importance(sweep, contents),
        seeds=tuple(_repeated(sweep, finished)),
    )


def _front(finished: Sequence[Trial], directions: dict[str, Any]) -> list[Trial]:
    signs = {name: 1 if way == "maximize" else -1 for name, way in directions.items()}

    def figures(trial: Trial) -> tuple[float, ...]:
        return tuple(sign * trial.measures[name] for name, sign in signs.items())

    ranked = sorted(finished, key=lambda trial: (*(-one for one in figures(trial)), trial.number))
    if len(signs) == 1:
        return ranked[:1]
    front: list[Trial] = []
    # What beats a trial in everything stands before it in this order.
    for trial in ranked:
        mine = figures(trial)
        if not any(
            all(theirs >= own for theirs, own in zip(figures(other), mine, strict=True))
            for other in front
        ):
            front.append(trial)
    return front


def _importance(sweep: Sweep, contents: Contents) -> dict[str, float]:
    """How much each parameter decides whether a trial is among the best (PED-ANOVA)."""
    from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

    study = Proposals(sweep, contents.ended, {}).study
    direction = next(iter(sweep.definition.directions.values()))
    sign = 1 if direction == "minimize" else -1
    if sum(trial.state == "finished" for trial in contents.ended) < FEWEST:
        return {}
    try:
        with warnings.catch_warnings():
            # That the target is taken for one to be low, which the sign makes it.
            warnings.simplefilter("ignore")
            found = get_param_importances(
                study,
                evaluator=PedAnovaImportanceEvaluator(),
                target=lambda trial: sign * trial.values[0],
            )
    except (RuntimeError, ValueError):  # all with the same result
        return {}
    total = sum(found.values())
    if not total or not math.isfinite(total):
        return {}
    return {key: value / total for key, value in found.items()}


def _repeated(sweep: Sweep, finished: Sequence[Trial]) -> list[Repeated]:
    seed = f"train.{sweep.model}.seed"
    if seed not in {one.key for one in sweep.space.parameters}:
        return []
    measure, direction = next(iter(sweep.definition.directions.items()))
    groups: dict[str, list[Trial]] = {}
    for trial in finished:
        groups.setdefault(repr(_without(trial.values, seed)), []).append(trial)
    repeated = []
    for trials in groups.values():
        figures = [trial.measures[measure] for trial in trials]
        mean, deviation, low, high = statistics.fmean(figures), None, None, None
        if len(figures) > 1:
            deviation = statistics.stdev(figures)
            half = _student(len(figures)) * deviation / math.sqrt(len(figures))
            low, high = mean - half, mean + half
        values = _without(trials[0].values, seed)
        repeated.append(Repeated(values, tuple(trials), mean, deviation, low, high))
    return sorted(repeated, key=lambda one: one.mean, reverse=direction == "maximize")


def _without(values: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in sorted(values.items()) if name != key}


def _student(count: int) -> float:
    from scipy.stats import t

    return float(t.ppf((1 + scoring.CONFIDENCE) / 2, count - 1))
