"""Running experiments through DVC, each in a copy of the project.

A run is not repeated while the commit that DVC made of it still holds what it would give: DVC
itself only remembers stages all of whose outputs are in its cache, and ours keep figures in git.
"""

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from digits.core import config, paths
from digits.core.errors import UserError
from digits.experiments import definition, results
from digits.experiments.definition import Run
from digits.experiments.results import Measured
from digits.hardware import selection
from digits.tracking import git, provenance
from digits.verification import own_data

OWN_DATA = ("idx", "folder")
"""Data sets that may have changed under the same parameters."""


@dataclass(frozen=True)
class FinishedRun:
    """A finished run."""

    run: Run
    revision: str
    """The commit that DVC made of it."""
    models: dict[str, Measured]


def possible(runs: Sequence[Run]) -> tuple[list[Run], dict[str, str]]:
    """The runs that this machine can do, and why it cannot do the others.

    Raises:
        UserError: if a run's parameters are wrong on any machine.

    """
    base = config.read(paths.PARAMS)
    able, left_out = [], {}
    for run in runs:
        section = definition.parameters(run, base)["hardware"]
        assert isinstance(section, selection.Params)
        with _environment_kept():
            try:
                selection.choose(section)
            except UserError as error:
                left_out[run.variant] = str(error)
            else:
                able.append(run)
    return able, left_out


@contextlib.contextmanager
def _environment_kept() -> Iterator[None]:
    """Undo what a choice of hardware tells TensorFlow and CUDA: the next one must see the GPU."""
    before = dict(os.environ)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def kept(run: Run) -> FinishedRun | None:
    """The run as it was done before, if that was with the same parameters, code and libraries."""
    wanted = _used(definition.merged(config.read(paths.PARAMS), run.differences), run)
    dataset = wanted["dataset"]["name"]
    if dataset in OWN_DATA:
        return None
    for commit in _revisions(run.name):
        read = git.at_revision(commit)
        if _used(provenance.params(read), run) != wanted or not _same_code(run, commit):
            continue
        if provenance.followed(run.targets, read) != set(run.targets):
            continue
        with contextlib.suppress(UserError):
            result = _read(run, commit)
            # Where no mirror answered, the bundled digits stood in.
            if all(part.train.dataset == dataset for part in result.models.values()):
                return result
    return None


def _used(tree: dict[str, Any], run: Run) -> dict[str, Any]:
    """The parameters without those of models that the run leaves alone."""
    return tree | {"train": {model: tree["train"][model] for model in run.models}}


def _same_code(run: Run, commit: str) -> bool:
    """Whether `commit` has the working tree's code for all that the run does."""
    stages: Any = config.read(paths.DVC_YAML).get("stages")
    used = ["download", "preprocess", "split", *(f"train_{model}" for model in run.models)]
    used += [target.split("@")[0] for target in run.targets]
    try:
        listed = {dep for stage in used for dep in stages[stage]["deps"]}
    except (KeyError, TypeError):
        name = paths.DVC_YAML.name
        raise UserError(
            f"{name}: expected the stages {', '.join(used)} with their dependencies; restore it "
            f"with `git checkout {name}`"
        ) from None
    code = sorted(dep for dep in listed if dep.startswith(("digits/", "stages/", "locks/")))
    return not git.changed(code, since=commit, untracked=False)


def execute(run: Run) -> FinishedRun:
    """Run the pipeline with the run's differences, in a copy; the working tree stays as it is.

    Raises:
        UserError: if a stage failed.

    """
    _make_room(run)
    _dvc("exp", "run", "--temp", *_arguments(run))
    commit = _revision(run.name)
    if commit is None:
        raise UserError(
            f"DVC has run {run.name} and kept no commit of it; look at its lines above, then give "
            "the command again"
        )
    return _read(run, commit)


def queue(run: Run) -> None:
    """Leave the run to `dvc queue start`."""
    _make_room(run)
    _dvc("exp", "run", "--queue", *_arguments(run))


def _make_room(run: Run) -> None:
    """Remove what has the run's name and is not taken over: DVC refuses a second one."""
    if _revision(run.name):
        _dvc("exp", "remove", "--quiet", run.name)


def _arguments(run: Run) -> list[str]:
    changed = [
        part
        for setting in definition.settings(run.differences)
        for part in ("--set-param", setting)
    ]
    return ["--name", run.name, *changed, *run.targets]


def _dvc(*arguments: str) -> None:
    own_data.check()
    # dvc.yaml says `python`: it has to be this one.
    programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    ended = subprocess.run(
        [sys.executable, "-m", "dvc", *arguments],
        cwd=paths.ROOT,
        env=os.environ | {"PATH": programs},
    )
    if ended.returncode != 0:
        raise UserError(
            f"`dvc {' '.join(arguments)}` failed, for the reason above; what was finished before "
            "is kept: run the same command again when the reason is removed"
        )


def _revisions(name: str) -> list[str]:
    """The commits of all experiments called `name`, whatever they began at."""
    return [made.commit for made in git.experiments() if made.name == name]


def _revision(name: str) -> str | None:
    """The commit of the experiment `name` that began at HEAD, or None."""
    head = git.commit()
    begun_here = (made for made in git.experiments() if made.baseline == head)
    return next((made.commit for made in begun_here if made.name == name), None)


def _read(run: Run, commit: str) -> FinishedRun:
    """Read what `run` left in `commit`."""
    read = git.at_revision(commit)
    measured = {model: results.measured(read, model, run.opens_test) for model in run.models}
    return FinishedRun(run, commit, measured)


@contextlib.contextmanager
def fetched(finished: FinishedRun, path: str) -> Iterator[Path]:
    """A file or folder that DVC keeps, as it was after a run, in a temporary place.

    Raises:
        UserError: if DVC does not hold it any more.

    """
    from dvc.api import DVCFileSystem

    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / Path(path).name
        try:
            system = DVCFileSystem(str(paths.ROOT), rev=finished.revision)
            system.get(path, str(target), recursive=True)
        except Exception as error:  # DVC has many kinds, and those of the file systems below it
            name = finished.run.name
            raise UserError(
                f"{path} of the run {name} cannot be had from DVC ({error}); remove the run with "
                f"`dvc exp remove {name}` and give the command again"
            ) from None
        yield target
