"""Sweeps in MLflow's store: a run of the sweep and, below it, a run of each trial that has ended.

They are made from the journal, in batches: what is there already is not made twice, whoever made
it and however often he was killed.
"""

import math
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from digits.core.errors import UserError
from digits.tracking import connection, journal, parameters, provenance
from digits.tracking.connection import Patience
from digits.tracking.journal import Trial
from digits.tracking.run import KIND
from digits.tracking.store import Store

SWEEP, TRIAL = "sweep", "trial"
"""Kinds of runs."""
SWEEP_ID = "digits.sweep"
"""The tag that names the sweep, of its own run and of its trials'."""
NUMBER = "digits.trial"
STATE = "digits.state"
STATUS = {"finished": "FINISHED", "stopped": "FINISHED", "failed": "FAILED"}
ARTIFACTS = (".md", ".png", ".json")
"""Of what a sweep's folder holds at the end, the report."""
LARGEST_BATCH = 1000
"""Metrics that MLflow takes at a time."""
LONGEST_PARAMETER = 6000


class Projection:
    """One sweep in the store.

    Args:
        folder: Of the journal.
        patience: How long to wait for a server.

    Raises:
        Exception: whatever a store can fail with; `connection.in_reach` turns it into one message.

    """

    def __init__(self, folder: Path, patience: Patience | None = None) -> None:
        self.folder = folder
        self.header = journal.Header.read(folder / journal.HEADER)
        self.store = Store(patience)
        self.written: set[int] = set()
        self._read = 0
        self._best: dict[str, float] = {}
        with connection.locked(connection.lock()):
            self.run_id = self._own_run()
            self._find_written()

    def _own_run(self) -> str:
        condition = f"tags.`{SWEEP_ID}` = '{self.header.sweep}' and tags.`{KIND}` = '{SWEEP}'"
        if found := self.store.search(condition):
            run_id = str(found[0].info.run_id)
            self.store.client.update_run(run_id, status="RUNNING")
            return run_id
        from mlflow.entities import Param

        header = self.header
        made = self.store.client.create_run(
            self.store.experiment,
            start_time=round(header.created.timestamp() * 1000),
            run_name=f"sweep {header.name}",
            tags=provenance.of_workspace()
            | {
                KIND: SWEEP,
                SWEEP_ID: header.sweep,
                "model": header.model,
                "dataset": header.dataset,
                "mlflow.source.name": "digits",
            },
        )
        told = parameters.flat(header.definition) | {"dataset.used": header.dataset}
        shared = {name: part for name, part in header.params.items() if name != "train"}
        told |= parameters.flat(shared, "params.")
        told |= parameters.flat(header.sets, "sets.")
        params = [Param(key, text[:LONGEST_PARAMETER]) for key, text in sorted(told.items())]
        for start in range(0, len(params), 100):
            self.store.client.log_batch(made.info.run_id, params=params[start : start + 100])
        return str(made.info.run_id)

    def _find_written(self) -> None:
        """Note the trials that the store has; remove those whose writer was killed meanwhile."""
        for run in self.store.search(f"tags.`{SWEEP_ID}` = '{self.header.sweep}'"):
            if run.data.tags.get(KIND) != TRIAL:
                continue
            number = int(run.data.tags[NUMBER])
            if run.info.status == "RUNNING" or number in self.written:
                self.store.client.delete_run(run.info.run_id)
            else:
                self.written.add(number)

    def update(self) -> int:
        """Write every trial that has ended and is not in the store; returns how many."""
        fresh = []
        for trial in self._ended():
            better(self._best, trial, self.header.directions)
            if trial.number not in self.written:
                fresh.append(trial)
        if fresh:
            with connection.locked(connection.lock()):
                for trial in fresh:
                    self._write(trial)
                    self.written.add(trial.number)
                self._tell_progress()
        return len(fresh)

    def _ended(self) -> Iterable[Trial]:
        """Trials that ended since the last call."""
        path = self.folder / journal.TRIALS
        if not path.is_file():
            return
        with path.open("rb") as file:
            file.seek(self._read)
            content = file.read()
        whole = content[: content.rfind(b"\n") + 1]
        for line in journal.lines(self.folder, self._read):
            if "ended" in line:
                yield Trial.of(line["ended"], journal.TRIALS)
        self._read += len(whole)

    def _write(self, trial: Trial) -> None:
        from mlflow.entities import Metric, Param

        header, client = self.header, self.store.client
        ended = round((trial.started + trial.seconds) * 1000)
        tags = {f"hardware.{name}": text for name, text in trial.hardware.items()}
        if trial.error:
            tags["digits.error"] = trial.error[:LONGEST_PARAMETER]
        made = client.create_run(
            self.store.experiment,
            start_time=round(trial.started * 1000),
            run_name=f"{header.name} {trial.number}",
            tags=tags
            | {
                KIND: TRIAL,
                SWEEP_ID: header.sweep,
                NUMBER: str(trial.number),
                STATE: trial.state,
                "digits.attempts": str(trial.attempts),
                "mlflow.parentRunId": self.run_id,
                "model": header.model,
                "dataset": header.dataset,
            },
        )
        run_id = made.info.run_id
        section = parameters.flat(header.params["train"][header.model])
        prefix = f"train.{header.model}."
        for key, value in trial.values.items():
            flat = parameters.flat({key.removeprefix(prefix): value})
            section |= flat
        metrics = [
            Metric(f"epoch/{name}", value, round((trial.started + row["seconds"]) * 1000), step)
            for row in trial.curve
            for step in (int(row["epoch"]),)
            for name, value in row.items()
            if name != "epoch"
        ]
        metrics += [Metric(name, value, ended, 0) for name, value in trial.measures.items()]
        metrics.append(Metric("trial_seconds", trial.seconds, ended, 0))
        first, rest = metrics[: LARGEST_BATCH // 2], metrics[LARGEST_BATCH // 2 :]
        client.log_batch(run_id, metrics=first, params=_params(section, Param))
        for start in range(0, len(rest), LARGEST_BATCH):
            client.log_batch(run_id, metrics=rest[start : start + LARGEST_BATCH])
        client.set_terminated(run_id, STATUS[trial.state], end_time=ended)

    def _tell_progress(self) -> None:
        """One point of the sweep's own curves: trials that ended, the best of each objective."""
        from mlflow.entities import Metric

        now, step = round(time.time() * 1000), len(self.written)
        points = {"trials": float(step)} | {f"best/{key}": best for key, best in self._best.items()}
        self.store.client.log_batch(
            self.run_id, metrics=[Metric(name, value, now, step) for name, value in points.items()]
        )

    def close(self, status: str) -> None:
        """The sweep has ended: store its report.

        Args:
            status: FINISHED, FAILED or KILLED.

        """
        report = {
            path.name: path.read_bytes()
            for path in sorted(self.folder.iterdir())
            if path.suffix in ARTIFACTS
        }
        with connection.locked(connection.lock()):
            self.store.upload(self.run_id, report)
            self.store.client.set_terminated(self.run_id, status)


def sync(results: Path = journal.RESULTS) -> tuple[int, int]:
    """Write what the sweeps of this project have and the store lacks.

    A sweep that runs is left to its own process.

    Returns:
        How many trials were written, and how many were up to date.

    """
    written = current = 0
    for header in sorted(results.glob(f"*/{journal.HEADER}")):
        folder = header.parent
        try:
            journal.Writer(folder).close()
        except UserError as error:
            print(f"warning: {folder.name} is left out: {error}", file=sys.stderr)
            continue
        projection = Projection(folder)
        fresh = projection.update()
        projection.close("FINISHED" if (folder / journal.OUTCOME).is_file() else "KILLED")
        written += fresh
        current += len(projection.written) - fresh
    return written, current


def _params(flat: Mapping[str, str], kind: Any) -> list[Any]:
    return [kind(key, text[:LONGEST_PARAMETER]) for key, text in sorted(flat.items())]


def better(best: dict[str, float], trial: Trial, directions: Mapping[str, str]) -> None:
    """Take a finished trial's measures over where they are better than the best so far."""
    if trial.state != "finished":
        return
    for measure, direction in directions.items():
        value = trial.measures.get(measure, math.nan)
        sign = 1 if direction == "maximize" else -1
        if not math.isnan(value) and (measure not in best or sign * value > sign * best[measure]):
            best[measure] = value


def counts(sweep: str) -> dict[str, int]:
    """How many trials of a sweep the store has, by their state; UserError if it has none."""
    store = Store()
    found = store.search(f"tags.`{SWEEP_ID}` = '{sweep}' and tags.`{KIND}` = '{TRIAL}'")
    if not found:
        raise UserError(f"MLflow's store {connection.address()} has no trial of the sweep {sweep}")
    states = [run.data.tags[STATE] for run in found]
    return {state: states.count(state) for state in dict.fromkeys(states)}
