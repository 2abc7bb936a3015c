"""Choose when a model abstains: models/MODEL to models/confidence, metrics/MODEL/confidence.json.

Run as `python -m stages.confidence MODEL`, or by `dvc repro confidence@MODEL`.
"""

import sys

import numpy as np

from digits.core import config, errors, paths, records
from digits.data import preprocess, split
from digits.datasets.raw.read import read_raw
from digits.evaluation import abstention, examples
from digits.hardware import selection
from digits.inference import predictor
from digits.scan.single.read import read_digit

TRAINED_ON_MORE = "reader"
"""The model that also has to be confident of digits as `stages.synthesis` makes them."""
SHAPES_OF = 4
"""Of so many training digits one makes the subspaces, which takes a quarter of the time of all."""


def main(model: str) -> None:
    """Choose the limits on the validation set, and training digits to show beside an answer."""
    machine = selection.choose(config.load("hardware", selection.Params), gpu_capable=False)
    ready = predictor.Predictor.load(paths.MODELS / model, machine.threads)
    shapes, held_out = (with_made(model, name) for name in ("train", "validation"))
    shapes = shapes.only(np.flatnonzero(shapes.labels < len(ready.classes))[::SHAPES_OF])
    rule, judged = abstention.judge(shapes, held_out, ready.probabilities(held_out.images))
    digest, dataset = ready.bundle.digest, ready.bundle.description.dataset
    abstention.save(rule, model, digest)

    trained = split.read(paths.SPLIT, "train")
    chosen = examples.choose(trained.labels, trained.index)
    stored = read_raw(paths.RAW, read_digit)
    images = preprocess.in_mnist_size(stored.images[trained.index[chosen]], stored.white)
    examples.save(images, trained.labels[chosen], ready.prepare(images), model)

    named = {"model": model, "dataset": dataset, "model_sha256": digest}
    records.Confidence.of(named | judged, "confidence.json").write(
        paths.METRICS / model / "confidence.json"
    )
    if judged["calibrated"]:
        bought = judged["bought"]
        print(f"{model} answers {bought['coverage']:.2%} of {judged['images']:,} held-out digits")
        print(f"with confidence; of these, {bought['error']:.2%} are misclassified")
    else:
        print(f"{model} was given no validation images: no answer will be withheld")


def with_made(model: str, name: str) -> split.Part:
    """A set, and of the images made of it those of no digit; for `TRAINED_ON_MORE`, all of them."""
    about = records.Split.read(paths.SPLIT / "split.json")
    part, made = split.read(paths.SPLIT, name), split.read(paths.SYNTHESIS, name)
    if model != TRAINED_ON_MORE:
        made = made.only(np.flatnonzero(made.labels == len(about.classes)))
    return split.joined(part, made)


if __name__ == "__main__":
    with errors.reported():
        main(config.model_named(sys.argv))
