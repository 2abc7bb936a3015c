"""What a training follows from: its commit, its experiment, its parameters, its code."""

import hashlib
import io
import json
from collections.abc import Iterable, Mapping
from functools import cache, reduce
from typing import Any

from ruamel.yaml import YAML

from digits.core import paths
from digits.tracking import git
from digits.tracking.git import Read

COMMIT = "mlflow.source.git.commit"
DIRTY = "git.dirty"
"""The tag that is "true" where the code or the parameters were not those of the commit."""
EXPERIMENT = "dvc.experiment"
CODE = ("digits", "stages", "locks", paths.DVC_YAML.name, paths.PARAMS.name)
"""What decides about a result and is no output of the pipeline, which writes others first."""


def params(read: Read) -> dict[str, Any]:
    """params.yaml, as it was where the run was made."""
    return _tree(read, paths.PARAMS.name)


def of_workspace(experiment: str | None = None) -> dict[str, str]:
    """Tags of a training in the working tree: the commit, whether it holds the code, DVC's name."""
    commit = git.commit()
    if commit is None:
        return _tags(None, False, experiment)
    return _tags(commit, bool(git.changed(CODE)), experiment)


def of_training(
    model: str, lock: Read, revision: str, experiment: str | None = None
) -> dict[str, str]:
    """Tags of a training that took place some time ago.

    Args:
        model: The model.
        lock: Reads the dvc.lock that records the training.
        revision: The commit to name, dirty unless it holds the recorded code and parameters.
        experiment: DVC's name.

    """
    commit = git.commit(revision)
    if commit is None:
        return _tags(None, False, experiment)
    stage, at_commit = f"train_{model}", git.at_revision(commit)

    def read(path: str) -> bytes | None:
        return lock(path) if path == paths.DVC_LOCK.name else at_commit(path)

    holds = stage in followed([stage], read) and _holds_code(commit, stage, lock)
    return _tags(commit, not holds, experiment)


def recording(model: str) -> str:
    """The commit that recorded the working tree's training of `model`; HEAD where none has."""
    files = [f"metrics/{model}/train.json", f"metrics/{model}/timing.json"]
    recorded = git.commit() and not git.changed(files)
    return (git.last_commit_of(files) if recorded else None) or "HEAD"


def _tags(commit: str | None, dirty: bool, experiment: str | None) -> dict[str, str]:
    tags = {} if commit is None else {COMMIT: commit, DIRTY: str(dirty).lower()}
    return tags | ({EXPERIMENT: experiment} if experiment else {})


def followed(stages: Iterable[str], read: Read) -> set[str]:
    """Those of the stages whose outputs, by dvc.lock, follow from the params.yaml beside it.

    Code is not looked at.  A commit also holds the figures of models that its experiment left
    alone, which were trained with other parameters or on other data.
    """
    recorded = _tree(read, paths.DVC_LOCK.name).get("stages", {})
    tree = params(read)
    producers = {
        out["path"]: (name, out["md5"])
        for name, stage in recorded.items()
        for out in stage.get("outs", [])
    }

    @cache
    def follows(name: str) -> bool:
        stage = recorded.get(name)
        if stage is None:
            return False
        for key, value in stage.get("params", {}).get(paths.PARAMS.name, {}).items():
            if reduce(lambda part, word: part.get(word, {}), key.split("."), tree) != value:
                return False
        made = [dep for dep in stage.get("deps", []) if dep["path"] in producers]
        given = [(dep["md5"], *producers[dep["path"]]) for dep in made]
        return all(read == written and follows(producer) for read, producer, written in given)

    return {name for name in stages if follows(name)}


def same_inputs(stage: str, read: Read, other: Read) -> bool:
    """Whether two dvc.lock record the same dependencies and parameters of a stage."""
    first, second = (
        _tree(source, paths.DVC_LOCK.name).get("stages", {}).get(stage) for source in (read, other)
    )
    return first is not None and second is not None and _inputs(first) == _inputs(second)


def _inputs(stage: Mapping[str, Any]) -> Any:
    return {dep["path"]: dep.get("md5") for dep in stage.get("deps", [])}, stage.get("params")


def md5_of_folder(md5_of_files: Mapping[str, str]) -> str:
    """What dvc.lock records of a folder.

    Args:
        md5_of_files: By the path in the folder.

    """
    entries = [{"md5": md5, "relpath": name} for name, md5 in sorted(md5_of_files.items())]
    return hashlib.md5(json.dumps(entries, sort_keys=True).encode()).hexdigest() + ".dir"


def _holds_code(revision: str, stage: str, lock: Read) -> bool:
    """Whether a commit has the code from which, by a dvc.lock, a stage's outputs came."""
    stages = _tree(lock, paths.DVC_LOCK.name).get("stages", {})
    made = {out["path"]: name for name, entry in stages.items() for out in entry.get("outs", [])}
    code: dict[str, str | None] = {}
    waiting = [stage]
    for name in waiting:
        for dep in stages.get(name, {}).get("deps", []):
            producer = made.get(dep["path"])
            if producer is None and dep["path"].split("/")[0] in CODE:
                code[dep["path"]] = dep.get("md5")
            elif producer is not None and producer not in waiting:
                waiting.append(producer)
    files = git.files(revision, sorted(code))
    return bool(code) and all(_md5(path, files) == md5 for path, md5 in code.items())


def _md5(path: str, files: Mapping[str, bytes]) -> str | None:
    """What dvc.lock would record of a file or folder among `files`; None if it is not there."""
    if path in files:
        return hashlib.md5(files[path]).hexdigest()
    inside = {
        name.removeprefix(f"{path}/"): hashlib.md5(content).hexdigest()
        for name, content in files.items()
        if name.startswith(f"{path}/")
    }
    return md5_of_folder(inside) if inside else None


def _tree(read: Read, path: str) -> dict[str, Any]:
    content = read(path)
    return {} if content is None else _parsed(content)


@cache
def _parsed(content: bytes) -> dict[str, Any]:
    """YAML, which takes a second for a dvc.lock; nobody may change what is returned."""
    tree: dict[str, Any] = YAML(typ="safe", pure=True).load(io.BytesIO(content))
    return tree
