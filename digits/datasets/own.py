"""A user's own data set: IDX files, or one sub-folder of images a class."""

import shutil
from pathlib import Path

from digits.core.errors import UserError
from digits.datasets import idx, raw


def copy(name: str, source: Path, target: Path) -> None:
    """Copy a user's own data set, so that the run keeps what it was made from."""
    if not source.is_dir():
        raise UserError(f"dataset.path: expected a folder, but {source} is none")
    if name == "idx":
        wanted = [path for stem in idx.IDX_FILES for path in idx.candidates(source, stem)[:1]]
    else:
        wanted = [
            path
            for path in sorted(source.glob("*/*"))
            if path.suffix.lower() in raw.IMAGE_SUFFIXES and not path.name.startswith(".")
        ]
    if not wanted:
        expected = " or ".join(idx.IDX_FILES[:2]) if name == "idx" else "CLASS/IMAGE.png"
        raise UserError(f"dataset.path: expected files such as {expected} in {source}, found none")
    for path in wanted:
        kept = target / path.relative_to(source)
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, kept)
