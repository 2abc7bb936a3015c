"""Images out of requests."""

import io
from email.message import Message

import numpy as np
from PIL import Image

from digits.core.errors import UserError
from digits.scan.single.decode import FORMATS, MAX_PIXELS, read_image
from digits.serve.web.limits import ProblemError

FIELD = "image"
HEADER_BYTES = 4 * 1024
"""Of one part of a multipart body, and of a header that is taken apart."""
PARTS = 64
"""Of a multipart body; what follows is not looked at."""


def content(data: bytes, content_type: str | None) -> bytes:
    """The image file in a request's body.

    Args:
        data: The body.
        content_type: The request's header; None where it has none.

    Raises:
        ProblemError: 415 if the type is none that can hold an image, 422 if a multipart body has no
            file in the field `image`.

    """
    content_type = content_type or "application/octet-stream"
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        return _field(data, _parameter(content_type, "boundary"))
    if kind.startswith("image/") or kind == "application/octet-stream":
        return data
    raise ProblemError(
        415,
        "expected the bytes of an image with a content type of image/* or "
        f"application/octet-stream, or multipart/form-data with the field {FIELD}",
    )


def _field(data: bytes, boundary: str | None) -> bytes:
    """The content of the field `image` of a multipart body (RFC 7578)."""
    if boundary and boundary.isascii():
        mark = b"\r\n--" + boundary.encode()
        data = b"\r\n" + data  # the first boundary may begin the body
        begin = data.find(mark)
        for _ in range(PARTS):
            begin += len(mark)
            end = data.find(mark, begin)
            if begin < len(mark) or end < 0:
                break
            head_end = data.find(b"\r\n\r\n", begin, min(end, begin + HEADER_BYTES) + 4)
            if head_end >= 0 and _name(data[begin:head_end]) == FIELD:
                return data[head_end + 4 : end]
            begin = end
    raise ProblemError(422, f"expected a multipart body with a file in the field {FIELD}")


def _name(head: bytes) -> str | None:
    """The field that the header lines of a part name."""
    for line in head.split(b"\r\n"):
        name, _, value = line.decode("latin-1").partition(":")
        if name.strip().lower() == "content-disposition":
            return _parameter(value.strip(), "name")
    return None


def _parameter(header: str, name: str) -> str | None:
    """A parameter of a header's value; None where there is none, or none that can be read."""
    if len(header) > HEADER_BYTES:
        return None
    message = Message()
    message["content-disposition"] = header
    try:
        found = message.get_param(name, header="content-disposition")
    except (TypeError, ValueError):  # parameters in parts (RFC 2231) that do not fit together
        return None
    return found if isinstance(found, str) else None


def pixels(data: bytes) -> int:
    """How many pixels an image file announces, before any is decoded.

    Returns:
        Width x height; 0 where the head of an image is damaged or the file is none.

    Raises:
        ProblemError: 413 if they are too many, 422 if the file is empty.

    """
    if not data:
        raise ProblemError(422, "expected an image, received nothing")
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            count = image.width * image.height
    except Image.DecompressionBombError:
        count = MAX_PIXELS + 1
    except Exception:  # a decoder given hostile bytes can raise anything
        count = 0
    if count > MAX_PIXELS:
        raise ProblemError(
            413,
            f"expected at most {MAX_PIXELS // 10**6} million pixels, received more; "
            "scale the picture down",
        )
    return count


def decode(data: bytes) -> np.ndarray:
    """Decode an image file into (height, width) uint8 grey levels.

    Raises:
        ProblemError: 415 if it is no image, 422 if it is one that cannot be read.

    """
    try:
        return read_image(data)
    except UserError as error:
        raise ProblemError(422 if _begins_as_image(data) else 415, str(error)) from None


def _begins_as_image(data: bytes) -> bool:
    Image.init()
    openers = [Image.OPEN[name][1] for name in FORMATS]
    return any(accept(data[:16]) for accept in openers if accept)
