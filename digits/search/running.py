"""Running a sweep on Ray Tune, with the journal and MLflow beside it."""

import contextlib
import gc
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from digits.core import paths
from digits.core.errors import UserError
from digits.data.split import TrainingData
from digits.search import cluster, objective, tuning, worker
from digits.search.definition import Sweep
from digits.search.proposals import Proposals
from digits.search.recorder import Recorder, Tell
from digits.tracking import journal
from digits.tracking.journal import Contents, Header, Trial

TUNE = "tune"
"""Folder of Tune's own files, which nobody needs afterwards."""
ROUND = 1000
"""Trials after which workers begin anew, to give back the memory that Tune and they have taken."""
ROUND_EACH = 50
"""The same of every worker, where there are many."""


@dataclass(frozen=True)
class Setting:
    """Where a sweep runs, and with what."""

    folder: Path
    """Of the journal and the report."""
    address: str | None = None
    """Of a Ray cluster; None for this machine alone."""
    train: worker.Train = objective.train


def begin(sweep: Sweep, data: TrainingData, folder: Path) -> None:
    """Write the header of a sweep that is new.

    Raises:
        UserError: if there is a sweep in the folder already.

    """
    if journal.exists(folder):
        contents = journal.read(folder)
        raise UserError(
            f"{paths.relative(folder)} holds a sweep of {len(contents.ended)} ended trials; go on "
            "with --resume, or remove the folder to begin anew"
        )
    folder.mkdir(parents=True, exist_ok=True)
    description = data.description
    Header(
        sweep=uuid.uuid4().hex,
        name=sweep.name,
        model=sweep.model,
        dataset=description.name,
        directions=sweep.definition.directions,
        definition=sweep.definition.model_dump(mode="json"),
        params=sweep.base,
        sets=_sets(data),
        created=datetime.now(UTC),
    ).write(folder / journal.HEADER)


def _sets(data: TrainingData) -> dict[str, dict[str, Any]]:
    return {
        name: {"images": part.images, "sha256": part.sha256}
        for name, part in data.description.sets.items()
        if name != "test"
    }


def check_same(sweep: Sweep, data: TrainingData, folder: Path) -> Contents:
    """The journal of a sweep that goes on.

    Raises:
        UserError: if it is of another definition, other parameters or other data; the budget may
            have changed.

    """
    contents = journal.read(folder)
    now, before = sweep.definition.model_dump(mode="json"), contents.header.definition
    changed = [key for key in now if key != "budget" and now[key] != before.get(key)]
    for section in ("preprocess", "hardware"):
        if sweep.base[section] != contents.header.params[section]:
            changed.append(f"{section} in params.yaml")
    if sweep.base["train"][sweep.model] != contents.header.params["train"][sweep.model]:
        changed.append(f"train.{sweep.model} in params.yaml")
    if _sets(data) != contents.header.sets:
        changed.append("data/split")
    if changed:
        raise UserError(
            f"{paths.relative(folder)} holds a sweep with another {', '.join(changed)}; restore "
            "what it began with, or remove the folder to begin anew"
        )
    return contents


def has_left(sweep: Sweep, contents: Contents) -> bool:
    """Whether the budget has trials that have not ended."""
    proposals = Proposals(sweep, contents.ended, contents.interrupted)
    minutes = sweep.definition.budget.minutes
    in_time = minutes is None or contents.seconds < minutes * 60
    return in_time and proposals.has_more


@contextlib.contextmanager
def resources(sweep: Sweep, data: TrainingData, setting: Setting) -> Iterator[cluster.Resources]:
    """Connect to what the trials run on, for the time of the block.

    Raises:
        UserError: if no trial fits on the machine or the cluster.

    """
    definition = sweep.definition
    shared = sum(part.images.nbytes for part in (data.train, data.validation))
    with cluster.connected(setting.address, shared) as found:
        if not found.at_once(definition.cores, definition.gpus):
            raise UserError(
                f"a trial needs {definition.cores} cores and {definition.gpus:g} GPUs, and there "
                f"are {found.cores} and {found.gpus:g}; change cores or gpus in {sweep.name}.yaml"
            )
        yield found


def run(sweep: Sweep, data: TrainingData, setting: Setting, tell: Tell, at_once: int = 1) -> None:
    """Run the trials that the budget still has; the journal tells afterwards what came of them.

    To be called within `resources`.

    Args:
        sweep: What to search; its header is written.
        data: What the trials train on.
        setting: Where to run.
        tell: As in `recorder.Tell`.
        at_once: Trials that run at the same time.

    Raises:
        UserError: if another process runs the sweep.
        OSError: if the journal cannot be written.

    """
    writer = journal.Writer(setting.folder)
    try:
        _search(sweep, data, setting, journal.read(setting.folder), writer, at_once, tell)
    finally:
        writer.close()


def _search(
    sweep: Sweep,
    data: TrainingData,
    setting: Setting,
    contents: Contents,
    writer: journal.Writer,
    at_once: int,
    tell: Tell,
) -> None:
    from ray import tune

    definition = sweep.definition
    proposals = Proposals(sweep, contents.ended, contents.interrupted)
    minutes = definition.budget.minutes
    left = None if minutes is None else max(0.0, minutes * 60 - contents.seconds)
    recorder = Recorder(writer, proposals, tell, left)
    shared = worker.Shared(
        space=sweep.space,
        params=sweep.base,
        model=sweep.model,
        objective=definition.objective,
        cores=definition.cores,
        gpus=definition.gpus,
        rungs=rungs(sweep),
        train=setting.train,
    )
    attempt = tune.with_parameters(worker.attempt, shared=shared, data=data)
    asha = scheduler(sweep, contents.ended)
    try:
        while proposals.has_more and not recorder.is_over:
            # Tune keeps some ten KiB of every trial that has ended until it returns.
            proposals.begin_round(max(ROUND, ROUND_EACH * at_once))
            # `Tuner` would write itself down for its own way to resume, with all that it is given.
            tune.run(
                attempt,
                name=TUNE,
                resources_per_trial={"cpu": definition.cores, "gpu": definition.gpus},
                search_alg=tuning.searcher(proposals),
                scheduler=asha,
                num_samples=-1,
                storage_path=str(setting.folder.resolve()),
                callbacks=[tuning.callback(recorder)],
                stop=tuning.stopper(recorder),
                max_failures=definition.retries,
                reuse_actors=True,
                raise_on_failed_trial=False,
                verbose=0,
            )
            shutil.rmtree(setting.folder / TUNE, ignore_errors=True)
            gc.collect()
    finally:
        recorder.close()
        shutil.rmtree(setting.folder / TUNE, ignore_errors=True)
    if recorder.failure:
        raise recorder.failure


def rungs(sweep: Sweep) -> frozenset[int]:
    """The epochs after which ASHA decides; none where it does not."""
    early, found = sweep.definition.stop_early, set[int]()
    if early is not None:
        rung = early.after
        while rung < sweep.most_epochs():
            found.add(rung)
            rung *= early.keep
    return frozenset(found)


def scheduler(sweep: Sweep, ended: Sequence[Trial]) -> Any:
    """What stops trials early, knowing those that ended before; None where nothing does."""
    from ray.tune.schedulers import ASHAScheduler

    early = sweep.definition.stop_early
    if early is None:
        return None
    ((measure, direction),) = sweep.definition.directions.items()
    asha = ASHAScheduler(
        time_attr=worker.EPOCH,
        metric=measure,
        mode="max" if direction == "maximize" else "min",
        grace_period=early.after,
        reduction_factor=early.keep,
        max_t=sweep.most_epochs(),
    )
    for trial in ended:
        known = SimpleNamespace(trial_id=f"ended-{trial.number}")
        asha.on_trial_add(None, known)
        for row in trial.curve:
            if measure in row:
                result = {worker.EPOCH: int(row["epoch"]), measure: row[measure]}
                asha.on_trial_result(None, known, result)
        asha.on_trial_remove(None, known)
    return asha


@contextlib.contextmanager
def published(folder: Path) -> Iterator[None]:
    """Follow the journal with MLflow's store, in a second process, for the time of the block.

    The store may fail or be away; the sweep goes on, and `digits sync` writes what is missing.
    """
    with subprocess.Popen(
        [sys.executable, "-m", "digits.tracking.sweep_session", str(folder.resolve())],
        stdin=subprocess.PIPE,
        text=True,
        cwd=paths.ROOT,
        # Ctrl-C is for the sweep; the second process then still closes the run.
        start_new_session=True,
    ) as session:
        status = "FAILED"
        try:
            yield
            status = "FINISHED"
        except (KeyboardInterrupt, SystemExit):
            status = "KILLED"
            raise
        finally:
            assert session.stdin is not None
            with contextlib.suppress(BrokenPipeError):
                session.stdin.write(f"{status}\n")
                session.stdin.close()
            session.wait()
