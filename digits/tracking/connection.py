"""How MLflow's store is reached: its address, its lock, and how long it is waited for.

Nothing here loads MLflow.
"""

import contextlib
import os
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from digits.core import paths
from digits.core.errors import UserError

if TYPE_CHECKING:
    from filelock import BaseFileLock

LOCAL = f"sqlite:///{paths.STORE}"
PATIENCE_SECONDS = 15.0
"""How long a program waits in all for a store that does not answer."""
NOTICE_SECONDS = 2.0
"""After so long it is said what is waited for."""
MOMENT = 0.01
LOCK_SECONDS = 120.0
"""How long another process may hold the store; to make a new one takes up to a minute."""
SETTINGS = {
    # MLflow's own patience with a server that does not answer is minutes, and it likes to talk.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
CUT_OFF = ("duplicate column", "already exists", "no such table", "no such column")
"""What SQLite says of a store whose creation or upgrade did not come to its end."""
OTHER_VERSION = ("out-of-date database schema", "Can't locate revision")


def address() -> str:
    """The store's address: MLFLOW_TRACKING_URI, or SQLite in the project's root."""
    return os.environ.get("MLFLOW_TRACKING_URI") or LOCAL


def file() -> Path | None:
    """The SQLite file that is the store, or None where it is a server."""
    scheme, _, path = address().partition(":///")
    return Path(path.partition("?")[0]).absolute() if scheme == "sqlite" else None


def is_made() -> bool:
    """Whether there is a store: the one in the project's root is made by the first run."""
    return address() != LOCAL or paths.STORE.is_file()


class Unanswered(BaseException):
    """The store did not answer in time; no library may take it for an error to try again."""


class Patience:
    """How much longer a server is waited for; what answers uses none of it up.

    Args:
        seconds: How long in all.
        announced: Whether to say what is waited for.

    """

    def __init__(self, seconds: float = PATIENCE_SECONDS, announced: bool = True) -> None:
        self.left = seconds
        self._announced = announced

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        """Interrupt the block when it has used up the patience.

        Works in the main thread, where Python carries out signals; a local file is not limited.

        Raises:
            Unanswered: if all that was left went by.

        """
        limit = self.left
        if file() is not None or threading.current_thread() is not threading.main_thread():
            yield
            return
        if limit <= 0:
            raise Unanswered
        end = time.monotonic() + limit

        def on_alarm(number: int, frame: FrameType | None) -> None:
            remaining = end - time.monotonic()
            if remaining < MOMENT:
                self.left = 0
                raise Unanswered
            if self._announced:
                self._announced = False
                print(
                    f"waiting for MLflow's store {address()}, at most {self.left:.0f} s",
                    file=sys.stderr,
                )
            signal.setitimer(signal.ITIMER_REAL, remaining)

        before = signal.signal(signal.SIGALRM, on_alarm)
        signal.setitimer(signal.ITIMER_REAL, min(NOTICE_SECONDS, limit))
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)


def lock() -> "BaseFileLock":
    """The lock under which this machine's processes make, upgrade and write to the store.

    SQLite's file breaks where two make it at once, and of two that look for a run and make it if
    there is none, both do.
    """
    from filelock import FileLock

    store = file() or paths.STORE
    store.parent.mkdir(parents=True, exist_ok=True)
    return FileLock(store.with_suffix(".lock"))


@contextlib.contextmanager
def locked(held: "BaseFileLock") -> Iterator[None]:
    """Hold the lock; say so where another process keeps this one waiting.

    Raises:
        UserError: if it does not let go.

    """
    from filelock import Timeout

    try:
        held.acquire(timeout=NOTICE_SECONDS)
    except Timeout:
        print(f"waiting for another process that writes to {address()}", file=sys.stderr)
        try:
            held.acquire(timeout=LOCK_SECONDS)
        except Timeout:
            raise UserError(
                f"another process has been holding {held.lock_file} for "
                f"{LOCK_SECONDS:.0f} s; wait for it or end it, then run the same command again"
            ) from None
    try:
        yield
    finally:
        held.release()


def check_file() -> None:
    """Ask a SQLite file, if there is one, for anything: MLflow would try for minutes.

    Raises:
        sqlite3.Error: if it cannot be read, or is another file.

    """
    if (store := file()) is not None and store.exists():
        with contextlib.closing(sqlite3.connect(f"{store.as_uri()}?mode=rw", uri=True)) as opened:
            opened.execute("PRAGMA schema_version").fetchone()


def remedy(error: BaseException, task: str) -> str:
    """One line that says why the store cannot be used, and what to do before `task` is repeated."""
    if isinstance(error, UserError):
        return str(error)
    said = str(error)
    why = f"{type(error).__name__}: {said.partition(chr(10))[0]}"
    if isinstance(error, Unanswered):
        why = f"it did not answer within {PATIENCE_SECONDS:.0f} s"
    begin, again = f"MLflow's store {address()} cannot be used:", f"then run `{task}`"
    store = file()
    cut_off, other = (any(part in said for part in signs) for signs in (CUT_OFF, OTHER_VERSION))
    if store is None or not (cut_off or other):
        return f"{begin} {why}. Check that it runs and may be written to, {again}"
    anew = (
        f"move it away with `mv {store} {_free(store)}`; `digits sync` then writes the runs of the "
        "working tree and of the experiments into a new store"
    )
    if cut_off:
        return f"{begin} its creation or an upgrade of it was cut off ({why}); {anew}"
    return (
        f"{begin} another version of MLflow made it ({why}). Copy the file and run "
        f"`mlflow db upgrade {address()}`, {again}; where the upgrade fails, {anew}"
    )


def _free(store: Path) -> Path:
    """A name beside the store that nothing has."""
    names = (store.with_stem(f"{store.stem}-broken{number or ''}") for number in count())
    return next(name for name in names if not name.exists())


@contextlib.contextmanager
def in_reach(task: str) -> Iterator[None]:
    """Turn whatever a store can fail with into one UserError that names the `task` to repeat."""
    try:
        yield
    except (Exception, Unanswered) as error:
        raise UserError(remedy(error, task)) from None
