"""One file from a mirror, which is a folder or an address."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digits.core.errors import UserError

if TYPE_CHECKING:
    from rich.progress import Progress

CONNECT_SECONDS, READ_SECONDS = 5, 30
CHUNK_BYTES = 1 << 18


def fetch_file(
    mirror: str, filename: str, sha256: str, target: Path, root: Path, progress: "Progress"
) -> None:
    """Copy one file from a folder or an address.

    Raises:
        ConnectionError: if the mirror does not answer at all.
        UserError: if it answers with anything but the published bytes.

    """
    with _open(mirror, filename, root) as (source, size):
        task = progress.add_task(filename, total=size)
        digest, head = hashlib.sha256(), b""
        with target.open("wb") as sink:
            while chunk := source.read(CHUNK_BYTES):
                head = head or chunk[:64]
                digest.update(chunk)
                sink.write(chunk)
                progress.advance(task, len(chunk))
    if digest.hexdigest() != sha256:
        target.unlink()
        progress.remove_task(task)
        if head.lstrip().lower().startswith((b"<!doctype", b"<html")):
            raise UserError("it is an HTML page, not the file")
        raise UserError(f"expected SHA-256 {sha256}, received {digest.hexdigest()}")


@contextmanager
def _open(mirror: str, filename: str, root: Path) -> Iterator[tuple[Any, int | None]]:
    """A readable stream of the file at `mirror`, and its size in bytes where it is known."""
    if not mirror.startswith(("http://", "https://")):
        path = root / mirror / filename
        if not path.is_file():
            raise ConnectionError(f"there is no file {path}")
        with path.open("rb") as source:
            yield source, path.stat().st_size
        return
    import requests

    try:
        with requests.get(
            f"{mirror}/{filename}", stream=True, timeout=(CONNECT_SECONDS, READ_SECONDS)
        ) as answer:
            if not answer.ok:
                raise UserError(f"status {answer.status_code} {answer.reason}")
            # The published bytes are gzip files: no transfer encoding may unpack them.
            yield answer.raw, int(answer.headers.get("Content-Length", 0)) or None
    except requests.RequestException as error:
        raise ConnectionError(f"no answer ({type(error).__name__})") from None
