"""Bringing the store up to date with the files, whatever became of the second processes."""

import sys
from collections.abc import Iterator

from digits.core import config
from digits.core.errors import UserError
from digits.tracking import git, provenance
from digits.tracking import run as runs
from digits.tracking.git import Read
from digits.tracking.run import Run
from digits.tracking.store import Store

STAGES = {f"train_{model}": model for model in config.MODELS}


def sync() -> tuple[int, int]:
    """Publish what the working tree and the DVC experiments hold and the store lacks.

    What was trained with other parameters than those of the params.yaml beside it is left alone.

    Returns:
        How many runs were written, and how many were up to date.

    """
    store = Store()
    written = current = 0
    for run in trainings():
        if store.publish(run, recorded=True):
            written += 1
        else:
            current += 1
    return written, current


def trainings() -> Iterator[Run]:
    """Every training of the working tree and of the DVC experiments, each once.

    A training belongs to the experiment in which it ran, not to those that began where it was
    already there.  What experiments began with counts, too, without their names.
    """
    seen: set[str | None] = set()
    for run in _all():
        if run.training not in seen:
            seen.add(run.training)
            yield run


def _all() -> Iterator[Run]:
    """The same, some of them several times; the first has the right context."""
    experiments = git.experiments()
    for experiment in experiments:
        for run in _of_commit(experiment.commit, experiment):
            if not _is_inherited(run, experiment):
                yield run
    yield from _of_workspace()
    for baseline in dict.fromkeys(experiment.baseline for experiment in experiments):
        yield from _of_commit(baseline)


def _is_inherited(run: Run, experiment: git.Experiment) -> bool:
    """Whether a training was there before the experiment, committed or not."""
    before = git.at_revision(experiment.baseline)
    if run.training == _training(run.model, before):
        return True
    here, there = runs.in_workspace, git.at_revision(experiment.commit)
    return run.training == _training(run.model, here) and provenance.same_inputs(
        f"train_{run.model}", there, before
    )


def _training(model: str, read: Read) -> str | None:
    try:
        run = runs.finished(model, read, {})
    except UserError:
        return None
    return None if run is None else run.training


def _of_commit(commit: str, experiment: git.Experiment | None = None) -> Iterator[Run]:
    read, name = git.at_revision(commit), experiment.name if experiment else None
    baseline = git.at_revision(experiment.baseline) if experiment else None
    for model in config.MODELS:
        context = provenance.of_training(model, read, commit, name)
        yield from _read(model, read, context, name or f"commit {commit[:12]}", baseline)


def _of_workspace() -> Iterator[Run]:
    for model in config.MODELS:
        read = runs.in_workspace
        context = provenance.of_training(model, read, provenance.recording(model))
        yield from _read(model, read, context, "the working tree")


def _read(
    model: str,
    read: Read,
    context: dict[str, str],
    place: str,
    baseline: Read | None = None,
) -> Iterator[Run]:
    """The training of one model, if it follows from the parameters beside it."""
    try:
        run = runs.finished(model, read, context, baseline)
    except UserError as error:
        print(f"warning: {place} is left out: {error}", file=sys.stderr)
        return
    stages = provenance.followed(STAGES, read)
    if run and (model in {STAGES[name] for name in stages} or run.is_evaluation):
        yield run
