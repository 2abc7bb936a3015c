"""The HTTP interface, and the page that uses it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import FastAPI, Query, Request, Response
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles

from digits.serve import answer, png
from digits.serve.answer import Answer, PageAnswer
from digits.serve.feedback import Store
from digits.serve.reader import Reader, stacked
from digits.serve.web import corrections
from digits.serve.web.predicting import predict
from digits.serve.web.problems import (
    RETRY,
    ProblemAnswer,
    ProblemError,
    answer_with_problems,
    busy,
    documented,
)
from digits.serve.web.scanning import Scans
from digits.serve.web.security import SecurityMiddleware
from digits.serve.web.settings import Settings
from digits.serve.web.uploads import FIELD, Uploads, image_file

STATIC = Path(__file__).with_name("static")


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


def create(readers: Callable[[], Reader], settings: Settings, store: Store | None) -> FastAPI:
    """Make the application.

    Args:
        readers: Gives the reader of the moment, which has the models, the default one first. Every
            one that it gives has the same names of models and classes.
        settings: Limits.
        store: Takes corrections; None to take none.

    """
    uploads, scans = Uploads(settings), Scans(settings)
    threads = ThreadPoolExecutor(settings.workers, "predict")
    admitted = asyncio.Semaphore(settings.workers + settings.waiting)
    encode = png.encode if store is None else store.sign

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await scans.start()
        yield
        scans.close()
        threads.shutdown(wait=False, cancel_futures=True)

    app = FastAPI(
        title="digits",
        summary="Reads handwritten digits in drawings, scans and photographs.",
        version="1",
        docs_url=None,  # both documentation pages load scripts from another host
        redoc_url=None,
        lifespan=lifespan,
        responses=documented(400, 429),
    )
    app.add_middleware(SecurityMiddleware, hosts=settings.hosts)
    answer_with_problems(app)
    names = readers().models
    Model = corrections.one_of(names)

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
        reader = readers()
        return Models(
            models=[
                ModelAnswer(name=model, sha256=reader.digests[model]) for model in reader.models
            ],
            classes=list(reader.classes),
            feedback=store is not None,
            max_bytes=settings.body_bytes,
        )

    async def read(data: bytes, content_type: str | None, asked: tuple[str, ...]) -> bytes:
        """The answer to an image, as JSON."""
        found = await scans.scan(await image_file(data, content_type))
        if len(found.digits) > settings.digits:
            raise ProblemError(
                422,
                f"expected at most {settings.digits} digits, found {len(found.digits)}; "
                "send a part of the image",
            )
        images = stacked(found.digits)
        reader = readers()
        said = await predict(reader, images, asked, threads, settings.workers)

        def put_together() -> bytes:
            page = reader.page(found.width, found.height, found.digits, said)
            return answer.of_page(page, asked, reader.classes, encode).model_dump_json().encode()

        return await asyncio.get_running_loop().run_in_executor(threads, put_together)

    @app.post(
        "/api/predict",
        response_model=PageAnswer,
        responses=documented(403, 408, 413, 415, 422, 500, 503),
        openapi_extra={"requestBody": IMAGE_BODY},
    )
    async def read_image(
        request: Request,
        model: Annotated[
            list[Model],  # type: ignore[valid-type]
            Query(max_length=64, description="Ask these models only."),
        ] = [],  # noqa: B006 (FastAPI copies it; a factory's signature is looked up every time)
    ) -> Response:
        """Read every digit of an image: PNG, JPEG, GIF, BMP, PPM, WebP or TIFF."""
        asked = tuple(dict.fromkeys(model)) or names
        async with uploads.body(request, settings.body_bytes) as data:
            if admitted.locked():
                raise busy("too many images are waiting; try again")
            try:
                async with admitted, asyncio.timeout(settings.work_seconds):
                    content = await read(data, request.headers.get("content-type"), asked)
            except TimeoutError:
                raise ProblemError(
                    503,
                    f"this image was not read within {settings.work_seconds:g} seconds; scale it "
                    "down, or send a part of it",
                    RETRY,
                ) from None
        return Response(content, media_type="application/json")

    if store is not None:
        app.include_router(corrections.router(readers, uploads, store))
    document = app.openapi()
    document["components"]["schemas"][ProblemAnswer.__name__] = ProblemAnswer.model_json_schema()
    return app


# The two other forms are told in words: no schema can say which bytes are an image, and whoever
# tests by the schema would take the refusal of any others for a fault.
IMAGE_BODY: dict[str, Any] = {
    "required": True,
    "description": (
        "An image file, as it is: with its own type or as `application/octet-stream`. Or, as "
        f"`multipart/form-data`, a form with the file in its field `{FIELD}`."
    ),
    "content": {"image/*": {"schema": {"type": "string", "format": "binary"}}},
}
