"""The HTTP interface, and the page that uses it."""

import base64
import binascii
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import cv2
from fastapi import FastAPI, Query, Request, Response
from fastapi import Path as PathParameter
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel, Field, ValidationError
from starlette.exceptions import HTTPException

from digits.serve import answer, feedback
from digits.serve.answer import DATA_URI, Answer, PageAnswer
from digits.serve.reader import Reader
from digits.serve.web import images
from digits.serve.web.limits import Gate, Load, ProblemError, Settings

STATIC = Path(__file__).with_name("static")
FEEDBACK_BYTES = 64 * 1024


class ModelAnswer(Answer):
    """One model."""

    name: str
    sha256: str
    """Names the trained model for good."""


class Models(Answer):
    """What answers here."""

    models: list[ModelAnswer]
    classes: list[str]
    feedback: bool
    """Whether corrections are stored."""
    max_bytes: int
    """Of an image file."""


class Health(Answer):
    """That the service runs."""

    status: Literal["ok"]


class Kept(Answer):
    """A correction that is on the disk."""

    id: str


class ProblemAnswer(Answer):
    """An error, as RFC 9457 describes it."""

    type: str
    title: str
    status: int
    detail: str


def _problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    schema = {"$ref": f"#/components/schemas/{ProblemAnswer.__name__}"}
    return {
        status: {
            "description": {
                400: "Another host name, or a request that was cut short",
                403: "Sent by a page of another site",
                404: "No such correction",
                408: "Sent too slowly",
                409: "An image that /api/predict did not give",
                413: "Too many bytes or pixels",
                415: "No image",
                422: "Cannot be read, or wrong parameters",
                429: "Too busy; see Retry-After",
                503: "Took too long",
            }[status],
            "content": {"application/problem+json": {"schema": schema}},
        }
        for status in statuses
    }


def create(reader: Reader, settings: Settings, store: Path | None) -> FastAPI:
    """Make the application.

    Args:
        reader: Reads the images; its first model is the default one.
        settings: Limits.
        store: Folder that takes corrections, or None to take none.

    """
    load = Load(settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        load.close()

    app = FastAPI(
        title="digits",
        summary="Reads handwritten digits in drawings, scans and photographs.",
        version="1",
        docs_url=None,  # both documentation pages load scripts from another host
        redoc_url=None,
        lifespan=lifespan,
        responses=_problems(400, 429),
    )
    app.add_middleware(Gate, hosts=settings.hosts)
    _answer_with_problems(app)
    Model = _one_of(reader.models)

    @app.get("/", include_in_schema=False)
    async def page() -> FileResponse:
        return FileResponse(STATIC / "index.html")

    app.mount("/static", StaticFiles(directory=STATIC))

    @app.get("/healthz")
    async def health() -> Health:
        """Say that the service runs."""
        return Health(status="ok")

    @app.get("/api/models")
    async def models() -> Models:
        """Tell which models answer, the default one first."""
        return Models(
            models=[
                ModelAnswer(name=model, sha256=reader.digests[model]) for model in reader.models
            ],
            classes=list(reader.classes),
            feedback=store is not None,
            max_bytes=settings.body_bytes,
        )

    @app.post(
        "/api/predict",
        response_model=PageAnswer,
        responses=_problems(403, 408, 413, 415, 422, 429, 503),
        openapi_extra={"requestBody": IMAGE_BODY},
    )
    async def predict(
        request: Request,
        model: Annotated[
            list[Model],  # type: ignore[valid-type]
            Query(default_factory=list, max_length=64, description="Ask these models only."),
        ],
    ) -> JSONResponse:
        """Read every digit of an image: PNG, JPEG, GIF, BMP, PPM, WebP or TIFF."""
        asked = tuple(dict.fromkeys(model)) or reader.models
        kind = request.headers.get("content-type")

        def size() -> tuple[bytes, int]:
            file = images.content(data, kind)
            return file, images.pixels(file)

        def work() -> dict[str, Any]:
            try:
                found = reader.read(images.decode(file), asked)
            except (cv2.error, MemoryError):
                raise ProblemError(
                    422, "this image cannot be read; scale it down, or send a part of it"
                ) from None
            if len(found.digits) > settings.digits:
                raise ProblemError(
                    422,
                    f"expected at most {settings.digits} digits, found {len(found.digits)}; "
                    "send a part of the image",
                )
            return answer.of_page(found, asked, reader.classes).model_dump()

        async with load.body(request, settings.body_bytes) as data:
            file, pixels = await load.run(size)
            return JSONResponse(await load.run(work, pixels > settings.large_pixels))

    if store is not None:
        _take_corrections(app, reader, load, store)
    document = app.openapi()
    document["components"]["schemas"][ProblemAnswer.__name__] = ProblemAnswer.model_json_schema()
    return app


# The two other forms are told in words: no schema can say which bytes are an image, and whoever
# tests by the schema would take the refusal of any others for a fault.
IMAGE_BODY = {
    "required": True,
    "description": (
        "An image file, as it is: with its own type or as `application/octet-stream`. Or, as "
        f"`multipart/form-data`, a form with the file in its field `{images.FIELD}`."
    ),
    "content": {"image/*": {"schema": {"type": "string", "format": "binary"}}},
}


def _take_corrections(app: FastAPI, reader: Reader, load: Load, store: Path) -> None:
    """Add the address that stores what a digit really is."""
    Label = _one_of((*reader.classes, feedback.NO_DIGIT))
    Read = _one_of(reader.classes)
    Model = _one_of(reader.models)

    class Correction(Answer):
        """What one digit really is."""

        image: Annotated[str, Field(pattern=f"^{DATA_URI}[A-Za-z0-9+/]+={{0,2}}$")]
        """As /api/predict gave it."""
        label: Label  # type: ignore[valid-type]
        """The right class, or "none" for what is no digit."""
        predictions: Annotated[dict[Model, Read], Field(min_length=1)]  # type: ignore[valid-type]
        """What each model read."""

    @app.post(
        "/api/feedback",
        status_code=201,
        response_model=Kept,
        responses=_problems(403, 408, 409, 413, 415, 422, 429, 503),
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": _inlined(Correction)}},
            }
        },
    )
    async def correct(request: Request) -> JSONResponse:
        """Store what a digit really is; once this is answered, it is on the disk."""
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise ProblemError(415, "expected the content type application/json")
        async with load.body(request, FEEDBACK_BYTES) as data:
            try:
                given = Correction.model_validate_json(data)
                image = feedback.from_png(
                    base64.b64decode(given.image.removeprefix(DATA_URI), validate=True)
                )
            except ValidationError as error:
                raise ProblemError(
                    422, _described(error.errors(), Correction.model_fields)
                ) from None
            except binascii.Error:
                image = None
            if image is None:
                raise ProblemError(409, "image: expected a PNG as /api/predict gave it, 28 x 28")
            key = await load.run(
                lambda: feedback.add(
                    store,
                    image,
                    given.label,
                    given.predictions,
                    {model: reader.digests[model] for model in given.predictions},
                )
            )
        return JSONResponse({"id": key}, 201)

    @app.delete(
        "/api/feedback/{name}",
        status_code=204,
        response_class=Response,
        responses=_problems(403, 404, 422, 503),
    )
    async def withdraw(
        name: Annotated[str, PathParameter(pattern=f"^{feedback.NAME.pattern}$")],
    ) -> None:
        """Forget a correction, by the id that it was stored under."""
        if not await load.run(lambda: feedback.remove(store, name)):
            raise ProblemError(404, "there is no correction of this id")


def _one_of(names: tuple[str, ...]) -> Any:
    """The type that holds these names, which need not be identifiers."""
    return Literal[names]  # type: ignore[valid-type]


def _inlined(model: type[BaseModel]) -> dict[str, Any]:
    """A model's JSON schema with its definitions put where they are used."""
    schema = model.model_json_schema()
    definitions = schema.pop("$defs", {})

    def inline(node: Any) -> Any:
        if isinstance(node, list):
            return [inline(one) for one in node]
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            node = {**definitions[node["$ref"].rpartition("/")[2]], **node}
            del node["$ref"]
        return {key: inline(value) for key, value in node.items()}

    inlined: dict[str, Any] = inline(schema)
    return inlined


def _answer_with_problems(app: FastAPI) -> None:
    """Make every error a problem that names no path and shows no code."""

    async def refuse(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, ProblemError)
        return error.response()

    async def http(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        return ProblemError(error.status_code, str(error.detail), error.headers).response()

    async def invalid(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        return ProblemError(422, _described(error.errors(), ("model",))).response()

    async def broken(_: Request, error: Exception) -> JSONResponse:
        # The server logs it.
        return ProblemError(500, "this is a fault of the service; it is in its log").response()

    app.add_exception_handler(ProblemError, refuse)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(Exception, broken)


def _described(faults: Sequence[Any], fields: Collection[str]) -> str:
    """What was wrong with the parameters, without repeating anything that the client sent.

    Args:
        faults: As pydantic lists them.
        fields: Names that may be given; others are the client's.

    """
    said = []
    for fault in faults[:5]:
        named = [str(part) for part in fault["loc"] if part in fields]
        said.append(": ".join([*named[:1], fault["msg"]]))
    return "; ".join(dict.fromkeys(said))
