"""Getting a release: resumed where it was cut off, and checked file by file.

Only the standard library is used, so that a base installation can do it.
"""

import hashlib
import http.client
import urllib.request
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Annotated
from urllib.parse import quote, urlsplit

from pydantic import Field

from digits.core.errors import UserError
from digits.core.paths import MODELS_NAME
from digits.core.record import Count, Record, Sha256

INDEX = "release.json"
LARGEST_INDEX = 2**20
"""Bytes; an index has some thousands."""
LARGEST_FILE = 2**31
"""Bytes, as of an ONNX file."""
TIMEOUT_SECONDS = 30
"""Without a byte."""
CHUNK = 1 << 20
PARTIAL_CONTENT = 206


class Member(Record):
    """A file of a release."""

    sha256: Sha256
    size: Annotated[Count, Field(le=LARGEST_FILE)]
    """In bytes."""


class Index(Record):
    """release.json."""

    version: str
    """Of the package."""
    commit: str | None
    """Null where there is no repository."""
    models: dict[str, str]
    """The digest of every model by its name."""
    files: Annotated[dict[str, Member], Field(max_length=10_000)]
    """By their paths in the release."""


def stored(name: str) -> str:
    """What a file of a release is called in its folder, which has no other folders in it.

    Pages of releases, as GitHub has them, hold no folders.
    """
    return name.replace("/", "--")


def digest(file: Path) -> str:
    """The SHA-256 of a file."""
    with file.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


def fetch(address: str, target: Path, pinned: str | None, tell: Callable[[str], object]) -> Index:
    """Get the models of a release.

    Args:
        address: Of the release's folder: http or https.
        target: The folder that gets the folder `models`.
        pinned: The SHA-256 of release.json, if it is known; every other digest stands in it.
        tell: Called with a line for each file.

    Raises:
        UserError: if the release is out of reach or is not what it says.

    """
    if urlsplit(address).scheme not in ("http", "https"):
        raise UserError(f"expected an address that begins with https:// or http://: {address}")
    base = address.rstrip("/")
    content = _read(f"{base}/{INDEX}", LARGEST_INDEX)
    index = Index.parse(content, f"{base}/{INDEX}")
    if pinned is not None and _sha256(content) != pinned.lower():
        raise UserError(
            f"{base}/{INDEX} has the SHA-256 {_sha256(content)}, expected {pinned}; "
            "nothing was taken from there"
        )
    wanted = {
        name: one for name, one in index.files.items() if _inside(name).parts[0] == MODELS_NAME
    }
    if not wanted:
        raise UserError(f"{base} holds no model")
    for name, member in wanted.items():
        file = target / _inside(name)
        if not file.resolve().is_relative_to((target / MODELS_NAME).resolve()):
            raise UserError(f"{file}: a link leads out of {target / MODELS_NAME}; remove it")
        if file.is_file() and digest(file) == member.sha256:
            tell(f"{name}: is there")
            continue
        _get(f"{base}/{quote(stored(name))}", file, member)
        tell(f"{name}: {member.size:,} bytes")
    return index


def _inside(name: str) -> PurePosixPath:
    """A path in a release.

    Raises:
        UserError: if it leads out of it.

    """
    path = PurePosixPath(name)
    if (
        not path.parts
        or path.is_absolute()
        or str(path) != name
        or ".." in path.parts
        or any(character in name for character in "\\:\0")
    ):
        raise UserError(f"{INDEX} names {name!r}, which leads out of the release; do not use it")
    return path


def _get(address: str, file: Path, member: Member) -> None:
    """Get a file, from where an earlier try was cut off, and put it into its place if it is right.

    Raises:
        UserError: if it cannot be had, or has another size or digest.

    """
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f".{file.name}.{member.sha256[:12]}.part")
    had = part.stat().st_size if part.is_file() else 0
    if had < member.size:
        with _open(address, had) as answer, part.open("ab") as sink:
            if answer.status != PARTIAL_CONTENT:
                sink.truncate(0)
                had = 0
            try:
                while had <= member.size and (chunk := answer.read(CHUNK)):
                    sink.write(chunk)
                    had += len(chunk)
            except (OSError, http.client.HTTPException) as error:
                raise _unreachable(address, error) from None
    if had < member.size:
        raise _unreachable(address, f"{had:,} of {member.size:,} bytes came")
    if had > member.size or digest(part) != member.sha256:
        part.unlink()
        raise UserError(
            f"{address} is not the file that {INDEX} names: its size or SHA-256 is another one; "
            "nothing of it was kept"
        )
    part.chmod(0o644)
    part.replace(file)


def _read(address: str, most: int) -> bytes:
    with _open(address) as answer:
        try:
            content = answer.read(most + 1)
        except (OSError, http.client.HTTPException) as error:
            raise _unreachable(address, error) from None
    if len(content) > most:
        raise UserError(f"{address} has more than {most:,} bytes and is no index of a release")
    return bytes(content)


def _open(address: str, begin: int = 0) -> http.client.HTTPResponse:
    request = urllib.request.Request(address)
    if begin:
        request.add_header("Range", f"bytes={begin}-")
    try:
        answer: http.client.HTTPResponse = urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS)
    except (OSError, http.client.HTTPException) as error:  # URLError is an OSError
        raise _unreachable(address, error) from None
    return answer


def _unreachable(address: str, why: object) -> UserError:
    return UserError(
        f"{address} cannot be fetched ({why}); what came is kept: run the same command again"
    )


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
