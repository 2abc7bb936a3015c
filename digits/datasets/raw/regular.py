"""Files that a person has named, read without trust in what they are.

A named pipe or a device would be waited for, a link may lead nowhere, a disk may fail: each is
told as what it is.
"""

import os
import stat
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path

from digits.core.errors import UserError

CHUNK_BYTES = 1 << 18
SPECIAL = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def check(path: Path) -> None:
    """Refuse what is not a regular file.

    Raises:
        UserError: saying what is there instead; it leaves naming the file to the caller.

    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        if path.is_symlink():
            raise UserError(f"is a link to {os.readlink(path)}, which does not exist") from None
        raise UserError("there is no such file") from None
    except OSError as error:
        raise UserError(f"cannot be reached ({error.strerror})") from None
    if not stat.S_ISREG(mode):
        kind = next((name for test, name in SPECIAL if test(mode)), "something else")
        raise UserError(f"expected a file, found {kind}")


def opened(path: Path) -> BufferedReader:
    """Open a regular file for reading.

    Raises:
        UserError: as `check`, or if the file cannot be opened.

    """
    check(path)
    try:
        # Should a pipe have taken the file's place since, the open does not wait for its writer.
        return open(path, "rb", opener=_without_waiting)
    except OSError as error:
        raise UserError(f"cannot be opened ({error.strerror})") from None


def chunks(path: Path) -> Iterator[bytes]:
    """The bytes of a regular file.

    Raises:
        UserError: as `opened`, or if the file cannot be read to its end.

    """
    with opened(path) as source:
        while True:
            try:
                chunk = source.read(CHUNK_BYTES)
            except OSError as error:
                raise UserError(f"cannot be read ({error.strerror})") from None
            if not chunk:
                return
            yield chunk


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
