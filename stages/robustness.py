"""Measure how far digits may change: models/MODEL to metrics/MODEL/robustness.json.

Run as `python -m stages.robustness MODEL`, or by `dvc repro robustness@MODEL`.
"""

import sys
from typing import Literal

from digits.core import config, errors, paths, records
from digits.data import preprocess, split
from digits.datasets.raw.read import read_raw
from digits.evaluation import robustness
from digits.hardware import selection
from digits.inference import predictor
from digits.scan.single.read import read_digit


def main(model: str) -> None:
    """Read held-out images as they were published, change them in steps, count what is read."""
    machine = selection.choose(config.load("hardware", selection.Params), gpu_capable=False)
    ready = predictor.Predictor.load(paths.MODELS / model, machine.threads)
    name: Literal["validation", "train"] = "validation"
    part = split.read(paths.SPLIT, name)
    if not len(part):
        name = "train"
        part = split.read(paths.SPLIT, name)
    chosen = robustness.sample(len(part))
    stored = read_raw(paths.RAW, read_digit)
    images = preprocess.in_mnist_size(stored.images[part.index[chosen]], stored.white)
    measured = robustness.measure(ready.read, images, part.labels[chosen])
    records.Robustness(
        model=model,
        dataset=stored.name,
        model_sha256=ready.bundle.digest,
        set=name,
        images=len(images),
        required=robustness.REQUIRED,
        changes=measured,
    ).write(paths.METRICS / model / "robustness.json")
    print(f"{model}: accuracy on {len(images):,} {name} images falls below", end=" ")
    print(f"{robustness.REQUIRED:.0%} at")
    for change, result in measured.items():
        below = result.falls_below
        ends = [str(end) for end in (below.lower, below.upper) if end is not None]
        print(f"  {change}: {' and '.join(ends) or 'no step'} ({result.unit})")


if __name__ == "__main__":
    with errors.reported():
        main(config.model_named(sys.argv))
