"""From what the workers report to the journal: each trial once, whatever becomes of them."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from digits.search import worker
from digits.search.proposals import Proposals
from digits.tracking.journal import State, Trial, Writer

LONGEST_REASON = 400
"""Characters of what Ray says of a death."""
Tell = Callable[[Trial | None], None]
"""Called with each trial that has ended, and with None when one has begun or got on."""


@dataclass
class Running:
    """A trial that has begun."""

    number: int
    values: dict[str, Any]
    started: float
    attempts: int = 0
    rows: list[dict[str, float]] = field(default_factory=list)
    outcome: dict[str, Any] | None = None
    failed: str | None = None
    hardware: dict[str, str] = field(default_factory=dict)


class Recorder:
    """Writes the journal, and tells the proposals and the display."""

    def __init__(
        self, journal: Writer, proposals: Proposals, tell: Tell, seconds: float | None = None
    ) -> None:
        """Nothing has begun.

        Args:
            journal: What is written.
            proposals: What learns.
            tell: What shows.
            seconds: After which the sweep is over.

        """
        self.running: dict[int, Running] = {}
        self.failure: BaseException | None = None
        """What keeps the journal from being written: then nothing may go on."""
        self._journal, self._proposals, self._tell = journal, proposals, tell
        self._clock = time.monotonic()
        self._over = math.inf if seconds is None else self._clock + seconds

    @property
    def is_over(self) -> bool:
        """Whether all is to be stopped."""
        return self.failure is not None or time.monotonic() >= self._over

    def begin(self, number: int, values: dict[str, Any]) -> None:
        """A worker takes the trial, for the first time or again after another one has died."""
        if number not in self.running:
            self.running[number] = Running(number, values, time.time())
            self._guarded(lambda: self._journal.begin(number, values))
        one = self.running[number]
        one.attempts += 1
        self._proposals.epochs -= len(one.rows)
        one.rows.clear()
        self._tell(None)

    def hear(self, number: int, result: dict[str, Any]) -> None:
        """Epochs, the outcome, or a fault, as `worker.attempt` reports them."""
        one = self.running[number]
        rows = result.get(worker.ROWS, [])
        one.rows += rows
        self._proposals.epochs += len(rows)
        one.outcome = result.get(worker.OUTCOME, one.outcome)
        one.failed = result.get(worker.FAILED, one.failed)
        one.hardware = result.get("hardware", one.hardware)
        self._tell(None)

    def complete(self, number: int) -> None:
        """The training came to its end, or ASHA stopped it."""
        if (one := self.running.pop(number, None)) is None:
            return
        if one.failed is not None:
            self._end(one, "failed", error=one.failed)
        elif one.outcome is not None:
            self._end(one, "finished")
        else:
            self._end(one, "stopped")

    def lose(self, number: int, why: str) -> None:
        """The last worker that the trial may have has died."""
        if (one := self.running.pop(number, None)) is not None:
            shown = " ".join(why.split())[:LONGEST_REASON]
            self._end(one, "failed", error=f"{one.attempts} workers died: {shown}")

    def close(self) -> None:
        """Time is up: what has trained an epoch was stopped, the rest has not begun."""
        for one in list(self.running.values()):
            if one.rows and self.failure is None:
                self._end(one, "stopped")
        self.running.clear()

    def _end(self, one: Running, state: State, error: str | None = None) -> None:
        now = time.monotonic()
        told = one.outcome or {"measures": _last(one.rows), "hardware": one.hardware}
        measures = {name: value for name, value in told["measures"].items() if math.isfinite(value)}
        wanted = self._proposals.sweep.definition.objective
        missing = [name for name in wanted if name not in measures]
        if state == "finished" and missing:
            state, error = "failed", f"{', '.join(missing)}: not a finite number"
        trial = Trial(
            number=one.number,
            state=state,
            values=one.values,
            measures=measures if state != "failed" else {},
            curve=tuple(_finite(row) for row in one.rows),
            attempts=one.attempts,
            started=one.started,
            seconds=round(time.time() - one.started, 3),
            hardware=told["hardware"],
            error=error,
        )
        self._guarded(lambda: self._journal.end(trial, now - self._clock))
        self._clock = now
        self._proposals.tell(trial)
        self._tell(trial)

    def _guarded(self, write: Callable[[], None]) -> None:
        """Tune would log a fault of a callback and go on."""
        try:
            write()
        except OSError as error:
            self.failure = self.failure or error


def _last(rows: list[dict[str, float]]) -> dict[str, float]:
    last = rows[-1] if rows else {}
    return {name: value for name, value in last.items() if name.startswith("validation_")}


def _finite(row: dict[str, float]) -> dict[str, float]:
    return {name: float(value) for name, value in row.items() if math.isfinite(value)}
