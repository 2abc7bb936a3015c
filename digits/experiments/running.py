"""Running experiments through DVC, each in a copy of the project.

A run is not repeated while the commit that DVC made of it still holds what it would give: DVC
itself only remembers stages all of whose outputs are in its cache, and ours keep figures in git.
"""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from digits.core import config, paths
from digits.core.errors import UserError
from digits.experiments import definition, results
from digits.experiments.definition import Run
from digits.experiments.results import Result
from digits.hardware import selection
from digits.tracking import git, provenance

OWN_DATA = ("idx", "folder")
"""Data sets that may have changed under the same parameters."""


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


def kept(run: Run) -> Result | None:
    """The run as it was done before, if that was with the same parameters, code and libraries."""
    wanted = _used(definition.merged(config.read(paths.PARAMS), run.differences), run)
    dataset = wanted["dataset"]["name"]
    if dataset in OWN_DATA:
        return None
    for commit in results.revisions(run.name):
        read = git.at_revision(commit)
        if _used(provenance.params(read), run) != wanted or not _same_code(run, commit):
            continue
        if provenance.followed(run.targets, read) != set(run.targets):
            continue
        with contextlib.suppress(UserError):
            result = results.read_result(run, commit)
            # Where no mirror answered, the bundled digits stood in.
            if all(part.test.dataset == dataset for part in result.models.values()):
                return result
    return None


def _used(tree: dict[str, Any], run: Run) -> dict[str, Any]:
    """The parameters without those of models that the run leaves alone."""
    return tree | {"train": {model: tree["train"][model] for model in run.models}}


def _same_code(run: Run, commit: str) -> bool:
    """Whether `commit` has the working tree's code for all that the run does."""
    stages = config.read(paths.DVC_YAML)["stages"]
    used = ["download", "preprocess", "split", *(f"train_{model}" for model in run.models)]
    used += [target.split("@")[0] for target in run.targets]
    code = {
        dep
        for stage in used
        for dep in stages[stage]["deps"]
        if dep.startswith(("digits/", "stages/", "locks/"))
    }
    return not git.changed(sorted(code), since=commit, untracked=False)


def execute(run: Run) -> Result:
    """Run the pipeline with the run's differences, in a copy; the working tree stays as it is.

    Raises:
        UserError: if a stage failed.

    """
    _make_room(run)
    _dvc("exp", "run", "--temp", *_arguments(run))
    commit = results.revision(run.name)
    assert commit is not None, f"DVC made no commit of {run.name}"
    return results.read_result(run, commit)


def queue(run: Run) -> None:
    """Leave the run to `dvc queue start`."""
    _make_room(run)
    _dvc("exp", "run", "--queue", *_arguments(run))


def _make_room(run: Run) -> None:
    """Remove what has the run's name and is not taken over: DVC refuses a second one."""
    if results.revision(run.name):
        _dvc("exp", "remove", "--quiet", run.name)


def _arguments(run: Run) -> list[str]:
    changed = [
        part
        for setting in definition.settings(run.differences)
        for part in ("--set-param", setting)
    ]
    return ["--name", run.name, *changed, *run.targets]


def _dvc(*arguments: str) -> None:
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
