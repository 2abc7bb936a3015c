"""Raw data sets as `download` stores them: a folder of files to images and labels."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from digits.core import paths, records
from digits.core.errors import UserError
from digits.datasets.raw import class_folders, idx, optdigits
from digits.datasets.raw.class_folders import ReadImage
from digits.datasets.raw.faults import Faults
from digits.datasets.raw.published import PUBLISHED

NAMES = (*PUBLISHED, "optdigits", "idx", "folder")
FULL_INK = 255


@dataclass(frozen=True)
class RawSet:
    """Images and labels as published."""

    name: str
    images: np.ndarray
    """(n, height, width) uint8, bright ink on a dark background."""
    labels: np.ndarray
    """(n,) uint8, indices into `classes`."""
    is_test: np.ndarray
    """(n,) bool, True for the official test set; all False where there is none."""
    white: int
    """The grey level of full ink: 255, or 16 in optdigits."""
    classes: tuple[str, ...]


def read_raw(folder: Path, read_image: ReadImage) -> RawSet:
    """Read a folder that `download` filled.

    Raises:
        UserError: if a file is missing, damaged or does not hold what its format says.

    """
    about = folder / paths.DATASET_JSON
    name = records.RawFiles.read(about).name
    if name not in NAMES:
        raise UserError(
            f"{paths.relative(about)}: expected one of {', '.join(NAMES)} as the data set's name, "
            f"received {name!r}; make it with `dvc repro download`"
        )
    return read_files(folder, name, read_image, paths.relative(folder))


def read_files(folder: Path, name: str, read_image: ReadImage, where: str) -> RawSet:
    """Read the raw files of the data set `name`; `where` is what an error calls the folder.

    Raises:
        UserError: listing all files that are missing, damaged or do not fit together.

    """
    if name == "optdigits":
        images, labels = optdigits.read(folder / optdigits.FILE)
        return _without_test_set(name, images, labels, optdigits.WHITE, optdigits.DIGITS)
    if name == "folder":
        images, labels, classes = class_folders.read(folder, read_image, where)
        return _without_test_set(name, images, labels, FULL_INK, classes)
    published = PUBLISHED.get(name)
    stored = idx.read_set(folder, test_set=published is not None, where=where)
    if published and stored.sizes != published.images:
        raise UserError(f"{name}: expected {published.images} images, found {stored.sizes}")
    labels, classes = (
        (stored.labels, published.classes) if published else _own_classes(stored, where)
    )
    return RawSet(
        name=name,
        images=stored.images,
        labels=labels,
        is_test=np.repeat([False, True][: len(stored.sizes)], stored.sizes),
        white=FULL_INK,
        classes=classes,
    )


def _without_test_set(
    name: str, images: np.ndarray, labels: np.ndarray, white: int, classes: tuple[str, ...]
) -> RawSet:
    return RawSet(name, images, labels, np.zeros(len(images), dtype=bool), white, classes)


def _own_classes(stored: idx.IdxSet, where: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """Labels as indices into the classes, which are the labels that training images have."""
    training, test = np.split(stored.labels, [stored.sizes[0]])
    present = np.unique(training)
    faults = Faults(where)
    if len(present) < 2:
        faults.add(idx.IDX_FILES[1], f"expected two or more classes, found only {present[0]}")
    if unknown := sorted(set(test.tolist()) - set(present.tolist())):
        known, others = (", ".join(map(str, values)) for values in (present, unknown))
        faults.add(
            idx.IDX_FILES[3],
            f"expected the labels that training images have ({known}), found also {others}",
        )
    faults.raise_any()
    labels = np.searchsorted(present, stored.labels).astype(np.uint8)
    return labels, tuple(map(str, present.tolist()))
