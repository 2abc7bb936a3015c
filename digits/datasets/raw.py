"""Raw data sets as `download` stores them: a folder of files to images and labels."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from digits.core import paths, records
from digits.core.errors import UserError
from digits.datasets import idx, optdigits
from digits.datasets.published import PUBLISHED

IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp"}
ReadImage = Callable[[Path], np.ndarray]
"""Turns the image file of one digit into (28, 28) uint8, bright ink on a dark ground."""


@dataclass(frozen=True)
class RawSet:
    """Images and labels as published."""

    name: str
    images: np.ndarray
    """(n, height, width) uint8, bright ink on a dark ground."""
    labels: np.ndarray
    """(n,) uint8, indices into `classes`."""
    is_test: np.ndarray
    """(n,) bool, True for the official test set; all False where there is none."""
    white: int
    """The grey level of full ink: 255, or 16 in optdigits."""
    classes: tuple[str, ...]


def load(folder: Path, read_image: ReadImage) -> RawSet:
    """Read a folder that `download` filled.

    Raises:
        UserError: if a file is missing, damaged or does not hold what its format says.

    """
    name = records.RawFiles.read(folder / paths.DATASET_JSON).name
    if name == "optdigits":
        return _load_optdigits(folder / optdigits.FILE)
    if name == "folder":
        return _load_folder(folder, read_image)
    return _load_idx(folder, name)


def _load_idx(folder: Path, name: str) -> RawSet:
    published = PUBLISHED.get(name)
    parts: list[tuple[np.ndarray, np.ndarray]] = []
    for images_stem, labels_stem in (idx.IDX_FILES[:2], idx.IDX_FILES[2:]):
        found = [idx.candidates(folder, stem) for stem in (images_stem, labels_stem)]
        if not any(found) and parts and published is None:
            continue  # an own data set may have no official test set
        for stem, candidates in zip((images_stem, labels_stem), found, strict=True):
            if not candidates:
                raise UserError(f"{folder}: the IDX file {stem}(.gz) is missing")
        images, labels = idx.read(found[0][0], 3), idx.read(found[1][0], 1)
        if len(images) != len(labels):
            raise UserError(
                f"{found[0][0].name} holds {len(images)} images, but {found[1][0].name} holds "
                f"{len(labels)} labels; they must be as many"
            )
        parts.append((images, labels))
    sizes = tuple(len(images) for images, _ in parts)
    if published and sizes != published.sizes:
        raise UserError(f"{name}: expected {published.sizes} images, found {sizes}")
    if len({images.shape[1:] for images, _ in parts}) > 1:
        raise UserError(f"{folder}: training and test images differ in height or width")
    labels = np.concatenate([labels for _, labels in parts])
    classes = published.classes if published else tuple(map(str, range(int(labels.max()) + 1)))
    return RawSet(
        name=name,
        images=np.concatenate([images for images, _ in parts]),
        labels=labels,
        is_test=np.repeat([False, True][: len(sizes)], sizes),
        white=255,
        classes=classes,
    )


def _load_optdigits(path: Path) -> RawSet:
    images, labels = optdigits.read(path)
    return RawSet(
        name="optdigits",
        images=images,
        labels=labels,
        is_test=np.zeros(len(images), dtype=bool),
        white=optdigits.WHITE,
        classes=tuple("0123456789"),
    )


def _load_folder(folder: Path, read_image: ReadImage) -> RawSet:
    """One sub-folder a class, named by it; every image holds one digit."""
    found = sorted(path for path in folder.glob("*/*") if path.suffix.lower() in IMAGE_SUFFIXES)
    classes = tuple(sorted({path.parent.name for path in found}))
    if len(classes) < 2:
        raise UserError(
            f"dataset.path: expected a sub-folder of images for each of two or more classes, "
            f"found {list(classes)}"
        )
    return RawSet(
        name="folder",
        images=np.stack([read_image(path) for path in found]),
        labels=np.array([classes.index(path.parent.name) for path in found], dtype=np.uint8),
        is_test=np.zeros(len(found), dtype=bool),
        white=255,
        classes=classes,
    )
