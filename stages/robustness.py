"""Measure how far digits may change: models/MODEL to metrics/MODEL/robustness.json.

Run as `python -m stages.robustness MODEL`, or by `dvc repro robustness@MODEL`.
"""

import sys

from digits import scan
from digits.core import config, errors, files, paths
from digits.data import preprocess, split
from digits.datasets import raw
from digits.evaluation import robustness
from digits.hardware import selection
from digits.inference import predictor


def main(model: str) -> None:
    """Read held-out images as they were published, change them in steps, count what is read."""
    machine = selection.choose(config.load("hardware", selection.Params), gpu_capable=False)
    ready = predictor.Predictor.load(paths.MODELS / model, machine.threads)
    name, part = "validation", split.read(paths.SPLIT, "validation")
    if not len(part):
        name, part = "train", split.read(paths.SPLIT, "train")
    chosen = robustness.sample(len(part))
    stored = raw.load(paths.RAW, scan.read_digit)
    images = stored.images[part.index[chosen]]
    side = (preprocess.MNIST_SIDE, preprocess.MNIST_SIDE)
    if images.shape[1:] != side:
        images = preprocess.resize(images, side, stored.white, preprocess.FULL)
    measured = robustness.measure(ready.read, images, part.labels[chosen])
    files.write_json(
        paths.METRICS / model / "robustness.json",
        {
            "model": model,
            "dataset": stored.name,
            "model_sha256": ready.bundle.digest,
            "set": name,
            "images": len(images),
            "required": robustness.REQUIRED,
            "changes": measured,
        },
    )
    print(f"{model}: accuracy on {len(images):,} {name} images falls below", end=" ")
    print(f"{robustness.REQUIRED:.0%} at")
    for change, result in measured.items():
        ends = [end for end in result["falls_below"].values() if end is not None]
        print(f"  {change}: {' and '.join(map(str, ends)) or 'no step'} ({result['unit']})")


if __name__ == "__main__":
    with errors.reported():
        if len(sys.argv) != 2 or sys.argv[1] not in config.MODELS:
            raise errors.UserError(f"expected one of {', '.join(config.MODELS)} after the command")
        main(sys.argv[1])
