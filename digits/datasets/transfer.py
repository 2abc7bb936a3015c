"""One published file from a mirror, which is a folder or an address.

Addresses are read by aiohttp: it gives up at a deadline wherever the other side has stopped
(looking up the name, in the headers, in a redirect, in the body), follows redirects without
reading their bodies, and leaves the bytes as they are sent.  requests and pooch, which is built
on it, have a limit for each read alone, and read the whole body of a redirect.
"""

import asyncio
import functools
import hashlib
import http.client
import os
import re
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import SplitResult, urlsplit

from digits.core.errors import UserError, printable
from digits.datasets.raw import regular
from digits.datasets.raw.published import File

if TYPE_CHECKING:
    import aiohttp

SCHEME = re.compile("[a-z][a-z0-9+.-]*://", re.IGNORECASE)
MOST_REDIRECTS = 5


@dataclass(frozen=True)
class Limits:
    """How slow mirrors may be."""

    connect_seconds: float = 5
    answer_seconds: float = 20
    """Until an answer's headers are there, with all redirects."""
    stretch_bytes: int = 1 << 19
    stretch_seconds: float = 30
    """Every stretch of so many bytes must come in so many seconds: at least 17 kB/s."""
    total_seconds: float = 1800
    """For all files from all mirrors."""


LIMITS = Limits()


class Refused(UserError):  # noqa: N818
    """A mirror did not serve the published bytes of one file."""


class Unusable(Refused):
    """A mirror cannot serve any file."""


def fetch(
    mirror: str,
    file: File,
    target: Path,
    root: Path,
    limits: Limits,
    deadline: float,
    advance: Callable[[int], object],
) -> None:
    """Copy one file from a folder or an address to `target`, and check its bytes.

    Args:
        mirror: A folder, relative to `root` or to a home (`~`), or an http(s) address.
        file: What is expected there.
        target: Where it goes; absent if it is refused.
        root: The project's folder.
        limits: How slow the mirror may be.
        deadline: When all transfers end, as `time.monotonic` counts.
        advance: Is told how many bytes have come.

    Raises:
        Unusable: if the mirror is none, does not answer or is too slow.
        Refused: if it serves anything but the published bytes.

    """
    try:
        with target.open("wb") as sink:
            arrival = _Arrival(file, sink, deadline, advance)
            if SCHEME.match(mirror):
                address = _address(mirror)
                path = f"{address.path.rstrip('/')}/{file.name}"
                asyncio.run(_receive(address._replace(path=path).geturl(), arrival, limits))
            else:
                _copy(root / os.path.expanduser(mirror), arrival)
        arrival.check(target)
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def shown(mirror: str) -> str:
    """The mirror as messages name it: on one line, without passwords and tokens."""
    if SCHEME.match(mirror):
        try:
            address = urlsplit(mirror)
        except ValueError:
            return printable(f"{mirror.partition('://')[0]}://...")
        mirror = f"{address.scheme}://{address.netloc.rpartition('@')[2]}{address.path}"
    return printable(mirror)


class _Arrival:
    """The bytes of one file as they come."""

    def __init__(
        self, file: File, sink: BinaryIO, deadline: float, advance: Callable[[int], object]
    ) -> None:
        self.file, self.sink, self.deadline, self.advance = file, sink, deadline, advance
        self.received = 0
        self.head = b""

    def take(self, chunk: bytes) -> None:
        self.received += len(chunk)
        if len(self.head) < 64:
            self.head += chunk[:64]
        if self.received > self.file.size:
            raise self.refusal(f"expected {self.file.size:,} bytes, received more")
        if time.monotonic() > self.deadline:
            raise self.late()
        self.sink.write(chunk)
        self.advance(len(chunk))

    def check(self, target: Path) -> None:
        """Compare what was written with what is published."""
        if self.received < self.file.size:
            raise self.refusal(f"expected {self.file.size:,} bytes, received {self.received:,}")
        with target.open("rb") as source:
            digest = hashlib.file_digest(source, "sha256").hexdigest()
        if digest != self.file.sha256:
            raise self.refusal(f"expected SHA-256 {self.file.sha256}, received {digest}")

    def late(self) -> Unusable:
        return Unusable("the time for all transfers was over")

    def refusal(self, reason: str) -> Refused:
        if self.head.lstrip().lower().startswith((b"<!doctype", b"<html")):
            return Refused("it is an HTML page, not the file")
        return Refused(reason)


def _copy(folder: Path, arrival: _Arrival) -> None:
    if not os.path.isdir(folder):
        found = "a file" if os.path.exists(folder) else "none"
        raise Unusable(f"expected a folder or an http(s) address, found {found} at {folder}")
    try:
        for chunk in regular.chunks(folder / arrival.file.name):
            arrival.take(chunk)
    except Refused:
        raise
    except UserError as error:
        raise Refused(str(error)) from None


def _address(mirror: str) -> SplitResult:
    try:
        address = urlsplit(mirror)
        host = address.hostname
    except ValueError as error:
        raise Unusable(f"it is no valid address ({error})") from None
    if address.scheme not in ("http", "https") or not host:
        raise Unusable("expected a folder, or an address that begins with http:// or https://")
    return address


async def _receive(address: str, arrival: _Arrival, limits: Limits) -> None:
    """Pass the body of the answer on to `arrival`, chunk by chunk."""
    import aiohttp

    timeouts = aiohttp.ClientTimeout(total=None, sock_connect=limits.connect_seconds)
    try:
        async with (
            asyncio.timeout(arrival.deadline - time.monotonic()),
            # The published bytes are gzip files: no content encoding may unpack them.
            aiohttp.ClientSession(
                auto_decompress=False, trust_env=True, timeout=timeouts
            ) as session,
            await _answer(session, address, limits) as answer,
        ):
            while await _stretch(answer.content, arrival, limits):
                pass
    except TimeoutError:
        raise arrival.late() from None


async def _answer(
    session: "aiohttp.ClientSession", address: str, limits: Limits
) -> "aiohttp.ClientResponse":
    """The answer to a request, its headers read and its body not."""
    import aiohttp

    try:
        async with asyncio.timeout(limits.answer_seconds):
            answer = await session.get(
                address,
                headers={"Accept-Encoding": "identity"},
                max_redirects=MOST_REDIRECTS,
                ssl=_trusted(),
            )
    except TimeoutError:
        raise Unusable(f"no answer in {limits.answer_seconds:g} s") from None
    except aiohttp.TooManyRedirects:
        raise Unusable(f"it redirects more than {MOST_REDIRECTS} times") from None
    except aiohttp.InvalidURL:
        raise Unusable("it is no valid address, or redirects to one that is not") from None
    except Exception as error:  # whatever a broken answer leads to, another mirror may be whole
        raise Unusable(f"no answer ({_words(error)})") from None
    if answer.status != http.HTTPStatus.OK:
        answer.close()
        # The reason that the server gives is text of its own, the status is not.
        raise Refused(
            f"status {answer.status} {http.client.responses.get(answer.status, '')}".strip()
        )
    return answer


async def _stretch(content: "aiohttp.StreamReader", arrival: _Arrival, limits: Limits) -> bool:
    """Take the next `limits.stretch_bytes` bytes; return whether more may follow."""
    end = arrival.received + limits.stretch_bytes
    try:
        async with asyncio.timeout(limits.stretch_seconds):
            while arrival.received < end:
                try:
                    chunk = await content.readany()
                except Exception as error:  # as above
                    raise Refused(
                        f"the transfer broke off after {arrival.received:,} of "
                        f"{arrival.file.size:,} bytes ({_words(error)})"
                    ) from None
                if not chunk:
                    return False
                arrival.take(chunk)
    except TimeoutError:
        raise Unusable(
            f"too slow: fewer than {limits.stretch_bytes:,} bytes in {limits.stretch_seconds:g} s"
        ) from None
    return True


@functools.cache
def _trusted() -> ssl.SSLContext:
    """The authorities that this system trusts, and Mozilla's for systems that have none."""
    import certifi

    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


def _words(error: Exception) -> str:
    """What went wrong, in the words of this side: an error's text may repeat what was sent."""
    cause = getattr(error, "os_error", error)
    if isinstance(cause, ssl.SSLError):
        return f"TLS: {printable(getattr(cause, 'verify_message', '') or cause.reason or 'failed')}"
    if isinstance(cause, OSError) and cause.strerror:
        return printable(cause.strerror)
    return type(error).__name__
