"""What to try next: Optuna's samplers, or every combination.

All that is known comes from the journal, so that a sweep that is resumed goes on as it was.
"""

import itertools
import math
import random
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from digits.search.definition import Sweep
from digits.search.space import Values
from digits.tracking.journal import Trial

if TYPE_CHECKING:
    import optuna

STARTUP = 10
"""Random trials before the first one that learns from others."""
STATES = {"finished": "COMPLETE", "stopped": "PRUNED", "failed": "FAIL"}
"""Optuna's names."""


class Proposals:
    """Proposes values while the budget lasts."""

    def __init__(
        self, sweep: Sweep, ended: Iterable[Trial], interrupted: dict[int, Values]
    ) -> None:
        """Learn from the trials that have ended.

        Args:
            sweep: What is searched.
            ended: The trials that have ended before.
            interrupted: Values of trials that began and did not end: they are tried first.

        """
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        ended = list(ended)
        self.sweep = sweep
        self.epochs = 0
        """That were trained, those of running trials included."""
        self._waiting = sorted(interrupted.items())
        self._round: int | None = None
        self._next = 1 + max([*(one.number for one in ended), *interrupted], default=-1)
        self._asked: dict[int, optuna.Trial] = {}
        self._grid: Iterator[Values] | None = None
        if sweep.definition.search == "grid":
            self._grid = itertools.islice(_combinations(sweep), self._next, None)
        self.study = optuna.create_study(
            directions=list(sweep.definition.directions.values()), sampler=self._sampler()
        )
        for trial in ended:
            self.tell(trial)
            self.epochs += trial.epochs

    def _sampler(self) -> "optuna.samplers.BaseSampler":
        import optuna

        # Another seed after every resumption: the same one would propose the same again.
        seed = (self.sweep.definition.seed + self._next) % 2**32
        if self.sweep.definition.search == "random":
            return optuna.samplers.RandomSampler(seed=seed)
        return optuna.samplers.TPESampler(
            n_startup_trials=STARTUP, constant_liar=True, multivariate=True, seed=seed
        )

    @property
    def has_more(self) -> bool:
        """Whether there is anything to propose in a further round."""
        return bool(self._waiting) or not self.exhausted

    def begin_round(self, trials: int) -> None:
        """Propose no more than so many, until the next round begins."""
        self._round = trials

    @property
    def exhausted(self) -> bool:
        """Whether the budget has no further trial; those that were interrupted are not counted."""
        budget, most = self.sweep.definition.budget, self.sweep.trials
        return (most is not None and self._next >= most) or (
            budget.epochs is not None and self.epochs >= budget.epochs
        )

    def propose(self) -> tuple[int, Values] | None:
        """The number and the values of the next trial; None if budget or round have none."""
        if self._round is not None:
            if self._round == 0:
                return None
            self._round -= 1
        if self._waiting:
            return self._waiting.pop(0)
        if self.exhausted:
            return None
        number = self._next
        if self._grid is not None:
            values = next(self._grid, {})
        else:
            self._asked[number] = self.study.ask()
            values = self.sweep.space.suggest(self._asked[number])
        self._next += 1
        return number, values

    def tell(self, trial: Trial) -> None:
        """Learn from a trial that has ended."""
        from optuna.trial import TrialState, create_trial

        directions = self.sweep.definition.directions
        state = TrialState[STATES[trial.state]]
        values = [trial.measures.get(measure, math.nan) for measure in directions]
        asked = self._asked.pop(trial.number, None)
        if asked is None:
            params, distributions = self.sweep.space.encoded(trial.values)
            self.study.add_trial(
                create_trial(
                    state=state,
                    values=values if state == TrialState.COMPLETE else None,
                    params=params,
                    distributions=distributions,
                    intermediate_values=self._by_epoch(trial),
                )
            )
            return
        if state == TrialState.PRUNED:
            for epoch, value in self._by_epoch(trial).items():
                asked.report(value, epoch)
        self.study.tell(asked, values if state == TrialState.COMPLETE else None, state=state)

    def _by_epoch(self, trial: Trial) -> dict[int, float]:
        measures = list(self.sweep.definition.directions)
        if trial.state != "stopped" or len(measures) > 1:
            return {}
        return {
            int(row["epoch"]): row[measures[0]] for row in trial.curve[-1:] if measures[0] in row
        }


def _combinations(sweep: Sweep) -> Iterator[Values]:
    """The grid, in its order; where ASHA stops trials, in one that is as good as random.

    ASHA holds a trial against those before it: in the order of a rate of learning each may be
    better than the last one, and none would be stopped.
    """
    if sweep.definition.stop_early is None:
        return sweep.space.grid()
    combinations = list(sweep.space.grid())
    random.Random(sweep.definition.seed).shuffle(combinations)
    return iter(combinations)
