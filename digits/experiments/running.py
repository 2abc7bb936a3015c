"""Running experiments through DVC, each in a copy of the project."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from digits import config, hardware, paths
from digits.errors import UserError
from digits.experiments import definition, results
from digits.experiments.definition import Run
from digits.experiments.results import Result


def possible(runs: Sequence[Run]) -> tuple[list[Run], dict[str, str]]:
    """The runs that this machine can do, and why it cannot do the others.

    Raises:
        UserError: if a run's parameters are wrong on any machine.

    """
    base = config.read(paths.PARAMS)
    able, left_out = [], {}
    for run in runs:
        section = definition.parameters(run, base)["hardware"]
        assert isinstance(section, hardware.Params)
        try:
            hardware.choose(section)
        except UserError as error:
            left_out[run.variant] = str(error)
        else:
            able.append(run)
    return able, left_out


def execute(run: Run) -> Result:
    """Run the pipeline with the run's differences, in a copy; the working tree stays as it is.

    What was computed before with the same parameters, code and data comes from DVC's cache.

    Raises:
        UserError: if a stage failed.

    """
    if results.revision(run.name):
        _dvc("exp", "remove", "--quiet", run.name)
    _dvc("exp", "run", "--temp", *_arguments(run))
    commit = results.revision(run.name)
    assert commit is not None, f"DVC made no commit of {run.name}"
    return results.read_result(run, commit)


def queue(run: Run) -> None:
    """Leave the run to `dvc queue start`."""
    _dvc("exp", "run", "--queue", *_arguments(run))


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
