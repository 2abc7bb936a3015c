"""Draw training, validation and test set: data/prepared to data/split.

Run as `python -m stages.split`, or by `dvc repro split`.
"""

import numpy as np

from digits.core import config, errors, paths, records
from digits.data import split


def main() -> None:
    """Write train.npz, validation.npz, test.npz and split.json."""
    params = config.load("split", split.Params)
    images, labels, is_test = (
        np.load(paths.PREPARED / f"{name}.npy") for name in ("images", "labels", "is_test")
    )
    prepared = records.Prepared.read(paths.PREPARED / paths.DATASET_JSON)
    indices = split.draw(labels, is_test, params)
    description = split.describe(images, labels, indices, prepared)
    split.save(paths.SPLIT, images, labels, indices)
    description.write(paths.SPLIT / "split.json")
    sizes = " / ".join(f"{len(members):,}" for members in indices)
    print(f"{prepared.name}: {sizes} images to train, validate and test")
    if shared := description.in_two_sets.count:
        print(f"{shared} image(s) stand in two sets; data/split/split.json names them")


if __name__ == "__main__":
    with errors.reported():
        main()
