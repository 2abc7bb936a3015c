"""Clean and scale the images: data/raw to data/prepared.

Run as `python -m stages.preprocess`, or by `dvc repro preprocess`.
"""

import numpy as np

from digits.core import config, errors, files, paths, records
from digits.data import preprocess
from digits.datasets.raw.read import read_raw
from digits.scan.single.read import read_digit


def main() -> None:
    """Write images.npy, labels.npy, is_test.npy and dataset.json."""
    params = config.load("preprocess", preprocess.Params)
    stored = read_raw(paths.RAW, read_digit)
    images = preprocess.prepare(stored.images, params, stored.white)
    for name, array in (("images", images), ("labels", stored.labels), ("is_test", stored.is_test)):
        with files.atomic(paths.PREPARED / f"{name}.npy") as path, path.open("wb") as sink:
            np.save(sink, array)
    records.Prepared(
        name=stored.name,
        classes=stored.classes,
        raw_side=stored.images.shape[1:],
        white=stored.white,
    ).write(paths.PREPARED / paths.DATASET_JSON)
    print(f"{stored.name}: {len(images):,} images of {images.shape[1:3]} in data/prepared")


if __name__ == "__main__":
    with errors.reported():
        main()
