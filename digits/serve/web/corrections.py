"""Corrections over HTTP: stored, and withdrawn."""

import asyncio
import base64
import binascii
import errno
from collections.abc import Callable
from typing import Annotated, Any, Literal, TypeVar

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import JSONResponse
from pydantic import Field, ValidationError

from digits.serve.answer import DATA_URI, Answer
from digits.serve.feedback import NAME, NO_DIGIT, FullError, Store
from digits.serve.reader import Reader
from digits.serve.web.problems import RETRY, ProblemError, described, documented
from digits.serve.web.uploads import Uploads

MAX_BYTES = 64 * 1024
T = TypeVar("T")


class Kept(Answer):
    """A correction that is on the disk."""

    id: str


def router(readers: Callable[[], Reader], uploads: Uploads, store: Store) -> APIRouter:
    """The addresses that take what a digit really is, and take it back; `readers` as in `app`."""
    made = APIRouter(prefix="/api/feedback")
    reader = readers()
    Label = one_of((*reader.classes, NO_DIGIT))
    Read = one_of(reader.classes)
    Model = one_of(reader.models)

    class Correction(Answer):
        """What one digit really is."""

        image: Annotated[str, Field(pattern=f"^{DATA_URI}[A-Za-z0-9+/]+={{0,2}}$")]
        """As /api/predict gave it."""
        label: Label  # type: ignore[valid-type]
        """The right class, or "none" for what is no digit."""
        predictions: Annotated[dict[Model, Read], Field(min_length=1)]  # type: ignore[valid-type]
        """What each model read."""

    @made.post(
        "",
        status_code=201,
        response_model=Kept,
        responses=documented(403, 408, 409, 413, 415, 422, 503, 507),
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": Correction.model_json_schema()}},
            }
        },
    )
    async def correct(request: Request) -> JSONResponse:
        """Store what a digit really is; once this is answered, it is on the disk."""
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise ProblemError(415, "expected the content type application/json")
        async with uploads.body(request, MAX_BYTES) as data:
            try:
                given = Correction.model_validate_json(data)
                file = base64.b64decode(given.image.removeprefix(DATA_URI), validate=True)
            except ValidationError as error:
                raise ProblemError(
                    422, described(error.errors(), Correction.model_fields)
                ) from None
            except binascii.Error:
                file = b""
            image = store.verify(file)
            if image is None:
                raise ProblemError(409, "image: expected one that /api/predict gave, as it is")
            digests = readers().digests
            models = {model: digests[model] for model in given.predictions}
            key = await _stored(lambda: store.add(image, given.label, given.predictions, models))
        return JSONResponse({"id": key}, 201)

    @made.delete("/{key}", status_code=204, responses=documented(403, 404, 422, 503))
    async def withdraw(key: Annotated[str, Path(pattern=f"^{NAME}$")]) -> Response:
        """Remove a correction; once this is answered, it is gone from the disk."""
        if not await _stored(lambda: store.withdraw(key)):
            raise ProblemError(404, "there is no such correction; it may have been withdrawn")
        return Response(status_code=204)

    return made


async def _stored(work: Callable[[], T]) -> T:
    """Do something with the store in a thread.

    Raises:
        ProblemError: 507 if there is no room, 503 if the store is out of order.

    """
    try:
        return await asyncio.to_thread(work)
    except FullError as error:
        raise ProblemError(507, str(error)) from None
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise ProblemError(507, "the disk of this service is full; free some space") from None
        raise ProblemError(
            503, f"corrections cannot be stored at the moment: {error.strerror}", RETRY
        ) from None


def one_of(names: tuple[str, ...]) -> Any:
    """The type that holds these names, which need not be identifiers."""
    return Literal[names]  # type: ignore[valid-type]
