"""A user's own data set: checked as a whole, then copied, so that the run keeps it."""

import os
from pathlib import Path

from digits.core import paths
from digits.core.errors import UserError
from digits.datasets.raw import class_folders, idx, regular
from digits.datasets.raw.read import read_files


def copy(name: str, source: Path, target: Path, read_image: class_folders.ReadImage) -> None:
    """Check the data set in the folder `source` and copy its files into `target`.

    Args:
        name: `idx`, or `folder` for one sub-folder of images a class.
        source: The user's folder.
        target: Where the files go, each at the same place below it.
        read_image: Reads an image of a `folder` set.

    Raises:
        UserError: listing everything that is wrong with the data set.

    """
    where = f"dataset.path: {paths.relative(source)}"
    if not os.path.isdir(source):
        raise UserError(f"{where}: expected a folder, found none; check the path")
    wanted = (idx if name == "idx" else class_folders).files(source)
    read_files(source, name, read_image, where)
    for path in wanted:
        relative = path.relative_to(source)
        kept = target / relative
        kept.parent.mkdir(parents=True, exist_ok=True)
        with kept.open("wb") as sink:
            try:
                sink.writelines(regular.chunks(path))
            except UserError as error:
                raise UserError(f"{where}: {relative} changed while it was read: {error}") from None
