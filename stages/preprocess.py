"""Clean and scale the images: data/raw to data/prepared.

Run as `python -m stages.preprocess`, or by `dvc repro preprocess`.
"""

import numpy as np

from digits import datasets, scan
from digits.core import config, errors, files, paths
from digits.data import preprocess


def main() -> None:
    """Write images.npy, labels.npy, is_test.npy and dataset.json."""
    params = config.load("preprocess", preprocess.Params)
    raw = datasets.load(paths.RAW, scan.read_digit)
    images = preprocess.prepare(raw.images, params, raw.white)
    for name, array in (("images", images), ("labels", raw.labels), ("is_test", raw.is_test)):
        with files.atomic(paths.PREPARED / f"{name}.npy") as path, path.open("wb") as sink:
            np.save(sink, array)
    files.write_json(
        paths.PREPARED / paths.DATASET_JSON,
        {
            "name": raw.name,
            "classes": list(raw.classes),
            "raw_side": list(raw.images.shape[1:]),
            "white": raw.white,
        },
    )
    print(f"{raw.name}: {len(images):,} images of {images.shape[1:3]} in data/prepared")


if __name__ == "__main__":
    with errors.reported():
        main()
