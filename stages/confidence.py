"""Choose when a model is sure: models/MODEL to models/confidence and metrics/MODEL/confidence.json.

Run as `python -m stages.confidence MODEL`, or by `dvc repro confidence@MODEL`.
"""

import sys

from digits.core import config, errors, files, paths
from digits.data import split
from digits.evaluation import abstention
from digits.hardware import selection
from digits.inference import predictor


def main(model: str) -> None:
    """Read the validation set, choose the limits on it, and write them with what they buy."""
    machine = selection.choose(config.load("hardware", selection.Params), gpu_capable=False)
    ready = predictor.Predictor.load(paths.MODELS / model, machine.threads)
    held_out = split.read(paths.SPLIT, "validation")
    rule, judged = abstention.judge(
        held_out.images, held_out.labels, ready.probabilities(held_out.images)
    )
    digest, dataset = ready.bundle.digest, ready.bundle.description.dataset
    abstention.save(rule, model, digest)
    files.write_json(
        paths.METRICS / model / "confidence.json",
        {"model": model, "dataset": dataset, "model_sha256": digest, **judged},
    )
    if judged["calibrated"]:
        print(f"{model} is sure of {judged['coverage']:.2%} of {judged['images']:,} validation")
        print(f"images; of these, {judged['error']:.2%} are misread")
    else:
        print(f"{model} was given no validation images: every answer will count as sure")


if __name__ == "__main__":
    with errors.reported():
        if len(sys.argv) != 2 or sys.argv[1] not in config.MODELS:
            raise errors.UserError(f"expected one of {', '.join(config.MODELS)} after the command")
        main(sys.argv[1])
