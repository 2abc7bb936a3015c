"""scikit-learn's bundled digits: a data set that needs no network."""

import gzip
import importlib.util
import zlib
from pathlib import Path

import numpy as np

from digits.core.errors import UserError

FILE = "digits.csv.gz"
DIGITS = tuple("0123456789")
"""The classes, also of every other data set of digits."""
SIDE = 8
WHITE = 16
"""The grey level of full ink."""


def bundled() -> Path:
    """The file in scikit-learn, found without importing scikit-learn.

    It is the test set of optdigits, 1,797 images.  Source: E. Alpaydin and C. Kaynak, Optical
    Recognition of Handwritten Digits, UCI, 1998.

    Raises:
        UserError: if scikit-learn is not installed.

    """
    spec = importlib.util.find_spec("sklearn")
    folders = spec.submodule_search_locations if spec else None
    if not folders:
        raise UserError("optdigits is part of scikit-learn, which is not installed; install it")
    return Path(folders[0], "datasets", "data", FILE)


def read(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """The images, (n, 8, 8) uint8 from 0 to `WHITE`, and their labels, (n,) uint8.

    Raises:
        UserError: if the file is missing or damaged.

    """
    try:
        lines = gzip.decompress(path.read_bytes()).splitlines()
        if not lines:
            raise ValueError("it is empty")
        table = np.loadtxt(lines, delimiter=",", dtype=np.uint8, ndmin=2)
        if table.shape[1] != SIDE * SIDE + 1:
            raise ValueError(f"it has {table.shape[1]} columns instead of {SIDE * SIDE + 1}")
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise UserError(
            f"{path.name}: expected scikit-learn's bundled digits, but the file cannot be read "
            f"({error}); make it with `dvc repro download`"
        ) from None
    return table[:, : SIDE * SIDE].reshape(-1, SIDE, SIDE), table[:, SIDE * SIDE]
