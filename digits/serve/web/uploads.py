"""What clients send: how much, how fast, and the image file in it."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from digits.serve.web.problems import CLOSE, ProblemError, busy
from digits.serve.web.settings import Settings

DISCARDED = 4
"""A body up to so many times too large is read to its end: only then do most clients look at the
answer."""
FIELD = "image"
PARTS = 64
"""Most files and most other fields of a form."""


class Uploads:
    """Bodies of requests, from their first byte to the answer."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._open = asyncio.Semaphore(settings.bodies)
        self._held = 0

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
        if self._open.locked():
            raise busy("too many requests are open; try again")
        async with self._open:
            content = bytearray()
            try:
                try:
                    async with asyncio.timeout(self._settings.body_seconds):
                        async for chunk in self._chunks(request, limit):
                            content += chunk
                            self._held += len(chunk)
                except TimeoutError:
                    raise ProblemError(
                        408,
                        f"expected the whole request within {self._settings.body_seconds:g} "
                        "seconds",
                        CLOSE,
                    ) from None
                except ClientDisconnect:
                    raise ProblemError(400, "the request was cut short") from None
                yield bytes(content)
            finally:
                self._held -= len(content)

    async def _chunks(self, request: Request, limit: int) -> AsyncIterator[bytes]:
        too_large = ProblemError(413, f"expected at most {limit:,} bytes, received more", CLOSE)
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


async def image_file(data: bytes, content_type: str | None) -> bytes:
    """The image file in a request's body.

    Args:
        data: The body.
        content_type: The request's header; None where it has none.

    Raises:
        ProblemError: 415 if the type is none that can hold an image, 422 if there is no file.

    """
    content_type = content_type or "application/octet-stream"
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        data = await _file_of_form(data, content_type)
    elif not kind.startswith("image/") and kind != "application/octet-stream":
        raise ProblemError(
            415,
            "expected the bytes of an image with a content type of image/* or "
            f"application/octet-stream, or multipart/form-data with the field {FIELD}",
        )
    if not data:
        raise ProblemError(422, "expected an image, received nothing")
    return data


async def _file_of_form(data: bytes, content_type: str) -> bytes:
    """The file in the field `image` of a multipart body (RFC 7578)."""

    async def whole() -> AsyncGenerator[bytes, None]:
        yield data

    parser = MultiPartParser(
        Headers({"content-type": content_type}), whole(), max_files=PARTS, max_fields=PARTS
    )
    parser.spool_max_size = len(data)  # in memory, where it is already
    try:
        form = await parser.parse()
        files = [file for file in form.getlist(FIELD) if isinstance(file, UploadFile)]
        if len(files) != 1:
            raise ProblemError(
                422,
                f"expected a multipart body with one file in the field {FIELD}, received "
                f"{len(files) or 'none'}",
            )
        return await files[0].read()
    except MultiPartException as error:
        raise ProblemError(422, f"expected a multipart body: {error.message}") from None
    except (ValueError, LookupError):  # a text that the body's own encoding does not hold
        raise ProblemError(422, "expected a multipart body in UTF-8") from None
