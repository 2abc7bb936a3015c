"""The commit's pipeline, run anew in a scratch folder, to be compared with what it records."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from digits.core import config, paths, records
from digits.core.errors import UserError
from digits.datasets.download import Params as DatasetParams
from digits.datasets.raw.published import MIRROR_VARIABLE, PUBLISHED, mirrors
from digits.tracking import git
from digits.verification import compare, own_data
from digits.verification.compare import Evidence, Report, digest, listed
from digits.verification.lock import Lock, Stage

LAST_LINES = 15
"""Lines of a failed stage that its error repeats."""


def verify(models: Iterable[str] = (), keep: Path | None = None) -> Report:
    """Make what the commit HEAD records anew, in a scratch folder, and compare.

    The lines of the stages go to stderr as they come.  Neither the working tree nor its DVC cache
    nor the MLflow store is written to.

    Args:
        models: Only what the evaluation of these models needs; the whole pipeline if empty.
        keep: A folder that is made for the scratch and stays; if None, a temporary one.

    Raises:
        UserError: if there is no commit with a dvc.lock, if the disk is too small, if the data
            set cannot be had any more, or if a stage fails.

    """
    began = time.monotonic()
    commit, changed = _head(paths.ROOT)
    _warn(changed)
    with _scratch(keep) as scratch:
        committed, retrained, redrawn = (
            _clone(scratch / name) for name in ("committed", "retrained", "redrawn")
        )
        if not (committed / paths.DVC_LOCK.name).is_file():
            raise UserError(
                f"commit {commit[:12]} has no dvc.lock, so it records nothing to verify; run "
                "`dvc repro` and commit what it writes"
            )
        dataset = _dataset(committed)
        lock = Lock.load(committed)
        environment = _environment(scratch, dataset.name)
        order = _plan(retrained, [f"evaluate@{model}" for model in models], environment)
        if models:
            lock = lock.only(order)
        _check_space(scratch, lock)
        _bring_own_data(dataset, retrained)
        _reproduce(retrained, ["download"], environment)
        _check_data(lock.digests, retrained)
        showing = lock.showing_times(order)
        training = [name for name in order if name not in ("download", *showing)]
        _reproduce(retrained, training, environment)
        found = Lock.load(retrained).only(["download", *training])
        made = {path: retrained / path for path in found.outputs}
        if showing:
            for name in showing:
                _bring_inputs(lock.stages[name], retrained, redrawn)
            _reproduce(redrawn, showing, environment)
            drawn = Lock.load(redrawn).only(showing)
            made |= {path: redrawn / path for path in drawn.outputs}
            found = Lock(stages=found.stages | drawn.stages)
        outputs = compare.judge(Evidence(lock.digests, made, committed, paths.ROOT))
    stale = [
        f"dvc.lock records {name} with other inputs than the commit holds: {listed(inputs)}"
        for name, inputs in lock.changed_inputs(found).items()
    ]
    _warn(stale)
    return Report(commit, time.monotonic() - began, outputs, changed + stale)


def _warn(notes: list[str]) -> None:
    for note in notes:
        print(f"warning: {note}", file=sys.stderr)


def _head(root: Path) -> tuple[str, list[str]]:
    """The commit HEAD, and a note that names the tracked files that differ from it."""
    try:
        top = Path(git.run("rev-parse", "--show-toplevel", folder=root).strip()).resolve()
        commit = git.run("rev-parse", "HEAD", folder=root).strip()
    except UserError as error:
        raise UserError(f"{error}; expected a clone of the project with a commit") from None
    if top != root:
        raise UserError(f"{root} lies in the repository {top}; expected one of its own")
    changed = git.changed(folder=root, untracked=False)
    note = f"verified is the commit, not what is changed since: {listed(changed)}"
    return commit, [note] if changed else []


def _clone(folder: Path) -> Path:
    """A clone of the commit HEAD, which shares the repository's objects."""
    git.run("clone", "--quiet", "--shared", str(paths.ROOT), str(folder), folder=paths.ROOT)
    return folder


@contextmanager
def _scratch(keep: Path | None) -> Iterator[Path]:
    """A temporary folder, or the new folder `keep`."""
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="digits-verify-") as name:
            yield Path(name).resolve()
        return
    try:
        keep.mkdir(parents=True)
    except FileExistsError:
        raise UserError(f"{keep} exists; name a folder that does not, or remove it") from None
    except OSError as error:
        raise UserError(
            f"--keep: {keep} cannot be made ({error.strerror}); name another folder"
        ) from None
    yield keep.resolve()


def _own_environment() -> dict[str, str]:
    """The environment without what speaks of another repository, pipeline run or store."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("DVC_", "GIT_", "MLFLOW_")) and name != "PYTHONSAFEPATH"
    }


def _environment(scratch: Path, dataset: str) -> dict[str, str]:
    """Where the stages find this interpreter, the data set and nothing of the user's DVC."""
    environment = _own_environment() | {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
        "PYTHONUNBUFFERED": "1",
        "DVC_NO_ANALYTICS": "1",
        "DVC_GLOBAL_CONFIG_DIR": str(scratch / "dvc"),
        "DVC_SYSTEM_CONFIG_DIR": str(scratch / "dvc"),
        "DVC_SITE_CACHE_DIR": str(scratch / "dvc"),
    }
    if place := mirror(dataset):
        environment[MIRROR_VARIABLE] = place
    return environment


def mirror(dataset: str) -> str | None:
    """A folder at hand with all published files of a data set: data/raw, if it was filled once."""
    if dataset not in PUBLISHED:
        return None
    for place in (str(paths.RAW), *mirrors(dataset)):
        folder = paths.HOME / place
        if all(_is(folder / file.name, file.sha256) for file in PUBLISHED[dataset].files):
            return str(folder)
    return None


def _is(path: Path, sha256: str) -> bool:
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == sha256


def _dataset(clone: Path) -> DatasetParams:
    """The section dataset of the commit, whose other sections may be of another version."""
    section = config.read(clone / paths.PARAMS.name).get("dataset")
    try:
        return DatasetParams.model_validate_json(json.dumps(section), strict=True)
    except ValidationError as error:
        raise UserError(f"the commit's {paths.PARAMS.name} names no data set: {error}") from None


def _bring_own_data(dataset: DatasetParams, clone: Path) -> None:
    """Copy the user's own data set, which git need not hold."""
    source, target = paths.HOME / dataset.path, (clone / dataset.path).resolve()
    if dataset.name not in ("idx", "folder") or target == source.resolve():
        return
    if not source.is_dir():
        raise UserError(f"dataset.path: expected a folder, but {source} is none")
    if not target.is_relative_to(clone.parent):
        raise UserError(f"dataset.path: {dataset.path} leads out of the project; make it absolute")
    own_data.check(source)
    shutil.copytree(source, target, dirs_exist_ok=True)


def _plan(folder: Path, targets: list[str], environment: dict[str, str]) -> list[str]:
    """The stages that the targets need, in their order; all stages if there are no targets."""
    lines: list[str] = []
    _call(folder, ["--dry", "--force", *targets], environment, lines.append)
    return [line.split("'")[1] for line in lines if line.startswith("Running stage '")]


def _reproduce(folder: Path, stages: list[str], environment: dict[str, str]) -> None:
    """Run each stage once, whatever dvc.lock says; no output goes into a cache."""
    words = ["--force", "--no-commit", "--single-item", *stages]
    _call(folder, words, environment, lambda line: print(line, end="", file=sys.stderr, flush=True))


def _call(
    folder: Path, words: list[str], environment: dict[str, str], tell: Callable[[str], object]
) -> None:
    """Run `dvc repro` and tell its lines as they come; if interrupted, wait for all it started."""
    last: deque[str] = deque(maxlen=LAST_LINES)
    with subprocess.Popen(
        [sys.executable, "-m", "dvc", "repro", *words],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                last.append(line)
                tell(line)
        except BaseException:
            os.killpg(process.pid, signal.SIGTERM)
            # The pipe ends with the last process that writes into the scratch folder.
            deque(process.stdout, maxlen=0)
            raise
    if process.returncode != 0:
        raise UserError(
            f"the commit cannot be made anew, dvc ended with {process.returncode}; its last "
            f"lines:\n{''.join(last).rstrip()}"
        )


def _check_space(scratch: Path, lock: Lock) -> None:
    sizes = [out.size for out in lock.outputs.values()]
    needed, free = sum(sizes) / 2**20, shutil.disk_usage(scratch).free / 2**20
    if free < needed:
        raise UserError(
            f"{scratch.parent}: expected {needed:,.0f} MiB for the outputs, {free:,.0f} MiB are "
            "free; make room, or name a folder on another disk with --keep"
        )


def _check_data(recorded: dict[str, str], retrained: Path) -> None:
    """Stop before the long part if the data set is another one."""
    path = paths.relative(paths.RAW)
    if digest(retrained / path) != recorded.get(path):
        name = records.RawFiles.read(retrained / path / paths.DATASET_JSON).name
        raise UserError(
            f"{path}: expected the data set that dvc.lock records ({recorded.get(path)}), received "
            f"another ({name}, {digest(retrained / path)}); put your own data back, or set "
            f"{MIRROR_VARIABLE} to a folder or an address that holds the published files"
        )


def _bring_inputs(stage: Stage, retrained: Path, redrawn: Path) -> None:
    """Copy what a stage reads and git does not hold."""
    for dep in stage.deps:
        source, target = retrained / dep.path, redrawn / dep.path
        if not target.exists() and source.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            (shutil.copytree if source.is_dir() else shutil.copyfile)(source, target)
