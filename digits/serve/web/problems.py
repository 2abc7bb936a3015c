"""Errors as RFC 9457 describes them: problems, which name no path and show no code."""

import logging
import re
import traceback
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from digits.serve.answer import Answer

RETRY_SECONDS = 1
RETRY = {"retry-after": str(RETRY_SECONDS)}
CLOSE = {"connection": "close"}
LOG = logging.getLogger("uvicorn.error")
"""Of the service: what uvicorn says goes there, too."""
NONSENSE = "Invalid HTTP request", "Unsupported upgrade request", "No supported WebSocket"

MEANINGS = {
    400: "Another host name, or a request that is wrong or was cut short",
    403: "Sent by a page of another site",
    404: "There is no such correction",
    408: "Sent too slowly",
    409: "An image that /api/predict did not give",
    413: "Too many bytes or pixels",
    415: "No image",
    422: "Cannot be read, or wrong parameters",
    429: "Too busy; see Retry-After",
    500: "A fault of the service, which its log tells",
    503: "Took too long, or cannot be done at the moment",
    507: "No room for corrections",
}


class ProblemAnswer(Answer):
    """An error, as RFC 9457 describes it."""

    type: str
    title: str
    status: int
    detail: str


class ProblemError(Exception):
    """An answer that is a problem."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.detail, self.headers = status, detail, headers

    def response(self) -> JSONResponse:
        return JSONResponse(
            ProblemAnswer(
                type="about:blank",
                title=HTTPStatus(self.status).phrase,
                status=self.status,
                detail=self.detail,
            ).model_dump(),
            self.status,
            self.headers,
            "application/problem+json",
        )


def busy(detail: str) -> ProblemError:
    """Ask the client to come again."""
    return ProblemError(429, detail, RETRY)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What the OpenAPI document says of these statuses."""
    schema = {"$ref": f"#/components/schemas/{ProblemAnswer.__name__}"}
    return {
        status: {
            "description": MEANINGS[status],
            "content": {"application/problem+json": {"schema": schema}},
        }
        for status in statuses
    }


def answer_with_problems(app: FastAPI) -> None:
    """Make every error a problem."""

    async def answer(_: Request, error: Exception) -> JSONResponse:
        match error:
            case ProblemError():
                problem = error
            case HTTPException():
                problem = ProblemError(error.status_code, str(error.detail), error.headers)
            case RequestValidationError():
                problem = ProblemError(422, described(error.errors(), ("model", "key")))
            case _:  # the server logs it
                problem = ProblemError(500, "this is a fault of the service; it is in its log")
        return problem.response()

    for kind in (ProblemError, HTTPException, RequestValidationError, Exception):
        app.add_exception_handler(kind, answer)


class Once(logging.Filter):
    """Lets each fault into the log once, and nothing of clients that sent nonsense."""

    def __init__(self) -> None:
        super().__init__()
        self._logged: deque[str] = deque(maxlen=100)

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a line of the log tells something new."""
        said = record.getMessage()
        if record.exc_info:
            said += "".join(traceback.format_exception(record.exc_info[1]))
        # Another count, or another line of code, is no other fault.
        said = re.sub(r"\d+", "0", said)
        if said.startswith(NONSENSE) or said in self._logged:
            return False
        self._logged.append(said)
        return True


def described(faults: Sequence[Any], fields: Collection[str]) -> str:
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
