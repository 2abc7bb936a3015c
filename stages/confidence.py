"""Choose when a model abstains: models/MODEL to models/confidence, metrics/MODEL/confidence.json.

Run as `python -m stages.confidence MODEL`, or by `dvc repro confidence@MODEL`.
"""

import sys

from digits.core import config, errors, paths, records
from digits.data import preprocess, split
from digits.datasets.raw.read import read_raw
from digits.evaluation import abstention, examples
from digits.hardware import selection
from digits.inference import predictor
from digits.scan.single.read import read_digit

TRAINED_ON_MORE = "reader"
"""The model that also has to be confident of digits as `stages.synthesis` makes them."""


def main(model: str) -> None:
    """Choose the limits on the validation set, and training digits to show beside an answer."""
    machine = selection.choose(config.load("hardware", selection.Params), gpu_capable=False)
    ready = predictor.Predictor.load(paths.MODELS / model, machine.threads)
    held_out = split.read(paths.SPLIT, "validation")
    if model == TRAINED_ON_MORE:
        held_out = split.joined(held_out, split.read(paths.SYNTHESIS, "validation"))
    rule, judged = abstention.judge(
        held_out.images, held_out.labels, ready.probabilities(held_out.images)
    )
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
        print(f"{model} answers {judged['coverage']:.2%} of {judged['images']:,} held-out images")
        print(f"with confidence; of these, {judged['error']:.2%} are misclassified")
    else:
        print(f"{model} was given no validation images: no answer will be withheld")


if __name__ == "__main__":
    with errors.reported():
        if len(sys.argv) != 2 or sys.argv[1] not in config.MODELS:
            raise errors.UserError(f"expected one of {', '.join(config.MODELS)} after the command")
        main(sys.argv[1])
