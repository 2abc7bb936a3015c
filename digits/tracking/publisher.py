"""The process that writes to MLflow's store.

`digits.tracking` runs it as `python -m digits.tracking.publisher`.  It reads one JSON message a
line from its standard input; the end of the input without `publish` means that the stage died.
This is the only module that imports mlflow.
"""

import json
import logging
import os
import socket
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import psutil

from digits import config, paths
from digits.tracking import facts as facts_of
from digits.tracking.facts import Facts

EXPERIMENT = os.environ.get("MLFLOW_EXPERIMENT_NAME", "digits")
LOCAL_STORE = f"sqlite:///{paths.STORE}"
SYSTEM_METRICS_SECONDS = 5
# MLflow's own patience with a server that does not answer is minutes, and it likes to talk.
MANNERS = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}


def store() -> str:
    """The store's address: MLFLOW_TRACKING_URI, or SQLite in the project's root."""
    return os.environ.get("MLFLOW_TRACKING_URI") or LOCAL_STORE


class Store:
    """MLflow's store, and how a run is found or made in it."""

    def __init__(self) -> None:
        for name, value in MANNERS.items():
            os.environ.setdefault(name, value)
        # MLflow's own artifact folder would be relative to wherever the process was started;
        # asked before set_tracking_uri, which sets the variable itself.
        self._artifacts = None if "MLFLOW_TRACKING_URI" in os.environ else paths.ARTIFACTS.as_uri()
        import mlflow
        from filelock import FileLock

        for name in ("alembic", "mlflow"):
            logging.getLogger(name).setLevel(logging.ERROR)
        mlflow.set_tracking_uri(store())
        self.client = mlflow.MlflowClient()
        # Two processes that create the same SQLite file at once break it.
        with FileLock(paths.STORE.with_suffix(".lock")):
            self.experiment = self._experiment()

    def _experiment(self) -> str:
        import mlflow

        known = self.client.get_experiment_by_name(EXPERIMENT)
        if known is not None:
            return str(known.experiment_id)
        try:
            return str(self.client.create_experiment(EXPERIMENT, artifact_location=self._artifacts))
        except mlflow.MlflowException:  # somebody else was quicker
            known = self.client.get_experiment_by_name(EXPERIMENT)
            if known is None:
                raise
            return str(known.experiment_id)

    def count(self) -> int:
        """Runs in the store."""
        return len(self._search(""))

    def open(self, facts: Facts) -> str:
        """Make the run of a training that begins now."""
        owner = {
            "digits.inputs": facts.inputs,
            "digits.host": socket.gethostname(),
            "digits.publisher": str(os.getpid()),
        }
        return self._create(facts, owner, time.time())

    def publish(self, facts: Facts, run_id: str | None = None) -> bool:
        """Bring the run of a finished training up to date, making it if there is none.

        Args:
            facts: The training.
            run_id: Its run, where that is known.

        Returns:
            Whether there was anything to write.

        """
        run_id = run_id or self._find(facts)
        if run_id is None:
            run_id = self._create(facts, {"digits.inputs": facts.inputs}, facts.started)
        run = self.client.get_run(run_id)
        if run.data.tags.get("digits.published") == facts.digest:
            return False
        self._write(run_id, facts)
        return True

    def _find(self, facts: Facts) -> str | None:
        """The run of this very training, or one of its inputs that was left unfinished."""
        found = self._search(f"tags.`digits.training` = '{facts.training}'")
        if found:
            return str(found[0].info.run_id)
        for run in self._search(f"tags.`digits.inputs` = '{facts.inputs}'"):
            if "digits.training" not in run.data.tags and not _at_work(run.data.tags):
                return str(run.info.run_id)
        return None

    def _search(self, condition: str) -> Any:
        return self.client.search_runs([self.experiment], condition)

    def _create(self, facts: Facts, tags: dict[str, str], started: float) -> str:
        from mlflow.entities import Dataset, DatasetInput, InputTag, Param

        name = " ".join(filter(None, [facts.model, facts.context.get("dvc.experiment")]))
        run = self.client.create_run(
            self.experiment,
            start_time=round(started * 1000),
            tags=facts.context | facts.tags | tags | {"mlflow.source.name": "digits"},
            run_name=name,
        )
        run_id = str(run.info.run_id)
        self.client.log_batch(
            run_id, params=[Param(key, value) for key, value in facts.parameters.items()]
        )
        self.client.log_inputs(
            run_id,
            datasets=[
                DatasetInput(
                    Dataset(
                        name=f"{facts.dataset} {part}",
                        # MLflow keeps 36 characters of a digest.
                        digest=members["sha256"][:36],
                        source_type="local",
                        source=json.dumps({"file": f"data/split/{part}.npz"}),
                        profile=json.dumps(members),
                    ),
                    tags=[InputTag("mlflow.data.context", part)],
                )
                for part, members in facts.splits.items()
            ],
        )
        return run_id

    def curve(self, run_id: str, row: dict[str, float], at: float) -> None:
        """Write one row of the training history."""
        from mlflow.entities import Metric

        step = int(row["epoch"])
        metrics = [
            Metric(f"epoch/{name}", value, round(at * 1000), step)
            for name, value in row.items()
            if name != "epoch"
        ]
        self.client.log_batch(run_id, metrics=metrics)

    def _write(self, run_id: str, facts: Facts) -> None:
        from mlflow.entities import Metric, RunTag

        self.client.log_batch(
            run_id, tags=[RunTag(key, value) for key, value in facts.tags.items()]
        )
        known = {point.step for point in self.client.get_metric_history(run_id, "epoch/train_loss")}
        at = facts.started
        for row, seconds in zip(facts.curves, facts.epoch_seconds, strict=True):
            at += seconds
            if int(row["epoch"]) not in known:
                self.curve(run_id, row, at)
        run = self.client.get_run(run_id)
        now = round(time.time() * 1000)
        self.client.log_batch(
            run_id,
            metrics=[
                Metric(name, value, now, 0)
                for name, value in facts.metrics.items()
                if run.data.metrics.get(name) != value
            ],
        )
        if facts.artifacts:
            with tempfile.TemporaryDirectory() as folder:
                facts_of.write_artifacts(facts, Path(folder))
                self.client.log_artifacts(run_id, folder, "figures")
        self.client.set_tag(run_id, "digits.published", facts.digest)
        self.client.set_terminated(
            run_id, "FINISHED", end_time=run.info.start_time + round(facts.seconds * 1000)
        )


def _at_work(tags: dict[str, str]) -> bool:
    """Whether the process that made a run may still be writing to it."""
    if tags.get("digits.host") != socket.gethostname():
        return True
    process = int(tags.get("digits.publisher", "0"))
    return process > 0 and process != os.getpid() and psutil.pid_exists(process)


def sync() -> tuple[int, int]:
    """Publish what the working tree and the DVC experiments hold and the store lacks.

    Returns:
        How many runs were written, and how many were up to date.

    """
    connected = Store()
    written = current = 0
    for facts in _trainings():
        if connected.publish(facts):
            written += 1
        else:
            current += 1
    return written, current


def _trainings() -> Iterable[Facts]:
    """Every training of the working tree and of the DVC experiments, each once."""
    sources = [
        (facts_of.at_revision(revision), facts_of.git_context(revision, name))
        for revision, name in facts_of.experiments()
    ]
    sources.append((facts_of.in_workspace, facts_of.git_context()))
    seen = set()
    for read, context in sources:
        for model in config.MODELS:
            facts = facts_of.done(model, read, context)
            if facts is not None and facts.training not in seen:
                seen.add(facts.training)
                yield facts


class Session:
    """What one stage's messages make of the store."""

    def __init__(self) -> None:
        self.store: Store | None = None
        self.run_id: str | None = None
        self.status = "KILLED"
        self.monitor: Any = None
        self.context = facts_of.git_context(experiment=os.environ.get("DVC_EXP_NAME"))
        if stage := os.environ.get("DVC_STAGE"):
            self.context["dvc.stage"] = stage

    def handle(self, message: dict[str, Any]) -> None:
        """Carry out one message of `digits.tracking.Publisher`."""
        self.store = self.store or Store()
        if model := message.get("open"):
            facts = facts_of.begun(model, facts_of.in_workspace, message["hardware"], self.context)
            self.run_id = self.store.open(facts)
            self._watch_system()
        elif row := message.get("epoch"):
            if self.run_id:
                self.store.curve(self.run_id, row, time.time())
        elif model := message.get("publish"):
            facts_or_none = facts_of.done(model, facts_of.in_workspace, self.context)
            assert facts_or_none is not None
            self._stop_watching()
            self.store.publish(facts_or_none, self.run_id)
            self.run_id = None
        elif status := message.get("abort"):
            self.status = status

    def close(self) -> None:
        """The stage is gone; a run that is still open did not come to its end."""
        self._stop_watching()
        if self.store and self.run_id:
            self.store.client.set_terminated(self.run_id, self.status)

    def _watch_system(self) -> None:
        from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

        self.monitor = SystemMetricsMonitor(  # type: ignore[no-untyped-call]
            self.run_id, sampling_interval=SYSTEM_METRICS_SECONDS, samples_before_logging=1
        )
        self.monitor.start()

    def _stop_watching(self) -> None:
        if self.monitor:
            self.monitor.finish()
            self.monitor = None


def main() -> None:
    """Carry out messages until the input ends; exit with status 1 if the store failed."""
    session, failure = Session(), None
    try:
        session.store = Store()
    except Exception as error:  # any fault of the store must leave the stage alone
        failure = error
    for line in sys.stdin:
        message = json.loads(line)
        if failure and "publish" not in message:
            continue
        try:
            session.handle(message)
            failure = None
        except Exception as error:
            failure = error
    try:
        session.close()
    except Exception as error:
        failure = error
    if failure:
        sys.exit(f"MLflow ({store()}): {type(failure).__name__}: {str(failure).splitlines()[0]}")


if __name__ == "__main__":
    main()
