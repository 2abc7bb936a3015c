"""MLflow's store, and how a run is found or made in it."""

import contextlib
import hashlib
import json
import logging
import os
import random
import socket
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import partial, wraps
from pathlib import Path
from typing import Any

import psutil

from digits.core import paths
from digits.core.errors import UserError
from digits.tracking import connection, models, provenance, relocation, views
from digits.tracking.connection import Patience
from digits.tracking.run import (
    COMPARISON,
    EXPERIMENT,
    KIND,
    PREDICTIONS,
    TEST_SET,
    TRAINING,
    TRAINING_ID,
    Run,
    StoredRun,
)

COMPARISON_ID = "digits.comparison"
PAGE = 1000
"""Runs that the store is asked for at a time."""
ATTEMPTS = 5
"""How often something is tried that another machine prevents by doing it at the same time."""
PAUSE_SECONDS = 0.2
CONFLICTS = ("IntegrityError", "database is locked", "deadlock")
"""What a server says whose database took back what two clients wrote at once."""


class Store:
    """The project's experiment in MLflow's store.

    Args:
        patience: How long to wait for a server.

    Raises:
        Exception: whatever a store can fail with; `connection.in_reach` turns it into one message.

    """

    def __init__(self, patience: Patience | None = None) -> None:
        for name, value in connection.SETTINGS.items():
            os.environ.setdefault(name, value)
        import mlflow

        # What MLflow logs beside what it raises are tracebacks.
        for name in ("alembic", "mlflow"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        self._lock = connection.lock()
        with self._writing():
            connection.check_file()
            self.client = _Patient(
                partial(mlflow.MlflowClient, connection.address()), patience or Patience()
            )
            self.experiment = self._experiment()
            if connection.address() == connection.LOCAL:
                relocation.follow(paths.STORE, paths.ARTIFACTS)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        with connection.locked(self._lock):
            yield

    def _experiment(self) -> str:
        import mlflow

        name = os.environ.get("MLFLOW_EXPERIMENT_NAME", "digits")
        known = self.client.get_experiment_by_name(name)
        if known is None:
            store = connection.file()
            beside = (store.parent / paths.ARTIFACTS.name).as_uri() if store else None
            try:
                self.client.create_experiment(name, artifact_location=beside)
            except mlflow.MlflowException:
                # Another machine may have been quicker.
                if self.client.get_experiment_by_name(name) is None:
                    raise
            known = self.client.get_experiment_by_name(name)
        for tag, value in views.tags().items():
            if known.tags.get(tag) != value:
                self.client.set_experiment_tag(known.experiment_id, tag, value)
        return str(known.experiment_id)

    def count(self) -> int:
        """Runs in the store."""
        return len(self.search(""))

    def test_sets_opened(self) -> Counter[tuple[str, str]]:
        """How many runs were evaluated on each test set, by data set and SHA-256."""
        return Counter(
            (run.data.tags["dataset"], run.data.tags[TEST_SET])
            for run in self.search(f"tags.`{TEST_SET}` LIKE '%'")
        )

    def open(self, run: Run, at: float) -> str:
        """Make the run of a training that began at `at`, in seconds since 1970."""
        owner = {
            "digits.inputs": run.inputs,
            "digits.host": socket.gethostname(),
            "digits.publisher": str(os.getpid()),
        }
        with self._writing():
            run_id = self._create(run, owner, at)
            self._describe(run_id, run)
            return run_id

    def publish(self, run: Run, run_id: str | None = None, recorded: bool = False) -> bool:
        """Bring the run of a finished training up to date, making it if there is none.

        Any number of processes may do so at once, on any machines.  Whoever has marked a run as
        that of a training looks afterwards who else did, and all of them keep the same one; a run
        that this one was writing to meanwhile is left for the kept one.

        Args:
            run: The training.
            run_id: Its run, where that is known.
            recorded: Whether `run.context` names the commit that holds its files.  A run that was
                made when no commit held its code takes that name.

        Returns:
            Whether there was anything to write.

        """
        with self._writing():
            for _ in range(ATTEMPTS):
                found = (
                    run_id
                    or self._find(run)
                    or self._create(run, {"digits.inputs": run.inputs}, run.started)
                )
                try:
                    return self._update(found, run, recorded)
                except Exception:
                    if not self._is_removed(found):
                        raise
                    run_id = None
        raise UserError(f"other machines keep removing the run {run.name}; run `digits sync` again")

    def _update(self, found: str, run: Run, recorded: bool) -> bool:
        """Write to the one run of a training, once `found` is marked as its run."""
        if self.client.get_run(found).data.tags.get(TRAINING_ID) != run.training:
            self.client.set_tag(found, TRAINING_ID, run.training)
        kept = self._keep_one(TRAINING_ID, str(run.training))
        tags = kept.data.tags
        corrected = {
            name: run.context[name]
            for name in (provenance.COMMIT, provenance.DIRTY)
            if recorded and tags.get(provenance.DIRTY) == "true" != run.context[provenance.DIRTY]
        }
        for name, value in corrected.items():
            self.client.set_tag(kept.info.run_id, name, value)
        logged = self._log_model(kept.info.run_id, run)
        if tags.get("digits.published") == run.digest:
            return logged or bool(corrected)
        self._describe(kept.info.run_id, run)
        self._write(kept.info.run_id, run)
        return True

    def _log_model(self, run_id: str, run: Run) -> bool:
        """Let the run have the model as its files are now; say whether that was to be written."""
        if run.read is None:
            return False
        members = models.files(run.model, run.read, run.tags["digits.model"])
        return bool(members) and models.log(
            self.client, self.experiment, run_id, run.model, members
        )

    def _find(self, run: Run) -> str | None:
        """A run of this very training, or one of its inputs that was left unfinished."""
        if found := self.search(f"tags.`{TRAINING_ID}` = '{run.training}'"):
            return str(found[0].info.run_id)
        for unfinished in self.search(f"tags.`digits.inputs` = '{run.inputs}'"):
            tags = unfinished.data.tags
            if TRAINING_ID not in tags and not _at_work(tags):
                return str(unfinished.info.run_id)
        return None

    def _keep_one(self, tag: str, value: str) -> Any:
        """Of the runs with this tag, remove all but the one that began first."""
        found = self.search(f"tags.`{tag}` = '{value}'")
        kept, *twins = sorted(found, key=lambda run: (run.info.start_time, run.info.run_id))
        for twin in twins:
            try:
                self.client.delete_run(twin.info.run_id)
            except Exception:
                if not self._is_removed(twin.info.run_id):
                    raise
        return kept

    def _is_removed(self, run_id: str) -> bool:
        return bool(self.client.get_run(run_id).info.lifecycle_stage == "deleted")

    def search(self, condition: str) -> list[Any]:
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

    def trainings(self) -> list[StoredRun]:
        """Every finished training that was evaluated on its own test set."""
        return [
            StoredRun(
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
            for run in self.search("attributes.status = 'FINISHED'")
            if run.data.tags.keys() >= {"model", TRAINING_ID}
            and run.data.tags.get(KIND, TRAINING) in (TRAINING, EXPERIMENT)
            and "test_accuracy" in run.data.metrics
        ]

    def epochs(self, run_id: str) -> list[dict[str, float]]:
        """Validation accuracy and seconds of every epoch of a run, as far as they are known."""
        rows: dict[int, dict[str, float]] = {}
        for name in ("validation_accuracy", "seconds"):
            for point in self.client.get_metric_history(run_id, f"epoch/{name}"):
                rows.setdefault(point.step, {"epoch": point.step})[name] = point.value
        return [rows[step] for step in sorted(rows)]

    def predictions(self, run_id: str, name: str = PREDICTIONS) -> bytes | None:
        """The file predictions.csv of a run, or validation.csv; None where it has none."""
        if name not in {item.path for item in self.client.list_artifacts(run_id)}:
            return None
        with tempfile.TemporaryDirectory() as folder:
            path = self.client.download_artifacts(run_id, name, folder)
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
        tags = {f"digits.compared.{model}": ",".join(ids) for model, ids in compared.items()}
        with self._writing():
            if not self.search(f"tags.`{COMPARISON_ID}` = '{digest}'"):
                self.client.create_run(
                    self.experiment,
                    run_name=f"comparison by {by}",
                    tags=provenance.of_workspace()
                    | tags
                    | {KIND: COMPARISON, COMPARISON_ID: digest, "mlflow.source.name": "digits"},
                )
            kept = self._keep_one(COMPARISON_ID, digest)
            if kept.info.status == "FINISHED":
                return False
            status = "FAILED"
            try:
                self.upload(kept.info.run_id, artifacts)
                status = "FINISHED"
            finally:
                self.client.set_terminated(kept.info.run_id, status)
        return True

    def end(self, run_id: str, status: str) -> None:
        """Close a run that did not come to its end.

        Args:
            run_id: The run.
            status: FAILED or KILLED.

        """
        with self._writing():
            self.client.set_terminated(run_id, status)

    def upload(self, run_id: str, artifacts: Mapping[str, bytes]) -> None:
        """Store files with a run, content by the path in its artifacts."""
        with tempfile.TemporaryDirectory() as folder:
            for name, content in artifacts.items():
                path = Path(folder) / name
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(content)
                within = str(Path(name).parent)
                self.client.log_artifact(run_id, str(path), None if within == "." else within)

    def _create(self, run: Run, tags: dict[str, str], started: float) -> str:
        made = self.client.create_run(
            self.experiment,
            start_time=round(started * 1000),
            tags=run.context | run.tags | tags | {"mlflow.source.name": "digits"},
            run_name=run.name,
        )
        return str(made.info.run_id)

    def _describe(self, run_id: str, run: Run) -> None:
        """Write what a run begins with, as far as it lacks it: its maker may have been killed."""
        from mlflow.entities import Dataset, DatasetInput, InputTag, Param

        stored = self.client.get_run(run_id)
        missing = run.parameters.keys() - stored.data.params.keys()
        self.client.log_batch(
            run_id, params=[Param(key, run.parameters[key]) for key in sorted(missing)]
        )
        if stored.inputs.dataset_inputs:
            return
        self.client.log_inputs(
            run_id,
            datasets=[
                DatasetInput(
                    Dataset(
                        name=f"{run.dataset} {part}",
                        # MLflow keeps 36 characters of a digest.
                        digest=members["sha256"][:36],
                        source_type="local",
                        source=json.dumps({"file": f"data/split/{part}.npz"}),
                        profile=json.dumps(members),
                    ),
                    tags=[InputTag("mlflow.data.context", part)],
                )
                for part, members in run.splits.items()
            ],
        )

    def curve(self, run_id: str, row: dict[str, float], at: float) -> None:
        """Write one row of the training history."""
        from mlflow.entities import Metric

        step = int(row["epoch"])
        metrics = [
            Metric(f"epoch/{name}", value, round(at * 1000), step)
            for name, value in row.items()
            if name != "epoch"
        ]
        with self._writing():
            self.client.log_batch(run_id, metrics=metrics)

    def _write(self, run_id: str, run: Run) -> None:
        from mlflow.entities import Metric, RunTag

        self.client.log_batch(run_id, tags=[RunTag(key, value) for key, value in run.tags.items()])
        known = {
            (name, point.step)
            for name in {name for row in run.curves for name in row}
            for point in self.client.get_metric_history(run_id, f"epoch/{name}")
        }
        for row in run.curves:
            missing = {
                name: value for name, value in row.items() if (name, int(row["epoch"])) not in known
            }
            self.curve(run_id, missing, run.started + row["seconds"])
        stored = self.client.get_run(run_id)
        before, ended = stored.data.metrics, stored.info.start_time + round(run.seconds * 1000)
        # The same points, whoever writes them; what was measured again takes the place of before.
        now = round(time.time() * 1000)
        self.client.log_batch(
            run_id,
            metrics=[
                Metric(name, value, now if name in before else ended, 0)
                for name, value in run.metrics.items()
                if before.get(name) != value
            ],
        )
        self.upload(run_id, run.artifacts)
        self.client.set_tag(run_id, "digits.published", run.digest)
        self.client.set_terminated(run_id, "FINISHED", end_time=ended)


class _Patient:
    """MLflow's client, made and asked under a limit of time, and again after a conflict."""

    def __init__(self, make: Callable[[], Any], patience: Patience) -> None:
        self._patience = patience
        with patience.waiting():
            self._client = make()

    def __getattr__(self, name: str) -> Any:
        asked = getattr(self._client, name)

        @wraps(asked)
        def ask(*arguments: Any, **named: Any) -> Any:
            for attempt in range(ATTEMPTS):
                try:
                    with self._patience.waiting():
                        return asked(*arguments, **named)
                except Exception as error:
                    if attempt == ATTEMPTS - 1 or not any(sign in str(error) for sign in CONFLICTS):
                        raise
                    time.sleep(PAUSE_SECONDS * random.uniform(1, 2) ** attempt)
            raise AssertionError

        return ask


def _members(dataset: Any) -> dict[str, Any] | None:
    """What `_describe` wrote of a set; None for anything else, since anyone may write there."""
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
