"""Whether the committed results are those of the committed code: all is made anew and compared.

`verify` clones the commit into a scratch folder and runs its pipeline there; `compare` sets what
came out against what the commit's dvc.lock records, and against the files that are at hand.
"""

import hashlib
import json
import math
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from digits.core import config, files, paths
from digits.core.errors import UserError
from digits.data import split
from digits.datasets.published import MIRROR_VARIABLE, PUBLISHED
from digits.inference import predictor, scoring
from digits.tracking import git
from digits.training import conclude

TIMES = ("metrics/*/timing.json", "metrics/*/speed.json")
"""Outputs that hold measured times, which no retraining gives again.

Nothing else is left out: a stage that shows times is run anew on the committed ones, and has to
give the committed bytes."""

TOLERATED_SCORE = 0.01
"""By how much rounding may move a probability.  What turns around within
`pipeline.TOLERATED_DISAGREEMENT` is a tie; more than a percentage point away from one is not."""

COMMIT_SHOWN = re.compile(r'<td id="commit">.*?</td>')
NAMED = 5
"""Files that a message names at most."""
LAST_LINES = 15
"""Lines of a failed stage that its error repeats."""


class Verdict(StrEnum):
    """What became of an output."""

    EQUAL = "bit-equal"
    TOLERATED = "within tolerance"
    DIFFERENT = "different"
    TIMED = "not compared"


@dataclass(frozen=True)
class Output:
    """One output of the pipeline, judged."""

    path: str
    verdict: Verdict
    detail: str = ""
    differing_predictions: int | None = None


@dataclass(frozen=True)
class Report:
    """What a verification found."""

    commit: str
    seconds: float
    outputs: list[Output]
    notes: list[str]

    def count(self, verdict: Verdict) -> int:
        return sum(output.verdict == verdict for output in self.outputs)

    @property
    def good(self) -> bool:
        return not self.count(Verdict.DIFFERENT)

    def __str__(self) -> str:
        minutes, seconds = divmod(round(self.seconds), 60)
        different, tolerated = self.count(Verdict.DIFFERENT), self.count(Verdict.TOLERATED)
        compared = len(self.outputs) - self.count(Verdict.TIMED)
        found = f"{self.count(Verdict.EQUAL)} of {compared} outputs are bit-equal"
        if tolerated:
            found += f", {tolerated} within tolerance"
        if different:
            found += f", {different} different"
        return f"Commit {self.commit[:12]}, made anew in {minutes} min {seconds} s: {found}."


@dataclass(frozen=True)
class Difference:
    """How far apart two predictions.csv of the same images are."""

    images: int
    predictions: int
    """Images that are read differently."""
    score: float
    """Largest difference of a probability."""
    accuracies: tuple[float, float]

    @property
    def tolerated(self) -> bool:
        return (
            self.predictions <= conclude.TOLERATED_DISAGREEMENT * self.images
            and self.score <= TOLERATED_SCORE
        )

    def __str__(self) -> str:
        before, after = self.accuracies
        return (
            f"{self.predictions:,} of {self.images:,} predictions differ, scores by up to "
            f"{self.score:.2g}, accuracy {before:.2%} -> {after:.2%}"
        )


def difference(committed: pd.DataFrame, retrained: pd.DataFrame) -> Difference | None:
    """Compare two tables of predictions image by image, in whatever order they stand.

    Args:
        committed: The columns index, label, prediction and one score_CLASS for every class.
        retrained: The same.

    Returns:
        The difference, or None if the images, their labels or the classes are others.

    """
    if list(committed.columns) != list(retrained.columns):
        return None
    first, second = (table.set_index("index").sort_index() for table in (committed, retrained))
    if not first["label"].equals(second["label"]):
        return None
    scores = [name for name in first.columns if name.startswith("score_")]
    accuracies = [
        float((table["label"] == table["prediction"]).mean()) for table in (first, second)
    ]
    return Difference(
        images=len(first),
        predictions=int((first["prediction"] != second["prediction"]).sum()),
        score=float(np.abs(first[scores].to_numpy() - second[scores].to_numpy()).max()),
        accuracies=(accuracies[0], accuracies[1]),
    )


def digest(path: Path) -> str:
    """MD5 of a file or a folder, as DVC writes it into dvc.lock."""
    hashes = _hashes(path)
    if path.is_file():
        return hashes[""]
    entries = [{"md5": md5, "relpath": name} for name, md5 in sorted(hashes.items())]
    return hashlib.md5(json.dumps(entries, sort_keys=True).encode()).hexdigest() + ".dir"


def differing(first: Path, second: Path) -> list[str]:
    """Names of the files that differ between two folders; "" if two files do."""
    hashes, others = _hashes(first), _hashes(second)
    return sorted(name for name in hashes | others if hashes.get(name) != others.get(name))


def _hashes(path: Path) -> dict[str, str]:
    """MD5 of every file in a folder, by its path in it, or of one file."""
    inside = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    hashes = {}
    for file in inside:
        with file.open("rb") as source:
            name = "" if file == path else file.relative_to(path).as_posix()
            hashes[name] = hashlib.file_digest(source, "md5").hexdigest()
    return hashes


def recorded_outputs(lock: dict[str, Any]) -> dict[str, str]:
    """MD5 of every output that a dvc.lock records, by its path."""
    stages = lock["stages"].values()
    return {out["path"]: out["md5"] for stage in stages for out in stage.get("outs", [])}


def changed_inputs(recorded: dict[str, Any], found: dict[str, Any]) -> dict[str, list[str]]:
    """What was recorded from other code or parameters than were run.

    Args:
        recorded: The dvc.lock of the commit.
        found: The dvc.lock that running the commit gave.

    Returns:
        The changed files, and params.yaml if a parameter changed, by the stage that reads them.

    """
    made = recorded_outputs(found)
    changed = {}
    for name, stage in found["stages"].items():
        before = recorded["stages"].get(name, {})
        read, read_before = (
            {dep["path"]: dep.get("md5") for dep in entry.get("deps", [])} | entry.get("params", {})
            for entry in (stage, before)
        )
        inputs = sorted(
            path
            for path in read | read_before
            if path not in made and read.get(path) != read_before.get(path)
        )
        if inputs:
            changed[name] = inputs
    return changed


@dataclass(frozen=True)
class Evidence:
    """What is set against each other."""

    recorded: dict[str, str]
    """MD5 of every output in the commit's dvc.lock, by its path in the project."""
    made: dict[str, Path]
    """Where the outputs lie that were made anew, by the same path."""
    committed: Path
    """A checkout of the commit, with the outputs that git holds."""
    working: Path
    """The working tree; an output that is not there is not missed."""

    def holds(self, folder: Path, path: str) -> bool:
        """Whether an output is in a folder as it was recorded."""
        return (folder / path).exists() and digest(folder / path) == self.recorded.get(path)


def compare(evidence: Evidence) -> list[Output]:
    """Judge every output that was recorded or made."""
    return [_judge(path, evidence) for path in evidence.recorded | evidence.made]


def _judge(path: str, evidence: Evidence) -> Output:
    try:
        again = _made_again(path, evidence)
        _check_files(path, again, evidence)
        if _is_timed(path):
            return Output(path, Verdict.TIMED, _machines(path, evidence))
        if again:
            return Output(path, Verdict.EQUAL)
        if _only_commit_differs(path, evidence):
            return Output(path, Verdict.TOLERATED, "only the commit that it names is another")
        apart = _apart_by_predictions(path, evidence)
    except UserError as error:
        return Output(path, Verdict.DIFFERENT, str(error))
    verdict = Verdict.TOLERATED if apart.tolerated else Verdict.DIFFERENT
    return Output(path, verdict, str(apart), apart.predictions)


def _made_again(path: str, evidence: Evidence) -> bool:
    """Whether what was made anew has the recorded bytes; UserError where nothing was."""
    if path not in evidence.recorded:
        raise UserError("the commit's dvc.lock does not record it")
    if path not in evidence.made or not evidence.made[path].exists():
        raise UserError("it was not made again")
    return digest(evidence.made[path]) == evidence.recorded[path]


def _check_files(path: str, again: bool, evidence: Evidence) -> None:
    """UserError if an output in the commit or in the working tree is not the recorded one.

    New times in the working tree are those of a later run, and no fault.
    """
    places = {"the commit": evidence.committed}
    if not _is_timed(path):
        places["the working tree"] = evidence.working
    for place, folder in places.items():
        if (folder / path).exists() and not evidence.holds(folder, path):
            names = differing(folder / path, evidence.made[path]) if again else [""]
            fault = f"{_named(path, names)} in {place} is not what the commit's dvc.lock records"
            raise UserError(fault if again or _is_timed(path) else f"{fault}, nor is the new one")


def _only_commit_differs(path: str, evidence: Evidence) -> bool:
    """Whether an output is the report, and the same but for the commit of the code.

    What is committed with the code was made before the commit had its name.
    """
    committed = evidence.committed / path
    if not path.endswith(".html") or not committed.is_file():
        return False
    before, now = (
        COMMIT_SHOWN.sub("", file.read_text(encoding="utf-8"))
        for file in (committed, evidence.made[path])
    )
    return before == now


def _machines(path: str, evidence: Evidence) -> str:
    """In what the machine that measured the recorded times differs from this one."""
    if not (evidence.committed / path).exists():
        return "measured times"
    before, now = (
        files.read_json(place).get("hardware", {})
        for place in (evidence.committed / path, evidence.made[path])
    )
    changed = [
        f"{key} {before.get(key)} -> {now[key]}" for key in now if now[key] != before.get(key)
    ]
    return "measured times" + (f", on another machine: {'; '.join(changed)}" if changed else "")


def _apart_by_predictions(path: str, evidence: Evidence) -> Difference:
    """How much it matters that an output has other bytes.

    Raises:
        UserError: if that cannot be told, or if rounding cannot be the reason.

    """
    committed, working, made = evidence.committed, evidence.working, evidence.made
    names = [Path(part).stem for part in Path(path).parts]
    model = next((name for name in names if name in config.MODELS), None)
    if model is None:
        raise UserError(f"{_differing(path, evidence)} has other bytes")
    bundle, train = f"models/{model}", f"metrics/{model}/train.json"
    predictions = f"metrics/{model}/predictions.csv"
    for basis in (predictions, train):
        if not evidence.holds(committed, basis) or not made.keys() >= {basis, bundle}:
            raise UserError(f"other bytes, and no {basis} as recorded to tell how much it matters")
    sha256 = files.read_json(committed / train).get("model_sha256")
    same_model = sha256 == files.read_json(made[train])["model_sha256"] or (
        evidence.recorded.get(bundle) == digest(made[bundle])
    )
    same_predictions = evidence.recorded[predictions] == digest(made[predictions])
    trained = path in (bundle, train, f"metrics/{model}/history.csv")
    if same_model and (trained or same_predictions):
        raise UserError(
            f"{_differing(path, evidence)}: other bytes, though the training gave, bit by bit, the "
            f"model that {train if trained else predictions} is of"
        )
    before = pd.read_csv(committed / predictions)
    if path == bundle and (working / path).exists():
        kept = predictor.Predictor.load(working / path)
        if kept.bundle.digest != sha256:
            raise UserError(f"{path} in the working tree is not the model that {train} names")
        before = _predictions(kept, made["data/split/test.npz"].parent)
    highest = before.filter(like="score_").to_numpy().argmax(axis=1)
    if forged := int((before["prediction"].to_numpy() != highest).sum()):
        raise UserError(f"{predictions}: {forged} prediction(s) are not the highest score's class")
    apart = difference(before, pd.read_csv(made[predictions]))
    if apart is None:
        raise UserError("the predictions are of other images")
    _check_figures(path, model, committed, made)
    return apart


def _check_figures(path: str, model: str, committed: Path, made: dict[str, Path]) -> None:
    """UserError if figures of other bytes are not those of the committed predictions or training.

    A test figure is exact: it follows from predictions.csv.  One of the training may be off by
    `TOLERATED_SCORE`, relative to figures above 1.
    """
    metrics = committed / "metrics" / model
    # What DVC caches is not in the commit: only the predictions can tell of it.
    shown = (committed / path).is_file() and path.endswith((".json", "history.csv"))
    found = _figures(committed / path) if shown else {}
    name, tolerance = Path(path).name, 1e-9
    if name == "test.json":
        table = pd.read_csv(metrics / "predictions.csv")
        scores = table.filter(like="score_")
        classes = [column.removeprefix("score_") for column in scores.columns]
        expected = _flat(scoring.summarise(table["label"].to_numpy(), scores.to_numpy(), classes))
    elif name == "summary.json":
        tested, trained = (_figures(metrics / f"{part}.json") for part in ("test", "train"))
        expected = {key: (tested | trained).get(key, math.nan) for key in found}
    else:
        expected, tolerance = _figures(made[path]) if found else {}, TOLERATED_SCORE
    for key in found | expected:
        recorded, right = found.get(key, math.nan), expected.get(key, math.nan)
        if not math.isclose(recorded, right, rel_tol=tolerance, abs_tol=tolerance):
            raise UserError(f"{key}: expected {right}, recorded is {recorded}")


def _figures(path: Path) -> dict[str, float]:
    """The numbers in a file of metrics, by where they stand."""
    return _flat(
        pd.read_csv(path).to_dict("list") if path.suffix == ".csv" else files.read_json(path)
    )


def _flat(tree: Any) -> dict[str, float]:
    if isinstance(tree, int | float):
        return {"": float(tree)}
    parts = enumerate(tree) if isinstance(tree, list) else dict(tree or {}).items()
    return {
        f"{key}.{inner}".rstrip("."): number
        for key, part in parts
        if not isinstance(part, str)
        for inner, number in _flat(part).items()
    }


def _predictions(ready: predictor.Predictor, folder: Path) -> pd.DataFrame:
    """What predictions.csv would hold for a model, on the test set in `folder`."""
    test = split.read(folder, "test")
    probabilities = ready.probabilities(test.images).round(scoring.DECIMALS)
    return predictor.tabulate(test, probabilities, ready.classes)


def _differing(path: str, evidence: Evidence) -> str:
    """The files of an output that the working tree and the training have in other bytes."""
    there = (evidence.working / path).exists()
    return _named(path, differing(evidence.working / path, evidence.made[path]) if there else [""])


def _named(path: str, names: list[str]) -> str:
    """The files `names` in the output `path`."""
    return _listed([f"{path}/{name}" if name else path for name in names])


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


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
        dataset = config.read(committed / paths.PARAMS.name)["dataset"]
        environment = _environment(scratch, dataset["name"])
        order = _plan(retrained, [f"evaluate@{model}" for model in models], environment)
        lock = config.read(committed / paths.DVC_LOCK.name)
        if models:
            lock["stages"] = {name: lock["stages"].get(name, {}) for name in order}
        _check_space(scratch, lock)
        _bring_own_data(dataset, retrained)
        _reproduce(retrained, ["download"], environment)
        _check_data(recorded_outputs(lock), retrained)
        showing = showing_times(order, lock)
        training = [name for name in order if name not in ("download", *showing)]
        _reproduce(retrained, training, environment)
        found = _stages(retrained, ["download", *training])
        made = {path: retrained / path for path in recorded_outputs({"stages": found})}
        if showing:
            for name in showing:
                _bring_inputs(lock["stages"][name], retrained, redrawn)
            _reproduce(redrawn, showing, environment)
            drawn = _stages(redrawn, showing)
            made |= {path: redrawn / path for path in recorded_outputs({"stages": drawn})}
            found |= drawn
        outputs = compare(Evidence(recorded_outputs(lock), made, committed, paths.ROOT))
    stale = [
        f"dvc.lock records {name} with other inputs than the commit holds: {_listed(inputs)}"
        for name, inputs in changed_inputs(lock, {"stages": found}).items()
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
    note = f"verified is the commit, not what is changed since: {_listed(changed)}"
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
    published = PUBLISHED[dataset]
    named = os.environ.get(MIRROR_VARIABLE)
    for place in (str(paths.RAW), *filter(None, [named]), *published.mirrors):
        folder = paths.HOME / place
        if all(_is(folder / name, sha256) for name, sha256 in published.sha256.items()):
            return str(folder)
    return None


def _is(path: Path, sha256: str) -> bool:
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == sha256


def _bring_own_data(dataset: dict[str, Any], clone: Path) -> None:
    """Copy the user's own data set, which git need not hold."""
    source, target = paths.HOME / dataset["path"], (clone / dataset["path"]).resolve()
    if dataset["name"] not in ("idx", "folder") or target == source.resolve():
        return
    if not source.is_dir():
        raise UserError(f"dataset.path: expected a folder, but {source} is none")
    if not target.is_relative_to(clone.parent):
        raise UserError(
            f"dataset.path: {dataset['path']} leads out of the project; make it absolute"
        )
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


def _check_space(scratch: Path, lock: dict[str, Any]) -> None:
    sizes = [out["size"] for stage in lock["stages"].values() for out in stage.get("outs", [])]
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
        name = files.read_json(retrained / path / paths.DATASET_JSON)["name"]
        raise UserError(
            f"{path}: expected the data set that dvc.lock records ({recorded.get(path)}), received "
            f"another ({name}, {digest(retrained / path)}); put your own data back, or set "
            f"{MIRROR_VARIABLE} to a folder or an address that holds the published files"
        )


def showing_times(order: list[str], lock: dict[str, Any]) -> list[str]:
    """The stages that read times, directly or as other stages show them."""
    showing, shown = [], set()
    for name in order:
        stage = lock["stages"].get(name, {})
        if any(_is_timed(dep["path"]) or dep["path"] in shown for dep in stage.get("deps", [])):
            showing.append(name)
            shown |= {out["path"] for out in stage.get("outs", [])}
    return showing


def _is_timed(path: str) -> bool:
    return any(fnmatch(path, pattern) for pattern in TIMES)


def _bring_inputs(stage: dict[str, Any], retrained: Path, redrawn: Path) -> None:
    """Copy what a stage reads and git does not hold."""
    for dep in stage["deps"]:
        source, target = retrained / dep["path"], redrawn / dep["path"]
        if not target.exists() and source.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            (shutil.copytree if source.is_dir() else shutil.copyfile)(source, target)


def _stages(folder: Path, names: list[str]) -> dict[str, Any]:
    """The entries of some stages in the dvc.lock of a folder."""
    stages = config.read(folder / paths.DVC_LOCK.name)["stages"]
    return {name: stages[name] for name in names}
