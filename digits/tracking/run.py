"""What a run is, read from the files that the stages wrote."""

import csv
import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import Any, TypeVar

from digits.core import paths, records
from digits.core.record import Record
from digits.tracking import parameters
from digits.tracking.git import Read
from digits.tracking.provenance import params

SHARED_SECTIONS = ("dataset", "preprocess", "split", "hardware")
OWN_SECTIONS = {"reader": ("synthesis",)}
"""Of params.yaml, beside train.MODEL, that only one model follows from."""
FIGURES = ("confusion.png", "curves.png", "misclassified.png")
PREDICTIONS, VALIDATION = "predictions.csv", "validation.csv"
"""What the model read on the test and on the validation set."""
TRAINING_ID = "digits.training"
"""The tag that names the training of a run, whoever writes it."""
KIND = "digits.kind"
"""The tag by which the store tells runs apart."""
TRAINING = "training"
"""With the parameters of the project, on whatever hardware."""
EXPERIMENT = "experiment"
"""A training that DVC ran with other parameters than those of the commit where it began."""
EVALUATION = "evaluation"
"""Of a trained model on other images than those of its own test set."""
COMPARISON = "comparison"
TEST_SET = "digits.test_set"
"""The tag of a run that was evaluated: the SHA-256 of the test images that it has seen."""
MIB = 2**20
RecordOf = TypeVar("RecordOf", bound=Record)


@dataclass(frozen=True)
class Run:
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
    read: Read | None = field(default=None, compare=False, repr=False)
    """Reads the files of the model; None where there is none yet."""

    @property
    def name(self) -> str:
        return " ".join(filter(None, [self.model, self.context.get("dvc.experiment")]))

    @property
    def is_evaluation(self) -> bool:
        """Whether it is no training, but one model's evaluation on other images."""
        return self.tags[KIND] == EVALUATION

    @property
    def inputs(self) -> str:
        """Names what a training begins with, before anything has come out of it."""
        named = [
            self.model,
            {key: parameters.canonical(text) for key, text in self.parameters.items()},
            self.splits,
        ]
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
class StoredRun:
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
    """As in `Run`; empty where there is neither a split nor a training."""


def in_workspace(path: str) -> bytes | None:
    """Read a file of the working tree."""
    file = paths.ROOT / path
    return file.read_bytes() if file.is_file() else None


def started(
    model: str,
    read: Read,
    hardware: dict[str, Any],
    context: dict[str, str],
    baseline: Read | None = None,
) -> Run:
    """A training that has just begun on `hardware`; the rest as for `finished`."""
    tree = params(read)
    split = json.loads(read("data/split/split.json") or b"{}")
    dataset = split.get("name", tree["dataset"]["name"])
    return Run(
        model=model,
        dataset=dataset,
        parameters=_parameters(tree, model, dataset) | _used(hardware),
        tags=_tags(model, dataset, hardware) | {KIND: _kind(model, tree, baseline)},
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


def finished(
    model: str, read: Read, context: dict[str, str], baseline: Read | None = None
) -> Run | None:
    """A finished training, with its evaluation if that is of the same model, or None.

    Where the model was evaluated on other images than those of its own test set, that evaluation
    alone: it makes a run of its own.

    Args:
        model: The model.
        read: Reads the files.
        context: As in `Run`.
        baseline: Reads the files with which the training's experiment began; None without one.

    Raises:
        UserError: if a file of metrics is of another version of digits.

    """
    folder = f"metrics/{model}"
    train = _record(records.Train, f"{folder}/train.json", read)
    timing = _record(records.Timing, f"{folder}/timing.json", read)
    if train is None or timing is None:
        return None
    metrics = {
        "train_accuracy": train.train_accuracy,
        "train_loss": train.train_loss,
        "validation_accuracy": train.validation_accuracy,
        "validation_loss": train.validation_loss,
        "parameters": train.parameters,
        "bundle_mib": round(train.bundle_bytes / MIB, 2),
        "train_seconds": timing.train_seconds,
        "peak_memory_mib": timing.peak_memory_mib,
        "energy_joules": timing.energy_joules,
    }
    hardware, tree = timing.hardware.model_dump(), params(read)
    identity = train.model_sha256.encode() + (read(f"{folder}/timing.json") or b"")
    training = hashlib.sha256(identity).hexdigest()
    run = Run(
        model=model,
        dataset=train.dataset,
        parameters=_parameters(tree, model, train.dataset) | _used(hardware),
        tags=_tags(model, train.dataset, hardware)
        | {
            KIND: _kind(model, tree, baseline),
            "digits.model": train.model_sha256,
            TRAINING_ID: training,
        },
        context=context,
        splits=_splits(train.model_dump()["split"]),
        metrics={name: value for name, value in metrics.items() if value is not None},
        curves=_curves(read(f"{folder}/history.csv"), timing.epoch_seconds),
        training=training,
        started=timing.started.timestamp(),
        seconds=timing.train_seconds,
        read=read,
    )
    test = _record(records.Test, f"{folder}/test.json", read)
    if test is None or test.model_sha256 != train.model_sha256:
        return run
    seen = {TEST_SET: test.test_sha256}
    evaluated = _evaluated(replace(run, tags=run.tags | seen), read)
    if test.test_sha256 == run.splits["test"]["sha256"]:
        return evaluated
    # Other images than its own, say corrections: what the training gave stays as it is.
    other = hashlib.sha256(identity + test.test_sha256.encode()).hexdigest()
    return replace(
        evaluated,
        dataset=test.dataset,
        parameters=run.parameters | {"dataset.used": test.dataset},
        tags=evaluated.tags | {"dataset": test.dataset, KIND: EVALUATION, TRAINING_ID: other},
        splits={"test": {"images": test.images, "sha256": test.test_sha256}},
        metrics={name: evaluated.metrics[name] for name in evaluated.metrics.keys() - metrics},
        curves=[],
        artifacts={
            name: content
            for name, content in evaluated.artifacts.items()
            if name not in ("figures/curves.png", VALIDATION)
        },
        training=other,
        seconds=0.0,
        read=None,
    )


def _evaluated(run: Run, read: Read) -> Run:
    """The run with what the evaluation of its model measured and drew."""
    metrics, tags = dict(run.metrics), dict(run.tags)
    summary = _record(records.Summary, f"metrics/{run.model}/summary.json", read)
    if summary is not None:
        metrics |= summary.model_dump()
    speed = _record(records.Speed, f"metrics/{run.model}/speed.json", read)
    if speed is not None:
        metrics |= {
            "latency_ms": speed.latency_ms,
            "images_per_second": speed.images_per_second,
        }
        for name in ("memory_mib", "batch_memory_mib"):
            if (size := getattr(speed, name)) is not None:
                metrics[f"predict_{name}"] = size
        tags |= {
            "evaluation.cpu": speed.hardware.cpu,
            "evaluation.threads": str(speed.hardware.threads),
        }
    transfer = _record(records.Transfer, f"metrics/{run.model}/transfer.json", read)
    if transfer is not None and transfer.reporting is not None:
        metrics["transfer_accuracy"] = transfer.reporting.accuracy
    sources = {f"figures/{name}": f"reports/figures/{run.model}/{name}" for name in FIGURES}
    sources |= {name: f"metrics/{run.model}/{name}" for name in (PREDICTIONS, VALIDATION)}
    artifacts = {
        name: content for name, path in sources.items() if (content := read(path)) is not None
    }
    return replace(run, metrics=metrics, tags=tags, artifacts=artifacts)


def _record(kind: type[RecordOf], path: str, read: Read) -> RecordOf | None:
    content = read(path)
    return None if content is None else kind.parse(content, path)


def _parameters(tree: dict[str, Any], model: str, dataset: str) -> dict[str, str]:
    """The model's whole section without prefix, the shared sections with theirs."""
    flat = parameters.flat(tree["train"][model])
    for section in (*SHARED_SECTIONS, *OWN_SECTIONS.get(model, ())):
        flat |= parameters.flat(tree[section], f"{section}.")
    flat["dataset.used"] = dataset
    return flat


def _kind(model: str, tree: dict[str, Any], baseline: Read | None) -> str:
    """Whether a training has the parameters with which its experiment began, whatever computes."""
    if baseline is None:
        return TRAINING
    began = params(baseline)
    if not {"train", *SHARED_SECTIONS} <= began.keys() or model not in began["train"]:
        return EXPERIMENT  # it brought the model, a section, or params.yaml itself
    now, before = (
        {
            key: parameters.canonical(text)
            for key, text in _parameters(found, model, "").items()
            if not key.startswith("hardware.")
        }
        for found in (tree, began)
    )
    return TRAINING if now == before else EXPERIMENT


def _used(hardware: dict[str, Any]) -> dict[str, str]:
    """What came of the section hardware, as parameters."""
    return {
        f"hardware.used_{name}": str(hardware[name])
        for name in ("device", "device_name", "precision", "threads")
    }


def _tags(model: str, dataset: str, hardware: dict[str, Any]) -> dict[str, str]:
    tags = {"model": model, "dataset": dataset, "hardware.name": hardware_name(hardware)}
    for key, value in hardware.items():
        if isinstance(value, dict):
            tags |= {f"hardware.{key}.{name}": str(version) for name, version in value.items()}
        elif value not in (None, ""):
            tags[f"hardware.{key}"] = str(value)
    return tags


def hardware_name(hardware: Mapping[str, Any]) -> str:
    """Hardware as in "Xeon 8488C, 2 threads, bfloat16 (laptop)".

    Args:
        hardware: device_name, threads, precision, label.

    """
    used = processor(hardware["device_name"], hardware["threads"])
    label = f" ({hardware['label']})" if hardware["label"] else ""
    return f"{used}, {hardware['precision']}{label}"


def processor(name: str, threads: int) -> str:
    """A processor and how much of it is used, as in "Xeon 8488C, 2 threads"."""
    return f"{name}, {threads} thread{'' if threads == 1 else 's'}"


def _splits(sets: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        name: {"images": part["images"], "sha256": part["sha256"]} for name, part in sets.items()
    }


def _curves(content: bytes | None, epoch_seconds: tuple[float, ...]) -> list[dict[str, float]]:
    if content is None:
        return []
    rows = csv.DictReader(io.StringIO(content.decode()))
    return [
        {key: float(value) for key, value in row.items() if value} | {"seconds": round(seconds, 3)}
        for row, seconds in zip(rows, accumulate(epoch_seconds), strict=True)
    ]
