"""Make digits that no data set holds: training and validation images to data/synthesis.

Run as `python -m stages.synthesis`, or by `dvc repro synthesis`.
"""

import numpy as np

from digits.core import config, errors, paths
from digits.data import preprocess, split
from digits.datasets.raw.read import RawSet, read_raw
from digits.scan.single.read import read_digit
from digits.synthesis import vary


def main() -> None:
    """Write train.npz and validation.npz, each made of that set and prepared as it is."""
    params = config.load("synthesis", vary.Params)
    prepared = config.load("preprocess", preprocess.Params)
    stored = read_raw(paths.RAW, read_digit)
    for number, name in enumerate(("train", "validation")):
        rng = np.random.default_rng([params.seed, number])
        part = split.read(paths.SPLIT, name)
        made = _made(part, stored, params, prepared, rng)
        split.save_part(paths.SYNTHESIS / f"{name}.npz", made)
        print(f"{name}: {len(made):,} digits were made beside {len(part):,} images")


def _made(
    part: split.Part,
    stored: RawSet,
    params: vary.Params,
    prepared: preprocess.Params,
    rng: np.random.Generator,
) -> split.Part:
    images = preprocess.in_mnist_size(stored.images[part.index], stored.white)
    made, labels = vary.make(images, part.labels, stored.classes, params, rng)
    white = preprocess.FULL
    if prepared.size == "native":
        height, width = stored.images.shape[1:]
        made, white = preprocess.resize(made, (height, width), white, stored.white), stored.white
    index = np.arange(len(made), dtype=np.int32)
    return split.Part(preprocess.prepare(made, prepared, white), labels, index)


if __name__ == "__main__":
    with errors.reported():
        main()
