"""scikit-learn's bundled digits: a data set that needs no network."""

import importlib.util
from pathlib import Path

import numpy as np

FILE = "digits.csv.gz"
SIDE = 8
WHITE = 16
"""The grey level of full ink."""


def bundled() -> Path:
    """The file in scikit-learn, found without importing scikit-learn.

    It is the test set of optdigits, 1,797 images.  Source: E. Alpaydin and C. Kaynak, Optical
    Recognition of Handwritten Digits, UCI, 1998.
    """
    spec = importlib.util.find_spec("sklearn")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return Path(spec.submodule_search_locations[0], "datasets", "data", FILE)


def read(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """The images, (n, 8, 8) uint8 from 0 to `WHITE`, and their labels, (n,) uint8."""
    table = np.loadtxt(path, delimiter=",", dtype=np.uint8)
    return table[:, : SIDE * SIDE].reshape(-1, SIDE, SIDE), table[:, SIDE * SIDE]
