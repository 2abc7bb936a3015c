"""The process that writes to MLflow's store.

`digits.tracking` runs it as `python -m digits.tracking.publisher`.  It reads one JSON message a
line from its standard input; the end of the input without `publish` means that the stage died.
This is the only module that imports mlflow.
"""

import contextlib
import hashlib
import json
import logging
import os
import socket
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil

from digits.core import config, paths
from digits.core.errors import UserError
from digits.tracking import facts as facts_of
from digits.tracking import git
from digits.tracking.facts import Facts, Recorded

EXPERIMENT = os.environ.get("MLFLOW_EXPERIMENT_NAME", "digits")
LOCAL_STORE = f"sqlite:///{paths.STORE}"
SYSTEM_METRICS_SECONDS = 5
PAGE = 1000
"""Runs that the store is asked for at a time."""
# MLflow's own patience with a server that does not answer is minutes, and it likes to talk.
MANNERS = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}


def store() -> str:
    """The store's address: MLFLOW_TRACKING_URI, or SQLite in the project's root."""
    return os.environ.get("MLFLOW_TRACKING_URI") or LOCAL_STORE


def is_made() -> bool:
    """Whether there is a store: the one in the project's root is made by the first run."""
    return store() != LOCAL_STORE or paths.STORE.is_file()


@contextlib.contextmanager
def in_reach(task: str) -> Iterator[None]:
    """Turn whatever a store can fail with into one UserError that names the `task` to repeat."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        raise UserError(
            f"MLflow's store {store()} cannot be used: "
            f"{type(error).__name__}: {str(error).partition(chr(10))[0]}. "
            f"Check that it runs and may be written to, then run `{task}` again"
        ) from None


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

    def _search(self, condition: str) -> list[Any]:
        """Every run that meets the condition, the latest first, however many there are."""
        found: list[Any] = []
        token = None
        while True:
            page = self.client.search_runs(
                [self.experiment], condition, max_results=PAGE, page_token=token
            )
            found += page
            if not (token := page.token):
                return found

    def trainings(self) -> list[Recorded]:
        """Every finished training that was evaluated on its own test set."""
        return [
            Recorded(
                run_id=run.info.run_id,
                name=run.info.run_name,
                model=run.data.tags["model"],
                parameters=run.data.params,
                tags=run.data.tags,
                splits={
                    tag.value: members
                    for given in run.inputs.dataset_inputs
                    for tag in given.tags
                    if tag.key == "mlflow.data.context"
                    and (members := _members(given.dataset)) is not None
                },
                metrics=run.data.metrics,
                started=run.info.start_time / 1000,
            )
            for run in self._search("attributes.status = 'FINISHED'")
            if run.data.tags.keys() >= {"model", "digits.training"}
            and "digits.kind" not in run.data.tags
            and "test_accuracy" in run.data.metrics
        ]

    def epochs(self, run_id: str) -> list[dict[str, float]]:
        """Validation accuracy and seconds of every epoch of a run, as far as they are known."""
        rows: dict[int, dict[str, float]] = {}
        for name in ("validation_accuracy", "seconds"):
            for point in self.client.get_metric_history(run_id, f"epoch/{name}"):
                rows.setdefault(point.step, {"epoch": point.step})[name] = point.value
        return [rows[step] for step in sorted(rows)]

    def predictions(self, run_id: str) -> bytes | None:
        """The file predictions.csv of a run, or None."""
        if facts_of.PREDICTIONS not in {item.path for item in self.client.list_artifacts(run_id)}:
            return None
        with tempfile.TemporaryDirectory() as folder:
            path = self.client.download_artifacts(run_id, facts_of.PREDICTIONS, folder)
            return Path(path).read_bytes()

    def keep_comparison(
        self, by: str, compared: Mapping[str, list[str]], artifacts: Mapping[str, bytes]
    ) -> bool:
        """Make the run of a comparison, unless the store has the same one.

        Args:
            by: What was compared.
            compared: Of every model the ids of the runs whose results were put side by side.
            artifacts: Content by file name.  Figures do not tell comparisons apart: another
                machine's fonts make other bytes of the same.

        Returns:
            Whether there was anything to write.

        """
        texts = [artifacts[name] for name in sorted(artifacts) if not name.endswith(".png")]
        digest = hashlib.sha256(b"".join(texts)).hexdigest()
        known = self._search(f"tags.`digits.comparison` = '{digest}'")
        if any(run.info.status == "FINISHED" for run in known):
            return False
        run = self.client.create_run(
            self.experiment,
            run_name=f"comparison by {by}",
            tags=facts_of.git_context()
            | {f"digits.compared.{model}": ",".join(ids) for model, ids in compared.items()}
            | {
                "digits.kind": "comparison",
                "digits.comparison": digest,
                "mlflow.source.name": "digits",
            },
        )
        status = "FAILED"
        try:
            self._upload(run.info.run_id, artifacts)
            status = "FINISHED"
        finally:
            self.client.set_terminated(run.info.run_id, status)
        return True

    def _upload(self, run_id: str, artifacts: Mapping[str, bytes]) -> None:
        with tempfile.TemporaryDirectory() as folder:
            facts_of.write_artifacts(artifacts, Path(folder))
            self.client.log_artifacts(run_id, folder)

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
        known = {
            (name, point.step)
            for name in {name for row in facts.curves for name in row}
            for point in self.client.get_metric_history(run_id, f"epoch/{name}")
        }
        for row in facts.curves:
            missing = {
                name: value for name, value in row.items() if (name, int(row["epoch"])) not in known
            }
            self.curve(run_id, missing, facts.started + row["seconds"])
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
            self._upload(run_id, facts.artifacts)
        self.client.set_tag(run_id, "digits.published", facts.digest)
        self.client.set_terminated(
            run_id, "FINISHED", end_time=run.info.start_time + round(facts.seconds * 1000)
        )


def _members(dataset: Any) -> dict[str, Any] | None:
    """What `Store._create` wrote of a set; None for anything else, since anyone may write there."""
    try:
        members = json.loads(dataset.profile)
        images, sha256 = int(members["images"]), str(members["sha256"])
    except (TypeError, ValueError, KeyError):
        return None
    return {"images": images, "sha256": sha256} if sha256.startswith(dataset.digest) else None


def _at_work(tags: dict[str, str]) -> bool:
    """Whether the process that made a run may still be writing to it."""
    if tags.get("digits.host") != socket.gethostname():
        return True
    process = int(tags.get("digits.publisher", "0"))
    return process > 0 and process != os.getpid() and psutil.pid_exists(process)


def sync() -> tuple[int, int]:
    """Publish what the working tree and the DVC experiments hold and the store lacks.

    What was trained with other parameters than those of the params.yaml beside it is left alone.

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
        (git.at_revision(made.commit), facts_of.git_context(made.commit, made.name))
        for made in git.experiments()
    ]
    sources.append((facts_of.in_workspace, facts_of.git_context()))
    stages = {f"train_{model}": model for model in config.MODELS}
    seen = set()
    for read, context in sources:
        followed = {stages[stage] for stage in facts_of.followed(stages, read)}
        for model in config.MODELS:
            facts = facts_of.done(model, read, context)
            if facts is None or facts.training in seen:
                continue
            if model in followed or facts.tags.get("digits.kind") == facts_of.EVALUATION:
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
