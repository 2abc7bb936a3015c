"""A data set of pictures: a folder with one sub-folder for each class, named by it."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from digits.core.errors import UserError, printable
from digits.datasets.raw import regular
from digits.datasets.raw.faults import Faults

IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp"}
MOST_CLASSES = 256
"""What a label of one byte can tell apart."""
ReadImage = Callable[[Path], np.ndarray]
"""Turns the image file of one digit into (28, 28) uint8, bright ink on a dark background."""


def files(folder: Path) -> list[Path]:
    """The images of all classes, class by class.

    Hidden files and folders and files with no suffix of an image are left out.
    """
    return [path for paths in _listed(folder, Faults("")).values() for path in paths]


def read(
    folder: Path, read_image: ReadImage, where: str
) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Read every image of every class.

    Args:
        folder: Holds the sub-folders.
        read_image: Reads an image file.
        where: The folder, as an error names it.

    Returns:
        (n, 28, 28) uint8 images, (n,) uint8 labels, and the classes that these are indices into.

    Raises:
        UserError: listing every class and image that cannot be used.

    """
    faults = Faults(where)
    found = _listed(folder, faults)
    if len(found) < 2:
        raise UserError(
            f"{where}: expected a sub-folder of images for each of two or more classes, files such "
            f"as CLASS/IMAGE.png, found {printable(', '.join(found)) or 'no sub-folder'}"
        )
    if len(found) > MOST_CLASSES:
        raise UserError(f"{where}: expected at most {MOST_CLASSES} classes, found {len(found)}")
    images = []
    for label, paths in found.items():
        for path in paths:
            name = f"{label}/{path.name}"
            with faults.of(name):
                if not path.name.isprintable():
                    raise UserError("expected a name of printable characters; rename the file")
                regular.check(path)
                images.append(read_image(path))
    faults.raise_any()
    labels = np.repeat(np.arange(len(found)), [len(paths) for paths in found.values()])
    return np.stack(images), labels.astype(np.uint8), tuple(found)


def labelled(folder: Path, where: str) -> dict[str, list[Path]]:
    """The images of a folder by their classes, whether a model knows these or not.

    Each sub-folder is a class; where there is none, the first character of a file's name is.

    Args:
        folder: Holds the sub-folders or the files.
        where: The folder, as an error names it.

    Raises:
        UserError: if there is no image, or one whose class is not said.

    """
    if not os.path.isdir(folder):
        raise UserError(f"{where}: expected a folder, found none; check the path")
    faults = Faults(where)
    inside = _visible(folder, "the folder", faults)
    found: dict[str, list[Path]] = {}
    if any(map(os.path.isdir, inside)):
        found = _listed(folder, faults)
    for path in () if found else filter(_is_named_image, inside):
        found.setdefault(path.name[0], []).append(path)
    faults.raise_any()
    if not found:
        raise UserError(
            f"{where}: expected images, in a sub-folder for each class, as in 7/a.png, or with the "
            "class as the first character of their names, as in 7-a.png; found none"
        )
    return found


def _listed(folder: Path, faults: Faults) -> dict[str, list[Path]]:
    """The images by class; classes without images and images without a class are faults."""
    found: dict[str, list[Path]] = {}
    for path in _visible(folder, "the folder", faults):
        if os.path.isdir(path):  # False also where it cannot be asked
            if not path.name.isprintable():
                faults.add(path.name, "expected a class's name of printable characters; rename it")
            found[path.name] = [
                inside for inside in _visible(path, path.name, faults) if _is_named_image(inside)
            ]
            if not found[path.name]:
                faults.add(path.name, "expected images in the folder of this class, found none")
        elif _is_named_image(path):
            faults.add(path.name, "is in no class; move it into the sub-folder of its class")
        elif os.path.islink(path) and not os.path.exists(path):
            faults.add(path.name, f"is a link to {os.readlink(path)}, which does not exist")
    return found


def _visible(folder: Path, name: str, faults: Faults) -> list[Path]:
    """What is in a folder, in the order of the names, without what is hidden."""
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        faults.add(name, f"cannot be read ({error.strerror})")
        return []


def _is_named_image(path: Path) -> bool:
    return path.suffix.lower() in IMAGE_SUFFIXES
