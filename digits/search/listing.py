"""Which pictures are to be read: listed once, in parts, so that a reading that is killed goes on.

The list lies in files beside the results, `_listing/00000.txt` and so on, a picture a line: it may
be longer than any memory.  The number of a part names its results, too.
"""

import fnmatch
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digits.core import files
from digits.core.errors import UserError

if TYPE_CHECKING:
    from pyarrow.fs import FileSystem

FOLDER, DONE = "_listing", "listing.json"
"""Readers of Parquet leave out what begins with an underscore."""
PART = 1_000
"""Pictures of a part: what a killed worker does again."""
SUFFIXES = (
    ".bmp",
    ".gif",
    ".jpeg",
    ".jpg",
    ".pbm",
    ".pgm",
    ".png",
    ".ppm",
    ".tif",
    ".tiff",
    ".webp",
)
"""Of what is read in a folder; a pattern takes whatever it names."""
WILD = "*?["


@dataclass(frozen=True)
class Listing:
    """A list that is whole."""

    out: Path
    pictures: int
    parts: int

    def members(self, part: int) -> list[str]:
        """The pictures of a part."""
        return _file(self.out, part).read_text(encoding="utf-8").split("\0")[:-1]

    def left(self) -> list[int]:
        """Parts without results."""
        return [part for part in range(self.parts) if not result(self.out, part).exists()]


def result(out: Path, part: int) -> Path:
    """Where the results of a part stand, once they are whole."""
    return out / f"part-{part:07d}.parquet"


def _file(out: Path, part: int) -> Path:
    return out / FOLDER / f"{part:07d}.txt"


def opened(source: str) -> tuple["FileSystem", str]:
    """The file system of a folder, a pattern or an address such as s3://bucket/scans, and the path.

    Raises:
        UserError: if the address is of no known kind.

    """
    from pyarrow.fs import FileSystem, LocalFileSystem

    if "://" not in source:
        return LocalFileSystem(), str(Path(source).absolute())
    try:
        system, path = FileSystem.from_uri(source)
    except (ValueError, OSError) as error:
        raise UserError(
            f"{source}: expected a folder, a pattern or an address such as s3://bucket/scans "
            f"({error})"
        ) from None
    return system, str(path)


def make(source: str, out: Path, asked: dict[str, Any]) -> Listing:
    """List the pictures, or take the list over that an interrupted reading has made.

    Args:
        source: A folder with all that is below it, a pattern, or an address of either.
        out: Folder of the results.
        asked: What else decides about the results; it must not change.

    Raises:
        UserError: if `out` is of another reading or no folder, or if there is nothing to be read.

    """
    done, told = out / FOLDER / DONE, {"source": source, **asked}
    if out.exists() and not out.is_dir():
        raise UserError(f"--out: {out} is a file; expected the name of a folder to be made")
    if done.is_file():
        before = files.read_json(done)
        counts = {key: before.pop(key) for key in ("pictures", "parts")}
        if before != told:
            changed = [key for key in told if told[key] != before.get(key)]
            raise UserError(
                f"--out: {out} holds a reading with another {', '.join(changed)}; choose another "
                "name, or remove it"
            )
        return Listing(out, **counts)
    if out.is_dir() and any(one.name != FOLDER for one in out.iterdir()):
        raise UserError(f"--out: {out} holds other files; choose another name")
    counted = _write(source, out)
    if not counted:
        raise UserError(f"{source}: expected pictures, found none ({', '.join(SUFFIXES)})")
    parts = -(-counted // PART)
    files.write_json(done, told | {"pictures": counted, "parts": parts})
    return Listing(out, counted, parts)


def _write(source: str, out: Path) -> int:
    """Write the parts of the list; returns how many pictures there are."""
    system, path = opened(source)
    counted, part = 0, list[str]()
    for name in _found(system, path):
        counted += 1
        part.append(name)
        if len(part) == PART:
            files.write_text(_file(out, counted // PART - 1), "".join(f"{one}\0" for one in part))
            part.clear()
    if part:
        files.write_text(_file(out, counted // PART), "".join(f"{one}\0" for one in part))
    return counted


def _found(system: "FileSystem", path: str) -> Iterator[str]:
    from pyarrow.fs import FileType

    if any(sign in path for sign in WILD):
        whole = path.split("/")
        depth = next(at for at, name in enumerate(whole) if any(sign in name for sign in WILD))
        for name in _below(system, "/".join(whole[:depth]) or "/"):
            if fnmatch.fnmatchcase(name, path):
                yield name
        return
    info = system.get_file_info(path)
    if info.type == FileType.File:
        yield path
        return
    for name in _below(system, path):
        if name.lower().endswith(SUFFIXES):
            yield name


def _below(system: "FileSystem", folder: str) -> Iterator[str]:
    """Every file below a folder, folder by folder, in the order of their names."""
    from pyarrow.fs import FileSelector, FileType

    try:
        inside = system.get_file_info(FileSelector(folder))
    except FileNotFoundError:
        raise UserError(f"{folder}: expected a folder, found none") from None
    except OSError as error:
        raise UserError(f"{folder} cannot be listed ({str(error).partition(chr(10))[0]})") from None
    deeper = []
    for info in sorted(inside, key=lambda one: one.path):
        if info.type == FileType.File:
            yield info.path
        elif info.type == FileType.Directory:
            deeper.append(info.path)
    inside.clear()
    for name in deeper:
        yield from _below(system, name)
