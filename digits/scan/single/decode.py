"""From an image file to grey levels, upright."""

import io
import warnings
from pathlib import Path

import numpy as np
from PIL import Image

from digits.core.errors import UserError

MAX_BYTES = 20 * 2**20
"""Largest file that is read."""
MAX_PIXELS = 40_000_000
"""Largest width x height that is decoded: a phone's photo has 12 to 24 million."""
FORMATS = ("PNG", "JPEG", "GIF", "BMP", "PPM", "WEBP", "TIFF")
"""What Pillow may decode.  Its other decoders start programs (EPS) or are seldom tested."""
ADVICE = "save it as PNG or JPEG"
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What undoes each value of EXIF's Orientation tag (JEITA CP-3451)."""


def read_image(source: Path | bytes) -> np.ndarray:
    """Decode the first frame of an image file into grey levels.

    EXIF rotation is applied; transparent parts get the colour that lets the ink be seen; levels
    of more than 8 bits are scaled to 8.

    Args:
        source: A file, or the bytes of one.

    Returns:
        (height, width) uint8.

    Raises:
        UserError: if the file cannot be read, is no image of a known format, is damaged, or is
            larger than `MAX_BYTES` or `MAX_PIXELS`.  It names the file without its folder.

    """
    name = source.name if isinstance(source, Path) else "the image"
    data = _read_bytes(source, name) if isinstance(source, Path) else source
    if not data:
        raise UserError(f"{name}: expected an image, received an empty file; send it again")
    if len(data) > MAX_BYTES:
        raise UserError(
            f"{name}: expected at most {MAX_BYTES >> 20} MiB, received more; save it smaller"
        )
    try:
        with warnings.catch_warnings():
            # The size is checked below, before anything is decoded.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(data), formats=FORMATS)
    except Image.DecompressionBombError:
        raise _too_large(name, "many more") from None
    except Exception:  # a decoder given hostile bytes can raise anything
        raise UserError(f"{name}: expected an image, received {_kind(data)}; {ADVICE}") from None
    with image:
        if image.width * image.height > MAX_PIXELS:
            raise _too_large(name, f"{image.width} x {image.height}")
        try:
            return _decode(image)
        except Exception as error:
            if isinstance(error, MemoryError):
                raise _too_large(name, f"{image.width} x {image.height}") from None
            raise UserError(
                f"{name}: expected a whole {image.format} image, received one that is damaged or "
                "cut short; copy or export it again"
            ) from None


def _read_bytes(path: Path, name: str) -> bytes:
    if path.is_dir():
        raise UserError(f"{name}: expected an image file, received a folder; name the files in it")
    if path.exists() and not path.is_file():
        raise UserError(f"{name}: expected an image file, received a device or a pipe")
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise UserError(f"{name}: expected an image file, found none; check its name") from None
    except OSError as error:
        raise UserError(f"{name}: the file cannot be read ({error.strerror})") from None


def _too_large(name: str, received: str) -> UserError:
    return UserError(
        f"{name}: expected at most {MAX_PIXELS // 10**6} million pixels, received {received}; "
        "scale the picture down"
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


def _decode(image: Image.Image) -> np.ndarray:
    """Grey levels of the current frame, upright: (height, width) uint8."""
    if image.format == "JPEG" and image.mode == "RGB":
        image.draft("L", image.size)  # libjpeg then leaves the colours out: half the time
    image.load()
    turn = TURNS.get(_orientation(image))
    # After load: Pillow turns TIFF images itself and then drops the tag.
    grey = _grey(image if turn is None else image.transpose(turn))
    return np.ascontiguousarray(grey)


def _orientation(image: Image.Image) -> int:
    try:
        value = image.getexif().get(0x0112, 1)
    except Exception:  # a damaged EXIF block does not make the picture unreadable
        return 1
    return value if isinstance(value, int) else 1


def _grey(image: Image.Image) -> np.ndarray:
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        # The way over RGBA also takes palettes and a single transparent colour.
        pixels = np.asarray(image.convert("RGBA"))
        grey = np.asarray(image.convert("RGBA").convert("RGB").convert("L"))
        return _over_background(grey, pixels[..., 3])
    if image.mode.startswith(("I", "F")):
        return _eight_bits(np.asarray(image))
    if image.mode == "LAB":
        return np.asarray(image.getchannel(0))
    if image.mode not in ("L", "1", "RGB"):
        image = image.convert("RGB")
    return np.asarray(image.convert("L"))


def _over_background(grey: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Put (h, w) uint8 `grey` over one grey level: white, unless light ink would vanish there.

    Where most of the picture is opaque, its own background goes on under the holes instead.
    """
    if not alpha.any():
        return np.full_like(grey, 255)
    if np.count_nonzero(alpha > 127) > 0.5 * alpha.size:
        background = float(np.median(grey[alpha > 127]))
    else:
        background = 0.0 if np.average(grey, weights=alpha) > 127 else 255.0
    cover = alpha.astype(np.float32) / 255
    return np.round(grey * cover + background * (1 - cover)).astype(np.uint8)


def _eight_bits(levels: np.ndarray) -> np.ndarray:
    """Scale 16-bit, 32-bit and float levels to uint8.

    White is 1 for floats up to 1, else the least of 255, 511, ... 65535, ... that no level
    exceeds: cameras and scanners store 10, 12 or 14 bits in 16.
    """
    values = np.nan_to_num(levels.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    values -= min(float(values.min()), 0.0)
    highest = float(values.max())
    white = 1.0 if highest <= 1 else 2.0 ** max(8, np.ceil(np.log2(highest + 1))) - 1
    if highest <= 1 and levels.dtype.kind != "f":
        white = 255.0
    return np.round(values * (255 / white)).astype(np.uint8)
