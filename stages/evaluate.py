"""Score one model on the test set: models/MODEL to metrics/MODEL and reports/figures/MODEL.

Run as `python -m stages.evaluate MODEL`, or by `dvc repro evaluate@MODEL`.
"""

import sys
import time
from dataclasses import replace

import numpy as np
import pandas as pd

from digits.core import config, errors, files, paths, records
from digits.data import split
from digits.hardware import selection
from digits.inference import predictor, scoring
from digits.report import text
from digits.report.figures import drawing
from digits.report.figures import model as figures_of
from digits.tracking.publisher import Publisher

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
MISCLASSIFIED_SHOWN, DIGITS_A_ROW = 60, 12
SINGLE_IMAGES = 50
"""Images that are scored one by one, for the latency."""


def main(model: str) -> None:
    """Write one model's predictions, misread digits, figures in numbers and pictures, and speed."""
    with Publisher() as publisher:
        machine = selection.choose(config.load("hardware", selection.Params), gpu_capable=False)
        ready = predictor.Predictor.load(paths.MODELS / model, machine.threads)
        test = split.read(paths.SPLIT, "test")
        about = records.Split.read(paths.SPLIT / "split.json")
        test = replace(test, labels=ready.labels(test.labels, about.classes))
        speed = _speed(ready, test.images)
        began = time.perf_counter()
        probabilities = ready.probabilities(test.images).round(scoring.DECIMALS)
        speed["images_per_second"] = round(len(test) / (time.perf_counter() - began), 1)

        classes, metrics = list(ready.classes), paths.METRICS / model
        predictions = predictor.tabulate(test, probabilities, ready.classes)
        with files.atomic(metrics / "predictions.csv") as path:
            predictions.to_csv(path, index=False, float_format="%.6g", lineterminator="\n")
        wrong = (predictions["prediction"] != predictions["label"]).to_numpy()
        index, images = test.index[wrong], drawing.grey(test.images[wrong, :, :, 0])
        with files.atomic(metrics / "misread.npz") as path, path.open("wb") as sink:
            np.savez_compressed(sink, index=index, images=images)
        summary = scoring.summarise(test.labels, probabilities, classes)
        dataset = about.name
        records.Test(
            model=model,
            dataset=dataset,
            test_sha256=about.sets["test"].sha256,
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
            "confusion": figures_of.confusion(
                figures_of.counts(predictions, len(classes)), classes, title
            ),
            "misread": figures_of.misclassified(
                predictions,
                dict(zip(index, images, strict=True)),
                classes,
                MISCLASSIFIED_SHOWN,
                DIGITS_A_ROW,
                f"{title}: {_most_confident(wrong)}",
            ),
        }
        history = pd.read_csv(metrics / "history.csv")
        if train.kept_epoch is not None:
            figures["curves"] = figures_of.learning(model, history, train.kept_epoch, title=title)
        for name, figure in figures.items():
            with files.atomic(paths.FIGURES / model / f"{name}.png") as path:
                path.write_bytes(drawing.png(figure))
        publisher.publish(model)
    print(f"{model} on {dataset}: {text.percent(summary['accuracy'])} of {len(test):,} test images")
    ends = text.interval(summary["accuracy_low"], summary["accuracy_high"])
    print(f"are predicted correctly (95% interval {ends})")


def _most_confident(wrong: np.ndarray) -> str:
    """What is drawn of the misclassified digits: (n,) bool."""
    said = f"{int(wrong.sum()):,} of {len(wrong):,} misclassified"
    if wrong.sum() > MISCLASSIFIED_SHOWN:
        return f"{said}, the {MISCLASSIFIED_SHOWN} most confident"
    return said


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
