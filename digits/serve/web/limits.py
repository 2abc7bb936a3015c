"""What the service refuses: foreign hosts and origins, and more than it can carry."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import TypeVar
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from digits.scan.single.decode import MAX_BYTES

T = TypeVar("T")

LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
RETRY_SECONDS = 1
DISCARDED = 4
"""A body up to so many times too large is read to its end: only then do most clients look at the
answer."""

SECURITY_HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' blob: data:; connect-src 'self'; manifest-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-cache",
}


@dataclass(frozen=True)
class Settings:
    """How much the service takes, and from whom."""

    hosts: tuple[str, ...] = LOCAL_HOSTS
    """Names in the Host header that are answered, without port and brackets."""
    workers: int = 2
    """Images that are read at once."""
    waiting: int = 32
    """Images that may wait for a worker; further ones get 429."""
    body_bytes: int = MAX_BYTES
    held_bytes: int = 16 * MAX_BYTES
    """Of all bodies together."""
    bodies: int = 128
    """Requests with a body at once, from its first byte to the answer; further ones get 429."""
    large_pixels: int = 8_000_000
    """Larger images are decoded one at a time, beside the others: each can take 1.5 GiB."""
    digits: int = 300
    """Digits of one image."""
    body_seconds: float = 15.0
    """Until a request's body has come."""
    work_seconds: float = 30.0
    """Until an image is read, with the time that it waits."""


class ProblemError(Exception):
    """An answer as RFC 9457 describes it."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.detail, self.headers = status, detail, headers

    def response(self) -> JSONResponse:
        return JSONResponse(
            {
                "type": "about:blank",
                "title": HTTPStatus(self.status).phrase,
                "status": self.status,
                "detail": self.detail,
            },
            self.status,
            self.headers,
            "application/problem+json",
        )


def busy(detail: str) -> ProblemError:
    """Ask the client to come again."""
    return ProblemError(429, detail, {"retry-after": str(RETRY_SECONDS)})


def host_name(host: str) -> str:
    """The name in a Host header, without port and brackets, in lower case; "" if it has none."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


class Gate:
    """Lets in what is addressed to this service and, where it writes, comes from its own page."""

    def __init__(self, app: ASGIApp, hosts: tuple[str, ...]) -> None:
        self._app, self._hosts = app, frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
                del headers["accept-ranges"]
            await send(message)

        # Nothing here is so large that a part of it would be wanted, and a wrong range would be
        # answered in plain text.
        scope["headers"] = [field for field in scope["headers"] if field[0] != b"range"]
        if refusal := self._refusal(scope["method"], Headers(scope=scope)):
            await refusal.response()(scope, receive, send_secured)
        else:
            await self._app(scope, receive, send_secured)

    def _refusal(self, method: str, headers: Headers) -> ProblemError | None:
        # A page of another site whose name was pointed here (DNS rebinding) sends its own name.
        if host_name(headers.get("host", "")) not in self._hosts:
            return ProblemError(
                400, "this service does not answer to that host name; see `digits ui --help`"
            )
        if method in SAFE_METHODS:
            return None
        origin = headers.get("origin")
        own = origin is None or origin.partition("://")[2] == headers["host"]
        if not own or headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            return ProblemError(403, "other sites may not send anything to this service")
        return None


class Load:
    """What the service carries at the moment."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._pools = {
            False: ThreadPoolExecutor(settings.workers, "reader"),
            True: ThreadPoolExecutor(1, "large"),
        }
        self._jobs = {False: 0, True: 0}
        self._held = 0
        self._bodies = 0

    @asynccontextmanager
    async def body(self, request: Request, limit: int) -> AsyncIterator[bytes]:
        """Read a request's body.

        Args:
            request: Whose body.
            limit: Largest size in bytes.

        Raises:
            ProblemError: 413 if it is larger, 408 if it comes too slowly, 429 if too much else
                is held.

        """
        if self._bodies >= self._settings.bodies:
            raise busy("too many requests are open; try again")
        content = bytearray()
        self._bodies += 1
        try:
            async with asyncio.timeout(self._settings.body_seconds):
                async for chunk in self._chunks(request, limit):
                    content += chunk
                    self._held += len(chunk)
            yield bytes(content)
        except TimeoutError:
            raise ProblemError(
                408,
                f"expected the whole request within {self._settings.body_seconds:g} seconds",
                {"connection": "close"},
            ) from None
        except ClientDisconnect:
            raise ProblemError(400, "the request was cut short") from None
        finally:
            self._held -= len(content)
            self._bodies -= 1

    async def _chunks(self, request: Request, limit: int) -> AsyncIterator[bytes]:
        too_large = ProblemError(
            413, f"expected at most {limit:,} bytes, received more", {"connection": "close"}
        )
        announced = request.headers.get("content-length", "0")
        if len(announced) > 15 or int(announced) > DISCARDED * limit:
            raise too_large
        received = 0
        async for chunk in request.stream():
            received += len(chunk)
            if received > DISCARDED * limit:
                raise too_large
            if self._held + len(chunk) > self._settings.held_bytes:
                raise busy("too many images are being sent at once; try again")
            if received <= limit:
                yield chunk
        if received > limit:
            raise too_large

    async def run(self, work: Callable[[], T], large: bool = False) -> T:
        """Do `work` in a thread, once one is free.

        Args:
            work: What to do.
            large: Whether it takes much memory, so that only one such may run.

        Raises:
            ProblemError: 429 if too much is waiting, 503 if it takes too long.

        """
        workers = 1 if large else self._settings.workers
        if self._jobs[large] >= workers + self._settings.waiting:
            raise busy("too many images are waiting; try again")
        self._jobs[large] += 1
        job = self._pools[large].submit(work)
        loop = asyncio.get_running_loop()
        job.add_done_callback(lambda _: loop.call_soon_threadsafe(self._done, large))
        try:
            # What has not begun by then is never begun: the timeout cancels it.
            async with asyncio.timeout(self._settings.work_seconds):
                return await asyncio.wrap_future(job)
        except TimeoutError:
            raise ProblemError(
                503,
                f"this image was not read within {self._settings.work_seconds:g} seconds",
                {"retry-after": str(RETRY_SECONDS)},
            ) from None

    def _done(self, large: bool) -> None:
        self._jobs[large] -= 1

    def close(self) -> None:
        """Let no work begin any more."""
        for pool in self._pools.values():
            pool.shutdown(wait=False, cancel_futures=True)
