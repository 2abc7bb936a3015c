"""How a sweep gets on: a table on a terminal, a line for each trial elsewhere."""

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from digits.report import text
from digits.search.definition import Sweep
from digits.search.plan import duration
from digits.tracking.journal import Trial
from digits.tracking.sweeps import better

if TYPE_CHECKING:
    from rich.table import Table

LAST = 8
"""Ended trials in the table."""
REFRESH_SECONDS = 0.5


class Progress:
    """Shows trials as they end; a context around the sweep."""

    def __init__(self, sweep: Sweep, done: int) -> None:
        self.sweep, self._done, self._before = sweep, done, done
        self._best: dict[str, float] = {}
        self._counts = {"finished": 0, "stopped": 0, "failed": 0}
        self._last: list[Trial] = []
        self._began = time.monotonic()
        self._live: Any = None

    def __enter__(self) -> Self:
        if sys.stdout.isatty():
            from rich.live import Live

            self._live = Live(
                get_renderable=self._table, refresh_per_second=1 / REFRESH_SECONDS, transient=True
            )
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def __call__(self, trial: Trial | None) -> None:
        """A trial has ended (or, None, something else has happened)."""
        if trial is None:
            return
        self._done += 1
        self._counts[trial.state] += 1
        self._last = [*self._last, trial][-LAST:]
        better(self._best, trial, self.sweep.definition.directions)
        if self._live is None:
            print(" ".join(self._cells(trial)), flush=True)

    def _cells(self, trial: Trial) -> tuple[str, ...]:
        prefix = f"train.{self.sweep.model}."
        values = ", ".join(
            f"{key.removeprefix(prefix)} {shown(value)}" for key, value in trial.values.items()
        )
        told = trial.error or ", ".join(
            measure_text(name, trial.measures[name])
            for name in self.sweep.definition.objective
            if name in trial.measures
        )
        epochs = text.count(trial.epochs, "epoch")
        return (
            f"trial {trial.number}",
            trial.state,
            told,
            epochs,
            text.seconds(trial.seconds),
            values,
        )

    def _table(self) -> "Table":
        from rich.markup import escape
        from rich.table import Table

        elapsed = time.monotonic() - self._began
        known = self._done - self._before
        ahead = ""
        if self.sweep.trials and known:
            left = elapsed / known * max(0, self.sweep.trials - self._done)
            ahead = f", about {duration(left)} to go"
        counted = ", ".join(f"{count} {state}" for state, count in self._counts.items() if count)
        best = ", ".join(measure_text(name, value) for name, value in self._best.items())
        of = f" of {self.sweep.trials}" if self.sweep.trials else ""
        table = Table(
            *("trial", "state", "objective", "trained", "time", "values"),
            title=f"{self._done}{of} trials ({counted or 'none has ended'}), "
            f"{duration(elapsed)}{ahead}; best {best or 'not known yet'}",
            box=None,
        )
        for trial in self._last:
            table.add_row(*map(escape, self._cells(trial)))
        return table


def shown(value: Any) -> str:
    """A parameter's value for people: four digits of a fraction."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def measure_text(name: str, value: float) -> str:
    """A measure with its name, as in "validation_accuracy 98.62%"."""
    if name == "validation_accuracy":
        return f"{name} {text.percent(value)}"
    return f"{name} {text.significant(value, 4)}"
