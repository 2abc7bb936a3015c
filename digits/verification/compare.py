"""What came out of a run against what was recorded, output by output.

An output is bit-equal, within tolerance (rounding may be the reason), different, or a measured time
that no run gives again.
"""

import hashlib
import json
import math
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from digits.core import config, files, records
from digits.core.errors import UserError
from digits.data import split
from digits.inference import predictor, scoring
from digits.training import conclude

if TYPE_CHECKING:
    import pandas as pd

TIMES = ("metrics/*/timing.json", "metrics/*/speed.json")
"""Outputs that hold measured times, which no retraining gives again.

Nothing else is left out: a stage that shows times is run anew on the committed ones, and has to
give the committed bytes."""

TOLERATED_SCORE = 0.01
"""By how much rounding may move a probability.  What turns around within
`conclude.TOLERATED_DISAGREEMENT` is a tie; more than a percentage point away from one is not."""

NAMED = 5
"""Files that a message names at most."""


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


def difference(committed: "pd.DataFrame", retrained: "pd.DataFrame") -> Difference | None:
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


def judge(evidence: Evidence) -> list[Output]:
    """Judge every output that was recorded or made."""
    return [_judged(path, evidence) for path in evidence.recorded | evidence.made]


def _judged(path: str, evidence: Evidence) -> Output:
    try:
        again = _made_again(path, evidence)
        _check_files(path, again, evidence)
        if is_timed(path):
            return Output(path, Verdict.TIMED, _machines(path, evidence))
        if again:
            return Output(path, Verdict.EQUAL)
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
    if not is_timed(path):
        places["the working tree"] = evidence.working
    for place, folder in places.items():
        if (folder / path).exists() and not evidence.holds(folder, path):
            names = differing(folder / path, evidence.made[path]) if again else [""]
            fault = f"{_named(path, names)} in {place} is not what the commit's dvc.lock records"
            raise UserError(fault if again or is_timed(path) else f"{fault}, nor is the new one")


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
    import pandas as pd

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
    import pandas as pd

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
        tested = records.Test.read(metrics / "test.json")
        expected = _flat(records.Summary.of_test(tested).as_dict())
    elif name == "validation.json":
        trained = records.Train.read(metrics / "train.json")
        expected = _flat(records.Validation.of_training(trained).as_dict())
    else:
        expected, tolerance = _figures(made[path]) if found else {}, TOLERATED_SCORE
    for key in found | expected:
        recorded, right = found.get(key, math.nan), expected.get(key, math.nan)
        if not math.isclose(recorded, right, rel_tol=tolerance, abs_tol=tolerance):
            raise UserError(f"{key}: expected {right}, recorded is {recorded}")


def _figures(path: Path) -> dict[str, float]:
    """The numbers in a file of metrics, by where they stand."""
    import pandas as pd

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


def _predictions(ready: predictor.Predictor, folder: Path) -> "pd.DataFrame":
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
    return listed([f"{path}/{name}" if name else path for name in names])


def listed(names: list[str]) -> str:
    """The first `NAMED` of some names, and how many more there are."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def is_timed(path: str) -> bool:
    """Whether an output holds measured times."""
    return any(fnmatch(path, pattern) for pattern in TIMES)
