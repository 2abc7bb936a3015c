"""Score one model on digits of other hands: models/MODEL to metrics/MODEL/transfer and .json.

Run as `python -m stages.transfer MODEL`, or by `dvc repro transfer@MODEL`.
"""

import sys

import numpy as np

from digits.core import config, errors, files, paths, records
from digits.data import split
from digits.datasets.raw.optdigits import DIGITS
from digits.evaluation import transfer
from digits.hardware import selection
from digits.inference import predictor, scoring
from digits.report import text


def main(model: str) -> None:
    """Measure, unless the model was trained on these hands or knows other classes."""
    machine = selection.choose(config.load("hardware", selection.Params), gpu_capable=False)
    ready = predictor.Predictor.load(paths.MODELS / model, machine.threads)
    dataset, metrics = ready.bundle.description.dataset, paths.METRICS / model
    images, labels = transfer.other_hands()
    comparable = dataset != transfer.SOURCE and set(DIGITS) <= set(ready.classes)
    if comparable:
        labels = ready.labels(labels, DIGITS)
        probabilities = ready.read(images).round(scoring.DECIMALS)
    else:
        images, labels, probabilities = images[:0], labels[:0], np.empty((0, len(ready.classes)))
    part = split.Part(images, labels, np.arange(len(images), dtype=np.int32))
    answers = predictor.tabulate(part, probabilities, ready.classes)
    choosing = reporting = None
    per_class: dict[str, float] = {}
    if comparable:
        choosing, reporting, per_class = transfer.measure(answers, ready.classes)
    _, later = transfer.halves(answers)
    with files.atomic(metrics / "transfer" / "predictions.csv") as path:
        later.to_csv(path, index=False, float_format="%.6g", lineterminator="\n")
    wrong = later["index"][later["prediction"] != later["label"]].to_numpy()
    files.write_arrays(
        metrics / "transfer" / "misclassified.npz", index=wrong, images=images[wrong]
    )
    records.Transfer(
        model=model,
        dataset=dataset,
        model_sha256=ready.bundle.digest,
        source=transfer.SOURCE,
        choosing=choosing,
        reporting=reporting,
        per_class=per_class,
    ).write(metrics / "transfer.json")
    if reporting is None:
        print(f"{model} was trained on {dataset}: {transfer.SOURCE} tells nothing of other hands")
    else:
        print(f"{model} on other hands ({transfer.SOURCE}): {text.percent(reporting.accuracy)} of")
        print(f"{reporting.images} images are predicted correctly")


if __name__ == "__main__":
    with errors.reported():
        main(config.model_named(sys.argv))
