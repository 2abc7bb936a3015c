"""Score one model on the test set: models/MODEL to metrics/MODEL and reports/figures/MODEL.

Run as `python -m stages.evaluate MODEL`, or by `dvc repro evaluate@MODEL`.
"""

import sys
import time
from dataclasses import replace

import numpy as np
import pandas as pd

from digits import tracking
from digits.core import config, errors, files, paths, records
from digits.data import split
from digits.hardware import selection
from digits.inference import predictor, scoring
from digits.report import plots

SUMMARISED = (
    "accuracy",
    "accuracy_low",
    "accuracy_high",
    "log_loss",
    "macro_precision",
    "macro_recall",
    "macro_f1",
)
"""The figures of test.json that DVC shows as metrics: few enough for one screen."""
SINGLE_IMAGES = 50
"""Images that are scored one by one, for the latency."""


def main(model: str) -> None:
    """Write one model's predictions, misread digits, figures in numbers and pictures, and speed."""
    with tracking.Publisher() as publisher:
        machine = selection.choose(config.load("hardware", selection.Params), gpu_capable=False)
        ready = predictor.Predictor.load(paths.MODELS / model, machine.threads)
        test = split.read(paths.SPLIT, "test")
        about = files.read_json(paths.SPLIT / "split.json")
        test = replace(test, labels=ready.labels(test.labels, about["classes"]))
        speed = _speed(ready, test.images)
        began = time.perf_counter()
        probabilities = ready.probabilities(test.images).round(scoring.DECIMALS)
        speed["images_per_second"] = round(len(test) / (time.perf_counter() - began), 1)

        classes, metrics = list(ready.classes), paths.METRICS / model
        predictions = probabilities.argmax(axis=1)
        with files.atomic(metrics / "predictions.csv") as path:
            predictor.tabulate(test, probabilities, ready.classes).to_csv(
                path, index=False, float_format="%.6g", lineterminator="\n"
            )
        wrong = predictions != test.labels
        with files.atomic(metrics / "misread.npz") as path, path.open("wb") as sink:
            np.savez_compressed(sink, index=test.index[wrong], images=_grey(test.images[wrong]))
        summary = scoring.summarise(test.labels, probabilities, classes)
        dataset = about["name"]
        records.Test(
            model=model,
            dataset=dataset,
            test_sha256=about["sets"]["test"]["sha256"],
            model_sha256=ready.bundle.digest,
            **summary,
        ).write(metrics / "test.json")
        train = records.Train.read(metrics / "train.json")
        records.Summary(
            **{name: summary[name] for name in SUMMARISED},
            validation_accuracy=train.validation_accuracy,
        ).write(metrics / "summary.json")
        records.Speed(**speed, hardware=records.Hardware(**machine.as_dict())).write(
            metrics / "speed.json"
        )
        title = f"{model} on {dataset}"
        figures = {
            "confusion": plots.confusion(test.labels, predictions, classes, title),
            "misread": plots.misread(test.images, test.labels, probabilities, classes, title),
        }
        history = pd.read_csv(metrics / "history.csv")
        if train.kept_epoch is not None:
            figures["curves"] = plots.curves(history, train.kept_epoch, title)
        for name, figure in figures.items():
            with files.atomic(paths.FIGURES / model / f"{name}.png") as path:
                path.write_bytes(plots.png(figure))
        publisher.publish(model)
    low, high = summary["accuracy_low"], summary["accuracy_high"]
    print(f"{model} on {dataset}: {summary['accuracy']:.2%} of {len(test):,} test images are read")
    print(f"right (95% interval {low:.2%} to {high:.2%})")


def _grey(images: np.ndarray) -> np.ndarray:
    """Images (n, height, width, 1) of any scale as (n, height, width) uint8, for looking at."""
    low = images.min(axis=(1, 2, 3), keepdims=True, initial=np.inf)
    high = images.max(axis=(1, 2, 3), keepdims=True, initial=-np.inf)
    grey: np.ndarray = (255 * (images - low) / np.maximum(high - low, 1e-6)).round()
    return grey[..., 0].astype(np.uint8)


def _speed(ready: predictor.Predictor, images: np.ndarray) -> dict[str, float]:
    """Median time of one image alone, in milliseconds; the first one warms up."""
    seconds = []
    for index in range(min(SINGLE_IMAGES, len(images)) + 1):
        began = time.perf_counter()
        ready.probabilities(images[index % len(images)][np.newaxis])
        seconds.append(time.perf_counter() - began)
    return {"latency_ms": round(float(np.median(seconds[1:])) * 1000, 3)}


if __name__ == "__main__":
    with errors.reported():
        if len(sys.argv) != 2 or sys.argv[1] not in config.MODELS:
            raise errors.UserError(f"expected one of {', '.join(config.MODELS)} after the command")
        main(sys.argv[1])
