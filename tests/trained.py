"""The files that a training of two epochs and its evaluation leave, and runs made of them."""

import json
from datetime import UTC, datetime

from digits.core import records
from digits.tracking import run as runs
from tests import made_records

MODEL = "cnn"
HARDWARE = records.Hardware(
    device="cpu",
    device_name="Test CPU",
    precision="float32",
    threads=2,
    cpu="Test CPU",
    cpu_fingerprint="12345678",
    cores=2,
    memory_gib=8.0,
    gpu=None,
    system="Linux",
    python="3.11.7",
    packages={"keras": "3"},
    label="",
)
PARAMS = b"""
dataset: {name: mnist, path: data/own, fallback: optdigits}
preprocess: {scale: unit}
split: {seed: 0}
hardware: {device: auto}
train: {cnn: {epochs: 2, learning_rate: 1e-3, augmentation: {shift: 1.5}}}
"""
LOCK = """
stages:
  split:
    params: {params.yaml: {split: {seed: 0}}}
    outs: [{path: data/split/train.npz, md5: s1}]
  train_cnn:
    deps: [{path: data/split/train.npz, md5: s1}, {path: stages/train_cnn.py, md5: c}]
    params:
      params.yaml:
        train.cnn: {epochs: 2, learning_rate: 1e-3, augmentation: {shift: 1.5}}
    outs: [{path: models/cnn, md5: m1}]
  evaluate@cnn:
    deps: [{path: models/cnn, md5: m1}]
"""
CLEAN = {"mlflow.source.git.commit": "1" * 40, "git.dirty": "false"}


def training_files(seconds=20.0, started=datetime(2026, 1, 1, tzinfo=UTC), **test):
    """Content by path; `test` changes test.json."""
    sets = {
        part: records.Images(images=5, per_class=(5,), sha256=letter * 64)
        for part, letter in (("train", "a"), ("validation", "b"), ("test", "c"))
    }
    train = records.Train(
        model=MODEL,
        dataset="mnist",
        model_sha256="e" * 64,
        epochs=2,
        kept_epoch=2,
        train_accuracy=0.97,
        train_loss=0.1,
        validation_accuracy=0.98,
        validation_loss=0.08,
        temperature=1.0,
        parameters=100,
        bundle_bytes=3 * 2**20,
        export_checked_on=5,
        export_differs_on=0,
        split=sets,
    )
    timing = records.Timing(
        started=started,
        train_seconds=seconds,
        epoch_seconds=(12.0, 8.0),
        peak_memory_mib=500.0,
        hardware=HARDWARE,
    )
    figures = {
        "accuracy": 0.99,
        "accuracy_low": 0.985,
        "accuracy_high": 0.995,
        "log_loss": 0.03,
        "macro_precision": 0.99,
        "macro_recall": 0.99,
        "macro_f1": 0.99,
    }
    tested = {
        "model": MODEL,
        "dataset": "mnist",
        "test_sha256": "c" * 64,
        "model_sha256": "e" * 64,
        "images": 5,
        "correct": 5,
        **figures,
        "per_class": {},
    }
    summary = {f"test_{name}": value for name, value in figures.items()}
    speed = made_records.speed(0.2, 9000.0, HARDWARE)
    return {
        "params.yaml": PARAMS,
        "dvc.lock": LOCK.encode(),
        "data/split/split.json": json.dumps(
            {"name": "mnist", "sets": {name: part.as_dict() for name, part in sets.items()}}
        ).encode(),
        "metrics/cnn/train.json": written(train),
        "metrics/cnn/timing.json": written(timing),
        "metrics/cnn/history.csv": b"epoch,train_loss,validation_accuracy\n1,0.5,0.9\n2,0.1,0.98\n",
        "metrics/cnn/test.json": written(records.Test(**tested | test)),
        "metrics/cnn/summary.json": written(records.Summary(**summary)),
        "metrics/cnn/speed.json": written(speed),
        "metrics/cnn/predictions.csv": b"index,label,prediction\n60000,7,7\n60001,2,2\n",
        "reports/figures/cnn/confusion.png": b"\x89PNG",
    }


def written(record):
    return json.dumps(record.as_dict()).encode()


def not_evaluated(files):
    """The same before its evaluation."""
    return {name: data for name, data in files.items() if "test.json" not in name}


def begun(files=None):
    """The run of a training that has just begun."""
    return runs.started(MODEL, (files or training_files()).get, HARDWARE.as_dict(), CLEAN)


def finished(files=None, context=CLEAN):
    """The run of a training that came to its end."""
    run = runs.finished(MODEL, (files or training_files()).get, context)
    assert run is not None
    return run
