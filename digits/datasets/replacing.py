"""A folder that is replaced as a whole, by one process at a time."""

import hashlib
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from digits.core import paths
from digits.core.errors import UNWRITABLE


@contextmanager
def replaced(folder: Path) -> Iterator[Path]:
    """Give an empty folder; it takes the place of `folder` if the block succeeds.

    A failed or killed process leaves the former folder, or none, never half of one; what a killed
    one left beside it is removed by the next.  Of several processes at once, one works and the
    others wait for it.  A folder that has the same content already is left as it is, since another
    process may be reading it.

    Raises:
        OSError: with `folder` as its file name if there is no room for it.

    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(_beside(folder, "lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        print(f"waiting for another process that fills {paths.relative(folder)}", file=sys.stderr)
        lock.acquire()
    arriving, former = _beside(folder, "arriving"), _beside(folder, "former")
    try:
        _remove(arriving)
        _remove(former)
        arriving.mkdir()
        yield arriving
        if not (folder.is_dir() and digests(folder) == digests(arriving)):
            if os.path.lexists(folder):
                folder.rename(former)
            arriving.rename(folder)
            _remove(former)
    except OSError as error:
        if error.errno not in UNWRITABLE:
            raise
        raise OSError(error.errno, os.strerror(error.errno), str(folder)) from error
    finally:
        _remove(arriving)
        lock.release()


def digests(folder: Path) -> dict[str, str]:
    """The SHA-256 of every file in a folder, by its path in it."""
    found = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        with path.open("rb") as source:
            digest = hashlib.file_digest(source, "sha256").hexdigest()
        found[path.relative_to(folder).as_posix()] = digest
    return found


def _beside(folder: Path, what: str) -> Path:
    return folder.with_name(f".{folder.name}.{what}")


def _remove(path: Path) -> None:
    if path.is_symlink() or path.is_file():
        path.unlink()
    else:
        shutil.rmtree(path, ignore_errors=True)
