"""Files that are either whole or not there."""

import json
import os
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digits.core.errors import UNWRITABLE, UserError

if TYPE_CHECKING:
    import numpy as np

LARGE_MEMBER = 1 << 30
"""Bytes, from which on a member of a .npz file is marked as large."""


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; move it into place if the block succeeds.

    A killed or failed writer leaves the former file, or none, never half of one.

    Raises:
        OSError: with `path` as its file name if there is no room for it, whatever file a library
            names: shutil names the one that it reads.
        UserError: naming `path`, too, if a library does not say why it could not write: numpy has
            only counted what it has written.

    """
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        temporary = Path(name)
        os.close(handle)
        yield temporary
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    except OSError as error:
        if error.errno is None:
            raise UserError(
                f"{path} cannot be written ({error}); free some space, then run the same command "
                "again"
            ) from error
        if error.errno not in UNWRITABLE:
            raise
        raise OSError(error.errno, error.strerror or os.strerror(error.errno), str(path)) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text with Unix line ends, whole or not at all."""
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, value: Any) -> None:
    """Write indented JSON; NaN and infinity are refused, since JSON has neither."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


def write_arrays(path: Path, **arrays: "np.ndarray") -> None:
    """Write a .npz file, whole or not at all, with the same bytes by every release of Python.

    np.savez lets zipfile use fields for large members even for small ones, which releases of
    Python 3.11 mark with different version numbers; and builds of zlib compress differently.
    """
    from numpy.lib import format as npy

    with atomic(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for name, array in arrays.items():
            member = zipfile.ZipInfo(f"{name}.npy")
            with archive.open(member, "w", force_zip64=array.nbytes >= LARGE_MEMBER) as sink:
                npy.write_array(sink, array, allow_pickle=False)


def read_json(path: Path) -> Any:
    """Read a JSON file that this project wrote.

    Raises:
        UserError: if the file is missing or is not JSON.

    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path} is missing; make it with `dvc repro` or `dvc checkout`") from None
    except ValueError as error:
        raise UserError(
            f"{path} is not valid JSON ({error}); remove it and run `dvc repro`"
        ) from None
