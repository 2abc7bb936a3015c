"""Score one model on the test set: models/MODEL to metrics/MODEL and reports/figures/MODEL.

Run as `python -m stages.evaluate MODEL`, or by `dvc repro evaluate@MODEL`.
"""

import functools
import sys
from dataclasses import replace

import numpy as np
import pandas as pd

from digits.core import config, errors, files, paths, records
from digits.data import split
from digits.evaluation import speed
from digits.hardware import selection
from digits.inference import predictor, scoring
from digits.report import text
from digits.report.figures import drawing
from digits.report.figures import model as figures
from digits.tracking.publisher import Publisher

MISCLASSIFIED_SHOWN, DIGITS_A_ROW = 60, 12


def main(model: str) -> None:
    """Write one model's speed, predictions, misclassified digits, and figures of both kinds."""
    machine = selection.choose(config.load("hardware", selection.Params), gpu_capable=False)
    load = functools.partial(predictor.Predictor.load, paths.MODELS / model, machine.threads)
    about = records.Split.read(paths.SPLIT / "split.json")
    test = split.read(paths.SPLIT, "test")
    # Before the publisher's process takes its share of the cores.
    hardware = records.Hardware(**machine.as_dict())
    speed.measure(lambda: load().probabilities, test.images, hardware).write(
        paths.METRICS / model / "speed.json"
    )
    ready = load()
    test = replace(test, labels=ready.labels(test.labels, about.classes))
    with Publisher() as publisher:
        tested = _evaluate(model, ready, test, about)
        publisher.publish(model)
    ends = text.interval(tested.accuracy_low, tested.accuracy_high)
    print(f"{model} on {tested.dataset}: {text.percent(tested.accuracy)} of {tested.images:,} test")
    print(f"images are predicted correctly (95% interval {ends})")


def _evaluate(
    model: str, ready: predictor.Predictor, test: split.Part, about: records.Split
) -> records.Test:
    """Score the test set; write all files but the speed."""
    metrics, classes = paths.METRICS / model, list(ready.classes)
    probabilities = ready.probabilities(test.images).round(scoring.DECIMALS)
    predictions = predictor.tabulate(test, probabilities, ready.classes)
    with files.atomic(metrics / "predictions.csv") as path:
        predictions.to_csv(path, index=False, float_format="%.6g", lineterminator="\n")
    wrong = (predictions["prediction"] != predictions["label"]).to_numpy()
    index, images = test.index[wrong], drawing.grey(test.images[wrong, :, :, 0])
    files.write_arrays(metrics / "misclassified.npz", index=index, images=images)
    tested = records.Test(
        model=model,
        dataset=about.name,
        test_sha256=about.sets["test"].sha256,
        model_sha256=ready.bundle.digest,
        **scoring.summarise(test.labels, probabilities, classes),
    )
    tested.write(metrics / "test.json")
    records.Summary.of_test(tested).write(metrics / "summary.json")
    train = records.Train.read(metrics / "train.json")
    _draw(train, predictions, dict(zip(index, images, strict=True)), classes)
    return tested


def _draw(
    train: records.Train,
    predictions: pd.DataFrame,
    misclassified: dict[int, np.ndarray],
    classes: list[str],
) -> None:
    """Write the pictures of one model."""
    model, title = train.model, f"{train.model} on {train.dataset}"
    said = f"{len(misclassified):,} of {len(predictions):,} misclassified"
    if len(misclassified) > MISCLASSIFIED_SHOWN:
        said += f", the {MISCLASSIFIED_SHOWN} most confident"
    drawn = {
        "confusion": figures.confusion(figures.counts(predictions, len(classes)), classes, title),
        "misclassified": figures.misclassified(
            predictions,
            misclassified,
            classes,
            MISCLASSIFIED_SHOWN,
            DIGITS_A_ROW,
            f"{title}: {said}",
        ),
    }
    if train.kept_epoch is not None:
        history = pd.read_csv(paths.METRICS / model / "history.csv")
        drawn["curves"] = figures.learning(model, history, train.kept_epoch, title=title)
    for name, figure in drawn.items():
        with files.atomic(paths.FIGURES / model / f"{name}.png") as path:
            path.write_bytes(drawing.png(figure))


if __name__ == "__main__":
    with errors.reported():
        main(config.model_named(sys.argv))
