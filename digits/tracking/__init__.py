"""MLflow as a projection of the files that the stages write.

`facts` reads what a run is from the files; `publisher` brings it into the store; this module is
what a stage talks to.  A stage never waits for the store: a second process, started at once, loads
MLflow while the stage computes, and goes on without the stage if that is killed, so that no run
stays marked as running.
"""

import contextlib
import json
import subprocess
import sys
from types import TracebackType
from typing import Any, Self

from digits.core import paths

PATIENCE_SECONDS = 60
"""How long a finished stage waits for the store."""


class Publisher:
    """The second process, as a context around a stage's work."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "digits.tracking.publisher"],
            stdin=subprocess.PIPE,
            text=True,
            cwd=paths.ROOT,
            # Ctrl-C is for the stage; the publisher then still closes the run.
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
        # If the publisher is gone, its exit status tells so at the end.
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(message) + "\n")
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
            failed = self._process.wait(PATIENCE_SECONDS) != 0
        except subprocess.TimeoutExpired:
            failed = True
        if failed:
            print(
                "warning: MLflow's store was not brought up to date; the results are in metrics/ "
                "and models/. Run `digits sync` when the store can be reached.",
                file=sys.stderr,
            )
