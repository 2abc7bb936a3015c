"""From an image file to grey levels, upright."""

import ctypes
import functools
import io
import logging
import os
import struct
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
    _imaging,
)

from digits.core.errors import UserError
from digits.scan.single import containers
from digits.scan.single.containers import Container
from digits.scan.single.grey import grey_levels
from digits.scan.single.tiff import TooMuchError

DECODERS: dict[str, Callable[[io.BytesIO], ImageFile.ImageFile]] = {
    "BMP": BmpImagePlugin.BmpImageFile,
    "GIF": GifImagePlugin.GifImageFile,
    "JPEG": JpegImagePlugin.JpegImageFile,
    "PNG": PngImagePlugin.PngImageFile,
    "PPM": PpmImagePlugin.PpmImageFile,
    "TIFF": TiffImagePlugin.TiffImageFile,
    "WEBP": WebPImagePlugin.WebPImageFile,
}
"""What decodes each format.  Pillow's other decoders start programs (EPS) or are seldom tested."""
MAX_BYTES = 20 * 2**20
"""Largest file that is read."""
MAX_PIXELS = 40_000_000
"""Largest width x height that is decoded: a phone's photo has 12 to 24 million."""
MAX_DECODED_BYTES = 120_000_000
"""Most of a decoded picture: one with transparency may have fewer pixels."""
MAX_SIDE = 1 << 16
"""Longest width or height that is decoded."""


class TooLargeError(UserError):
    """An image has more bytes or pixels than are read."""


class NoImageError(UserError):
    """What came is no image of a known format."""


@dataclass(frozen=True)
class OpenedImage:
    """An image file that is known to be bounded, not yet decoded."""

    container: Container
    name: str
    """As errors call it."""

    @property
    def pixels(self) -> int:
        """Width x height."""
        return self.container.width * self.container.height


def read_image(source: Path | bytes) -> np.ndarray:
    """Decode the first frame of an image file into grey levels.

    EXIF rotation is applied; transparent parts get the colour that lets the ink be seen; levels
    of more than 8 bits are scaled to 8.

    Args:
        source: A file, or the bytes of one.

    Returns:
        (height, width) uint8.

    Raises:
        UserError: as `open_image` and `decoded`.

    """
    return decoded(open_image(source))


def open_image(source: Path | bytes) -> OpenedImage:
    """Read an image file and see what it announces, without decoding it.

    Args:
        source: A file, or the bytes of one.

    Raises:
        TooLargeError: if it has more than `MAX_BYTES`, `MAX_PIXELS` or `MAX_DECODED_BYTES`.
        NoImageError: if it is no image of a known format.
        UserError: if it cannot be read, is damaged, or costs more work than a picture needs.
            All errors name the file without its folder.

    """
    name = (source.name or str(source)) if isinstance(source, Path) else "the image"
    data = _read_bytes(source, name) if isinstance(source, Path) else source
    if not data:
        raise NoImageError(f"{name}: expected an image, received an empty file; send it again")
    if len(data) > MAX_BYTES:
        raise TooLargeError(
            f"{name}: expected at most {MAX_BYTES >> 20} MiB, received more; save it smaller"
        )
    try:
        container = containers.reduced(data)
    except TooMuchError as error:
        raise UserError(f"{name}: {error}; {ADVICE}") from None
    except (ValueError, struct.error, IndexError):
        raise _damaged(name, "") from None
    if container is None:
        raise NoImageError(f"{name}: expected an image, received {_kind(data)}; {ADVICE}")
    if container.width * container.height > _most_pixels(container):
        raise _too_large(name, container)
    if max(container.width, container.height) > MAX_SIDE:
        raise TooLargeError(
            f"{name}: expected sides of at most {MAX_SIDE:,} pixels, received "
            f"{container.width} x {container.height}; cut out the digits"
        )
    return OpenedImage(container, name)


def decoded(file: OpenedImage) -> np.ndarray:
    """Decode an opened image file into grey levels: (height, width) uint8, upright.

    Raises:
        UserError: if it is damaged.

    """
    _quieten()
    try:
        return _decode(file.container)
    except MemoryError:
        raise _too_large(file.name, file.container) from None
    except Exception:  # a decoder given hostile bytes can raise anything
        raise _damaged(file.name, file.container.format) from None


def _read_bytes(path: Path, name: str) -> bytes:
    # Unlike pathlib's, these do not fail for names that no file can have.
    if os.path.isdir(path):
        raise UserError(f"{name}: expected an image file, received a folder; name the files in it")
    if os.path.exists(path) and not os.path.isfile(path):
        raise UserError(f"{name}: expected an image file, received a device or a pipe")
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise UserError(f"{name}: expected an image file, found none; check its name") from None
    except OSError as error:
        raise UserError(f"{name}: the file cannot be read ({error.strerror})") from None


ADVICE = "save it as PNG or JPEG"


def _most_pixels(container: Container) -> int:
    return min(MAX_PIXELS, MAX_DECODED_BYTES // max(1, container.depth))


def _too_large(name: str, container: Container) -> TooLargeError:
    most = _most_pixels(container) // 10**6
    return TooLargeError(
        f"{name}: expected at most {most} million pixels of this kind, received "
        f"{container.width} x {container.height}; scale the picture down"
    )


def _damaged(name: str, kind: str) -> UserError:
    return UserError(
        f"{name}: expected a whole {f'{kind} ' if kind else ''}image, received one that is damaged "
        "or cut short; copy or export it again"
    )


def _kind(data: bytes) -> str:
    """What a file that is no image seems to be."""
    head = data[:512].lstrip().lower()
    if head.startswith((b"<!doctype html", b"<html")):
        return "an HTML page"
    if head.startswith((b"<svg", b"<?xml")):
        return "an SVG or XML file"
    if head.startswith(b"%pdf"):
        return "a PDF file"
    if head[4:8] == b"ftyp":
        return "an HEIC, AVIF or video file"
    return "something else or a damaged one"


def _decode(container: Container) -> np.ndarray:
    """Grey levels of a container's picture, upright: (height, width) uint8."""
    with DECODERS[container.format](io.BytesIO(container.data)) as image:
        if image.size != (container.width, container.height):
            raise ValueError("another size than announced")
        if image.format == "JPEG" and image.mode == "RGB":
            image.draft("L", image.size)  # libjpeg then leaves the colours out: half the time
        image.load()
        return np.ascontiguousarray(upright(grey_levels(image), container.orientation))


def upright(stored: np.ndarray, orientation: int) -> np.ndarray:
    """Undo what a value of EXIF's Orientation tag (JEITA CP-3451) says was done to a picture."""
    turned = stored.T if orientation in (5, 6, 7, 8) else stored
    rows = slice(None, None, -1 if orientation in (3, 4, 7, 8) else 1)
    columns = slice(None, None, -1 if orientation in (2, 3, 6, 7) else 1)
    return turned[rows, columns]


@functools.cache
def _quieten() -> None:
    """Let no decoder write to the log or the terminal: what is wrong with a file is told once.

    It stays so in this process, for a filter that comes and goes is not safe among threads; and it
    is done once, for to open the library takes as long as to decode a small image.
    """
    warnings.filterwarnings("ignore", module=r"PIL\.")
    logging.getLogger("PIL").setLevel(logging.CRITICAL + 1)
    # libtiff, which Pillow carries, writes to standard error by itself.
    native = ctypes.CDLL(_imaging.__file__)
    for setter in ("TIFFSetErrorHandler", "TIFFSetWarningHandler"):
        if hasattr(native, setter):  # not where it is built in without its names, as on Windows
            getattr(native, setter)(None)
