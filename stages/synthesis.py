"""Make training digits that no data set holds: training images to data/synthesis.

Run as `python -m stages.synthesis`, or by `dvc repro synthesis`.
"""

import numpy as np

from digits.core import config, errors, paths
from digits.data import preprocess, split
from digits.datasets.raw.read import read_raw
from digits.scan.single.read import read_digit
from digits.synthesis import vary


def main() -> None:
    """Write train.npz, prepared as the training set is."""
    params = config.load("synthesis", vary.Params)
    prepared = config.load("preprocess", preprocess.Params)
    part = split.read(paths.SPLIT, "train")
    stored = read_raw(paths.RAW, read_digit)
    images = preprocess.in_mnist_size(stored.images[part.index], stored.white)
    made, labels = vary.make(images, part.labels, stored.classes, params)
    if prepared.size == "native":
        made = preprocess.resize(made, stored.images.shape[1:], preprocess.FULL, stored.white)
        made = preprocess.prepare(made, prepared, stored.white)
    else:
        made = preprocess.prepare(made, prepared)
    index = np.arange(len(made), dtype=np.int32)
    split.save_part(paths.SYNTHESIS / "train.npz", split.Part(made, labels, index))
    print(f"{len(made):,} digits were made from {len(part):,} training images")


if __name__ == "__main__":
    with errors.reported():
        main()
