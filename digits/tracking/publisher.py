"""What a stage talks to: the client of the second process that writes to MLflow's store.

A stage never waits for the store: a second process, started at once, loads MLflow while the stage
computes, and goes on without the stage if that is killed, so that no run stays marked as running.
"""

import contextlib
import json
import subprocess
import sys
import time
from types import TracebackType
from typing import Any, Self

from digits.core import paths
from digits.tracking import connection

NOTICE_SECONDS = 5
"""After so long a finished stage says what it waits for."""
LOADING_SECONDS = 60
"""How long a finished stage waits for the second process, on a machine that is slow to load it."""


class Publisher:
    """The second process, as a context around a stage's work."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "digits.tracking.session"],
            stdin=subprocess.PIPE,
            text=True,
            cwd=paths.ROOT,
            # Ctrl-C is for the stage; the second process then still closes the run.
            start_new_session=True,
        )

    def __enter__(self) -> Self:
        return self

    def open(self, model: str, hardware: dict[str, Any]) -> None:
        """A training begins: make its run, with the parameters of the model's section."""
        self._send({"open": model, "hardware": hardware})

    def epoch(self, row: dict[str, float]) -> None:
        """One row of the training history."""
        self._send({"epoch": row})

    def publish(self, model: str) -> None:
        """The files of `model` are written: bring the store up to date with them."""
        self._send({"publish": model})

    def _send(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        # If the second process is gone, its exit status tells so at the end.
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(message | {"at": time.time()}) + "\n")
            self._process.stdin.flush()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is not None:
            interrupted = issubclass(kind, KeyboardInterrupt | SystemExit)
            self._send({"abort": "KILLED" if interrupted else "FAILED"})
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            status = self._process.wait(NOTICE_SECONDS)
        except subprocess.TimeoutExpired:
            print(f"waiting for MLflow's store {connection.address()}", file=sys.stderr, flush=True)
            try:
                status = self._process.wait(LOADING_SECONDS)
            except subprocess.TimeoutExpired:
                status = -1
        if status not in (0, 1):  # with 1 it has said why
            print(
                f"warning: MLflow's store {connection.address()} may lack this run; run `digits "
                "sync`. The results are in metrics/ and models/",
                file=sys.stderr,
            )
