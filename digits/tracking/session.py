"""The second process of a stage: it writes to MLflow's store.

`digits.tracking.publisher` runs it as `python -m digits.tracking.session`.  It reads one JSON
message a line from its standard input; the end of the input without `publish` means that the
stage died.
"""

import json
import os
import sys
from typing import Any

from digits.tracking import connection, git, provenance
from digits.tracking import run as runs
from digits.tracking.connection import Patience, Unanswered
from digits.tracking.store import Store

SYSTEM_METRICS_SECONDS = 5
FAULTS = (Exception, Unanswered)
LAST_PATIENCE_SECONDS = 5.0
"""What is kept of `connection.PATIENCE_SECONDS` for a last try when the results are there."""


class Session:
    """What one stage's messages make of the store."""

    def __init__(self) -> None:
        self.store: Store | None = None
        self.patience = Patience(
            connection.PATIENCE_SECONDS - LAST_PATIENCE_SECONDS, announced=False
        )
        self.run_id: str | None = None
        self.status = "KILLED"
        """How a run ends that the stage leaves open."""
        self.monitor: Any = None
        self.context = provenance.of_workspace(os.environ.get("DVC_EXP_NAME"))
        self.baseline = git.at_revision("HEAD") if provenance.EXPERIMENT in self.context else None
        if stage := os.environ.get("DVC_STAGE"):
            self.context["dvc.stage"] = stage

    def connect(self) -> Store:
        """Reach the store, unless that was done before."""
        self.store = self.store or Store(self.patience)
        return self.store

    def handle(self, message: dict[str, Any]) -> None:
        """Carry out one message of `digits.tracking.publisher.Publisher`."""
        if "publish" in message:
            self.patience.left += LAST_PATIENCE_SECONDS
        store = self.connect()
        if model := message.get("open"):
            run = runs.started(
                model, runs.in_workspace, message["hardware"], self.context, self.baseline
            )
            self.run_id = store.open(run, message["at"])
            self._watch_system()
        elif row := message.get("epoch"):
            if self.run_id:
                store.curve(self.run_id, row, message["at"])
        elif model := message.get("publish"):
            run_or_none = runs.finished(model, runs.in_workspace, self.context, self.baseline)
            assert run_or_none is not None
            self._stop_watching()
            store.publish(run_or_none, self.run_id)
            self.run_id = None

    def close(self) -> None:
        """The stage is gone; a run that is still open did not come to its end."""
        self._stop_watching()
        if self.store and self.run_id:
            self.store.end(self.run_id, self.status)

    def _watch_system(self) -> None:
        from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

        self.monitor = SystemMetricsMonitor(  # type: ignore[no-untyped-call]
            self.run_id,
            sampling_interval=SYSTEM_METRICS_SECONDS,
            samples_before_logging=1,
            tracking_uri=connection.address(),
        )
        self.monitor.start()

    def _stop_watching(self) -> None:
        if self.monitor:
            monitor, self.monitor = self.monitor, None
            with self.patience.waiting():
                monitor.finish()


def main() -> None:
    """Carry out messages until the input ends; exit with status 1 if the store failed."""
    session = Session()
    failure: BaseException | None = None
    try:
        session.connect()
    except FAULTS as error:  # any fault of the store must leave the stage alone
        failure = error
    for line in sys.stdin:
        message = json.loads(line)
        if "abort" in message:
            session.status = message["abort"]
            continue
        if failure and "publish" not in message:
            continue
        try:
            session.handle(message)
            failure = None
        except FAULTS as error:
            failure = error
    try:
        session.close()
    except FAULTS as error:
        failure = failure or error
    if failure:
        print(
            f"warning: {connection.remedy(failure, 'digits sync')}. The results are in metrics/ "
            "and models/",
            file=sys.stderr,
            flush=True,
        )
    # MLflow's threads may still wait for a server.
    os._exit(1 if failure else 0)


if __name__ == "__main__":
    main()
