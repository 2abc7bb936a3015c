"""What a run is, read from the files that the stages wrote."""

import hashlib
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, reduce
from itertools import accumulate
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from digits.core import paths
from digits.tracking import git
from digits.tracking.git import Read

SHARED_SECTIONS = ("dataset", "preprocess", "split", "hardware")
FIGURES = ("confusion.png", "curves.png", "misread.png")
PREDICTIONS = "predictions.csv"
EVALUATION = "evaluation"
"""The tag digits.kind of what is an evaluation alone, on other images than the training's."""
FINAL_METRICS = {
    "train.json": (
        "train_accuracy",
        "train_loss",
        "validation_accuracy",
        "validation_loss",
        "parameters",
        "bundle_bytes",
    ),
    "timing.json": ("train_seconds", "peak_memory_mib"),
    "speed.json": ("images_per_second", "latency_ms"),
}
TRAINED_METRICS = {name for file in ("train.json", "timing.json") for name in FINAL_METRICS[file]}


@dataclass(frozen=True)
class Facts:
    """A run, as far as its files tell it."""

    model: str
    dataset: str
    parameters: dict[str, str]
    tags: dict[str, str]
    context: dict[str, str]
    """Tags of who ran it: commit, DVC stage and experiment; set once, when the run is made."""
    splits: dict[str, dict[str, Any]]
    """Of every set: its number of images and its SHA-256."""
    metrics: dict[str, float] = field(default_factory=dict)
    curves: list[dict[str, float]] = field(default_factory=list)
    """Of every epoch the training history's row, and `seconds`: from the first epoch's begin."""
    artifacts: dict[str, bytes] = field(default_factory=dict)
    """Content by path in the run's artifacts."""
    training: str | None = None
    """Names one training for good: SHA-256 over the model's digest and the timings; for an
    evaluation on other data over those and the digest of the images."""
    started: float = 0.0
    """Seconds since 1970."""
    seconds: float = 0.0

    @property
    def inputs(self) -> str:
        """Names what a training begins with, before anything has come out of it."""
        named = [self.model, self.parameters, self.splits]
        return hashlib.sha256(json.dumps(named, sort_keys=True).encode()).hexdigest()

    @property
    def digest(self) -> str:
        """Changes if and only if the store has to be told something."""
        told = [self.parameters, self.tags, self.metrics, self.curves, sorted(self.artifacts)]
        digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode())
        for name in sorted(self.artifacts):
            digest.update(self.artifacts[name])
        return digest.hexdigest()


@dataclass(frozen=True)
class Recorded:
    """A finished, evaluated training, as the store tells it."""

    run_id: str
    name: str
    model: str
    parameters: dict[str, str]
    tags: dict[str, str]
    splits: dict[str, dict[str, Any]]
    """Of every set: its number of images and its SHA-256."""
    metrics: dict[str, float]
    started: float
    """Seconds since 1970."""


@dataclass(frozen=True)
class Settings:
    """What a training would begin with, but for the hardware that it gets."""

    parameters: dict[str, str]
    splits: dict[str, dict[str, Any]]
    """As in `Facts`; empty where there is neither a split nor a training."""


def in_workspace(path: str) -> bytes | None:
    """Read a file of the working tree."""
    file = paths.ROOT / path
    return file.read_bytes() if file.is_file() else None


def begun(model: str, read: Read, hardware: dict[str, Any], context: dict[str, str]) -> Facts:
    """A training that has just begun on `hardware`."""
    tree = params(read)
    split = json.loads(read("data/split/split.json") or b"{}")
    dataset = split.get("name", tree["dataset"]["name"])
    return Facts(
        model=model,
        dataset=dataset,
        parameters=_parameters(tree, model, dataset) | _used(hardware),
        tags=_tags(model, dataset, hardware),
        context=context,
        splits=_splits(split.get("sets", {})),
    )


def settings(model: str, read: Read) -> Settings:
    """What `model` would be trained with now; the split is the last training's if there is none."""
    tree = params(read)
    split = json.loads(read("data/split/split.json") or b"{}")
    train = json.loads(read(f"metrics/{model}/train.json") or b"{}")
    dataset = split.get("name") or train.get("dataset") or tree["dataset"]["name"]
    return Settings(
        _parameters(tree, model, dataset), _splits(split.get("sets") or train.get("split", {}))
    )


def done(model: str, read: Read, context: dict[str, str]) -> Facts | None:
    """A finished training, with its evaluation if that is of the same model, or None.

    Where the model was evaluated on other images than those of its own test set, that evaluation
    alone: it makes a run of its own.
    """
    train_bytes, timing_bytes = (
        read(f"metrics/{model}/{name}") for name in ("train.json", "timing.json")
    )
    if train_bytes is None or timing_bytes is None:
        return None
    files = {"train.json": json.loads(train_bytes), "timing.json": json.loads(timing_bytes)}
    train, timing = files["train.json"], files["timing.json"]
    test = json.loads(read(f"metrics/{model}/test.json") or b"{}")
    artifacts: dict[str, bytes] = {}
    tags: dict[str, str] = {}
    if evaluated := test.get("model_sha256") == train["model_sha256"]:
        speed = files["speed.json"] = json.loads(read(f"metrics/{model}/speed.json") or b"{}")
        tags = {
            f"evaluation.{key}": str(speed["hardware"][key])
            for key in ("cpu", "threads")
            if key in speed.get("hardware", {})
        }
        sources = {f"figures/{name}": f"reports/figures/{model}/{name}" for name in FIGURES}
        sources[PREDICTIONS] = f"metrics/{model}/{PREDICTIONS}"
        for name, source in sources.items():
            if (content := read(source)) is not None:
                artifacts[name] = content
    metrics = {
        name: float(files[file][name])
        for file, names in FINAL_METRICS.items()
        for name in names
        if files.get(file, {}).get(name) is not None
    }
    if evaluated:
        summary = json.loads(read(f"metrics/{model}/summary.json") or b"{}")
        summary.pop("validation_accuracy", None)  # train.json has it
        metrics |= {f"test_{name}": float(value) for name, value in summary.items()}

    dataset, splits, hardware = train["dataset"], _splits(train["split"]), timing["hardware"]
    identity = train["model_sha256"].encode() + timing_bytes
    curves = _curves(read(f"metrics/{model}/history.csv"), timing["epoch_seconds"])
    seconds = timing["train_seconds"]
    own = splits["test"]["sha256"]
    if evaluated and test.get("test_sha256", own) != own:
        # Other images than its own, say corrections: what the training gave stays as it is.
        dataset = test["dataset"]
        splits = {"test": {"images": test["images"], "sha256": test["test_sha256"]}}
        identity += test["test_sha256"].encode()
        tags["digits.kind"] = EVALUATION
        metrics = {name: metrics[name] for name in metrics if name not in TRAINED_METRICS}
        curves, seconds = [], 0.0
        artifacts.pop("figures/curves.png", None)
    training = hashlib.sha256(identity).hexdigest()
    return Facts(
        model=model,
        dataset=dataset,
        parameters=_parameters(params(read), model, dataset) | _used(hardware),
        tags=_tags(model, dataset, hardware)
        | tags
        | {"digits.model": train["model_sha256"], "digits.training": training},
        context=context,
        splits=splits,
        metrics=metrics,
        curves=curves,
        artifacts=artifacts,
        training=training,
        started=datetime.fromisoformat(timing["started"]).timestamp(),
        seconds=seconds,
    )


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


def params(read: Read) -> dict[str, Any]:
    """params.yaml, as it was where the run was made."""
    return _tree(read, paths.PARAMS.name)


def _tree(read: Read, path: str) -> dict[str, Any]:
    content = read(path)
    assert content is not None, path
    tree: dict[str, Any] = YAML(typ="safe", pure=True).load(io.BytesIO(content))
    return tree


def _parameters(tree: dict[str, Any], model: str, dataset: str) -> dict[str, str]:
    """The model's whole section without prefix, the shared sections with theirs."""
    flat = _flat(tree["train"][model], "")
    for section in SHARED_SECTIONS:
        flat |= _flat(tree[section], f"{section}.")
    flat["dataset.used"] = dataset
    return flat


def _used(hardware: dict[str, Any]) -> dict[str, str]:
    """What came of the section hardware, as parameters."""
    return {
        f"hardware.used_{name}": str(hardware[name])
        for name in ("device", "device_name", "precision", "threads")
    }


def _flat(tree: dict[str, Any], prefix: str) -> dict[str, str]:
    flat: dict[str, str] = {}
    for key, value in tree.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = str(value)
    return flat


def _tags(model: str, dataset: str, hardware: dict[str, Any]) -> dict[str, str]:
    tags = {"model": model, "dataset": dataset}
    for key, value in hardware.items():
        if isinstance(value, dict):
            tags |= {f"hardware.{key}.{name}": str(version) for name, version in value.items()}
        elif value not in (None, ""):
            tags[f"hardware.{key}"] = str(value)
    return tags


def _splits(sets: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        name: {"images": part["images"], "sha256": part["sha256"]} for name, part in sets.items()
    }


def _curves(content: bytes | None, epoch_seconds: list[float]) -> list[dict[str, float]]:
    import csv

    if content is None:
        return []
    rows = csv.DictReader(io.StringIO(content.decode()))
    return [
        {key: float(value) for key, value in row.items() if value} | {"seconds": round(seconds, 3)}
        for row, seconds in zip(rows, accumulate(epoch_seconds), strict=True)
    ]


def git_context(revision: str | None = None, experiment: str | None = None) -> dict[str, str]:
    """Commit, whether the tree differs from it, and the DVC stage and experiment, as tags."""
    context = {}
    if commit := git.commit(revision or "HEAD"):
        context["mlflow.source.git.commit"] = commit
        changed = not revision and bool(git.changed(untracked=False))
        context["git.dirty"] = str(changed).lower()
    if experiment:
        context["dvc.experiment"] = experiment
    return context


def write_artifacts(artifacts: Mapping[str, bytes], folder: Path) -> None:
    """Lay a run's files out in `folder`, for uploading."""
    for name, content in artifacts.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
