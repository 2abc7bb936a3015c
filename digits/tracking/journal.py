"""The journal of a sweep: the files from which it resumes, is reported, and reaches MLflow.

`sweep.json` says what the sweep is, `trials.jsonl` has a line for each trial that began and one for
each that ended.  One process writes them; a line that was cut off by its death is not read.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Literal

from pydantic import AwareDatetime, Field

from digits.core import paths
from digits.core.errors import UserError
from digits.core.record import Count, Measure, Record

RESULTS = paths.ROOT / "sweeps" / "results"
"""Where sweeps are kept, a folder each, unless another place is named."""
HEADER, TRIALS, LOCK = "sweep.json", "trials.jsonl", "sweep.lock"
OUTCOME = "outcome.json"
"""What a sweep that came to its end leaves."""
State = Literal["finished", "stopped", "failed"]
"""Trained to its end; stopped early, by ASHA or at the end of the time; or without a result."""


class Header(Record):
    """sweep.json: what does not change while the sweep goes on, but for its budget."""

    sweep: str
    """Names the sweep for good."""
    name: str
    model: str
    dataset: str
    directions: dict[str, Literal["maximize", "minimize"]]
    """The objectives."""
    definition: dict[str, Any]
    params: dict[str, Any]
    """params.yaml, from which the trials differ."""
    sets: dict[str, dict[str, Any]]
    """Of the training and validation set the number of images and the SHA-256."""
    created: AwareDatetime


class Trial(Record):
    """A trial that has ended."""

    number: Count
    """From 0; a trial that is repeated keeps it."""
    state: State
    values: dict[str, Any]
    """By the dotted key in params.yaml."""
    measures: dict[str, float]
    """What the sweep is about and what is known beside; of a stopped trial, of its last epoch."""
    curve: tuple[dict[str, float], ...] = ()
    """A row an epoch, as in history.csv, with `seconds` since the trial began."""
    attempts: Count = 1
    """How often it was begun, because workers died."""
    started: Measure
    """Seconds since 1970."""
    seconds: Measure
    hardware: dict[str, str] = Field(default_factory=dict)
    """Device, its name, precision, threads, node."""
    error: str | None = None

    @property
    def epochs(self) -> int:
        return len(self.curve)


@dataclass
class Contents:
    """What the journal holds."""

    header: Header
    ended: list[Trial] = field(default_factory=list)
    """In the order in which they ended."""
    interrupted: dict[int, dict[str, Any]] = field(default_factory=dict)
    """The values of trials that began and did not end, by their number."""
    seconds: float = 0.0
    """That the sweep has run, over all times that it was begun."""


def exists(folder: Path) -> bool:
    """Whether a sweep has begun in a folder."""
    return (folder / HEADER).is_file()


def read(folder: Path) -> Contents:
    """Read a sweep; UserError if it is damaged."""
    contents = Contents(Header.read(folder / HEADER))
    for line in lines(folder):
        match line:
            case {"begun": int(number), "values": values}:
                contents.interrupted[number] = values
            case {"ended": trial}:
                ended = Trial.of(trial, TRIALS)
                contents.interrupted.pop(ended.number, None)
                contents.ended.append(ended)
                contents.seconds += line.get("lasted", 0.0)
    return contents


def lines(folder: Path, start: int = 0) -> Iterator[dict[str, Any]]:
    """The whole lines of trials.jsonl from a byte on; raises UserError at one that is damaged."""
    path = folder / TRIALS
    if not path.is_file():
        return
    with path.open("rb") as file:
        file.seek(start)
        for line in file:
            if not line.endswith(b"\n"):
                return
            try:
                yield json.loads(line)
            except ValueError:
                raise UserError(
                    f"{path} is damaged at {line[:40]!r}; remove that line, and its trial is run "
                    "again with --resume"
                ) from None


class Writer:
    """The one process that writes a journal.

    Raises:
        UserError: if another one does.

    """

    def __init__(self, folder: Path) -> None:
        from filelock import FileLock, Timeout

        self._lock = FileLock(folder / LOCK)
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise UserError(
                f"another process runs the sweep in {folder}; wait for it or end it"
            ) from None
        self._file = _whole(folder / TRIALS)

    def begin(self, number: int, values: dict[str, Any]) -> None:
        """A trial begins; that it is repeated with the same values needs no more than this line."""
        self._write({"begun": number, "values": values})

    def end(self, trial: Trial, lasted: float) -> None:
        """A trial has ended; returns when that is on the disk.

        Args:
            trial: The trial.
            lasted: Seconds that the sweep has run since the last trial ended.

        """
        self._write({"ended": trial.as_dict(), "lasted": round(lasted, 3)})
        os.fsync(self._file.fileno())

    def _write(self, line: dict[str, Any]) -> None:
        self._file.write(json.dumps(line, allow_nan=False).encode() + b"\n")
        self._file.flush()

    def close(self) -> None:
        """Let another process write."""
        self._file.close()
        self._lock.release()


def _whole(path: Path) -> IO[bytes]:
    """The file, open at its end, without a last line that was cut off."""
    file = path.open("ab+")
    file.seek(0)
    content = file.read()
    if content and not content.endswith(b"\n"):
        file.truncate(content.rfind(b"\n") + 1)
    file.seek(0, os.SEEK_END)
    return file
