"""From any picture of handwritten digits to images like those of MNIST.

`read_image` decodes, `find_digits` finds every digit of a photograph, scan or drawing, and
`read_digit` reads a picture that holds exactly one.  The way from grey levels to digits:

    shrink or enlarge to a working size, remove noise
    estimate the ground, find whether the ink is darker or lighter       -> darkness of the ink
    threshold, remove printed rules, drop what is no stroke             -> connected pieces
    join the pieces of one digit, part digits that touch, order by rows -> digits
    stroke width, 20 x 20 box, centre of mass                           -> (28, 28) images

"Darkness" means the share of light that the ink takes from the ground, 0 to 1, whatever the
polarity.  Lengths are pixels of the working size unless said otherwise.
"""

import heapq
import io
import warnings
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from digits.core.errors import UserError

MAX_BYTES = 20 * 2**20
"""Largest file that is read."""
MAX_PIXELS = 40_000_000
"""Largest width x height that is decoded: a phone's photo has 12 to 24 million."""
FORMATS = ("PNG", "JPEG", "GIF", "BMP", "PPM", "WEBP", "TIFF")
"""What Pillow may decode.  Its other decoders start programs (EPS) or are seldom tested."""

SIDE, BOX = 28, 20
"""MNIST: each digit is fitted into 20 x 20 and centred by mass in 28 x 28 (LeCun, Cortes and
Burges, "The MNIST database of handwritten digits")."""
CENTRE = 14.0
"""Row and column of the centre of mass of MNIST's images, counted from 0, within 0.5."""
STROKE_RANGE = (1.7, 3.0)
"""Widths that strokes are brought to, in pixels of the 28 x 28 image.  Measured on MNIST's
60,000 training images (2 x area / perimeter): 5% are below 1.45, half below 2.2, 5% above 3.4."""

WORKING_SIDES = (224, 1600)
"""Smaller images are enlarged to the first, larger ones reduced to the second (long side)."""
SMALL_SIDE = 300
"""A picture with a shorter long side, once enlarged, is taken for a drawing, evenly lit."""
SMALL_PIXELS = 128 * 128
"""Up to here non-local means, the better but slower way to remove noise, takes milliseconds."""
MOST_ODD_PIXELS = 5
"""More pixels than this that differ from all their neighbours are salt and pepper."""
FAINTEST_INK = 0.14
"""On paper, less darkness than this is a crease, a stain or a reflection."""
CLEAN_NOISE, FAINTEST_LINE = 0.002, 0.06
"""Below the first mean noise the ground is a drawing's, and less darkness is believed."""
NOISE_FACTOR = 5.0
"""Ink is darker than the ground's noise (standard deviation) by at least this factor."""
SMALLEST_DIGIT = 0.012
"""Least long side of a digit as a share of the picture's: 3.5 mm on a page of A4."""
MOST_LOOPS = 8
"""More holes than this has a net of printed lines, and not even two digits that touch."""
MOST_PIECES = 300
"""More pieces of ink than this, the longest first, are texture."""

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Digit:
    """One digit that was found."""

    image: np.ndarray
    """(28, 28) uint8, bright ink on a dark ground, as in MNIST."""
    box: Box
    """Left, top, width and height in pixels of the picture."""
    row: int
    """The row of the picture that it stands in, from 0 at the top."""


@dataclass(frozen=True)
class Piece:
    """Ink that belongs together, cut out of the working image."""

    left: int
    top: int
    mask: np.ndarray
    """(height, width) bool, no wider than the ink."""
    strength: float
    """The darkness of its darker parts, 0 to 1."""

    @property
    def width(self) -> int:
        return int(self.mask.shape[1])

    @property
    def height(self) -> int:
        return int(self.mask.shape[0])

    @property
    def right(self) -> int:
        return self.left + self.width

    @property
    def bottom(self) -> int:
        return self.top + self.height

    @property
    def area(self) -> int:
        return int(np.count_nonzero(self.mask))

    @property
    def long_side(self) -> int:
        return max(self.width, self.height)


# Decoding -------------------------------------------------------------------------------------


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


ADVICE = "save it as PNG or JPEG"


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
        return _over_ground(grey, pixels[..., 3])
    if image.mode.startswith(("I", "F")):
        return _eight_bits(np.asarray(image))
    if image.mode == "LAB":
        return np.asarray(image.getchannel(0))
    if image.mode not in ("L", "1", "RGB"):
        image = image.convert("RGB")
    return np.asarray(image.convert("L"))


def _over_ground(grey: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Put (h, w) uint8 `grey` over one grey level: white, unless light ink would vanish there.

    Where most of the picture is opaque, its own ground goes on under the holes instead.
    """
    if not alpha.any():
        return np.full_like(grey, 255)
    if np.count_nonzero(alpha > 127) > 0.5 * alpha.size:
        ground = float(np.median(grey[alpha > 127]))
    else:
        ground = 0.0 if np.average(grey, weights=alpha) > 127 else 255.0
    cover = alpha.astype(np.float32) / 255
    return np.round(grey * cover + ground * (1 - cover)).astype(np.uint8)


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


# The two ways in --------------------------------------------------------------------------------


def find_digits(grey: np.ndarray) -> list[Digit]:
    """Find every digit of a picture, in reading order: by rows, then from left to right.

    Args:
        grey: (height, width) uint8; dark ink on a light ground or light on dark.

    Returns:
        The digits; an empty list for a blank picture.

    Raises:
        UserError: if `grey` has another shape or type.

    """
    _check(grey)
    ready = as_mnist(grey)
    if ready is not None:
        left, top, width, height = cv2.boundingRect((ready > 0).astype(np.uint8))
        return [Digit(ready, (left, top, width, height), 0)] if width else []
    work, scale = working_size(grey)
    darkness, noise = ink_darkness(work)
    pieces = find_pieces(darkness, noise)
    if grey.shape == (SIDE, SIDE):
        # So small a picture holds one digit, in however many pieces noise has left it.
        pieces = [united(main)] if (main := main_pieces(pieces)) else []
    else:
        pieces = part_touching(join_broken(pieces, SMALLEST_DIGIT * max(work.shape)))
    order = reading_order(pieces)
    return [
        Digit(
            image=like_mnist(pieces[index], darkness),
            box=_box_in_picture(pieces[index], scale, grey.shape),
            row=row,
        )
        for index, row in order
    ]


def read_digit(path: Path) -> np.ndarray:
    """Read an image that is said to hold exactly one digit.

    An image of exactly 28 x 28 pixels with light ink on a clean dark ground, such as an image of
    MNIST itself, comes back unchanged; one with dark ink on a clean light ground is inverted.

    Args:
        path: An image file.

    Returns:
        (28, 28) uint8, bright ink on a dark ground.

    Raises:
        UserError: as `read_image`, or if the picture is blank.

    """
    image = one_digit(read_image(path))
    if image is None:
        raise UserError(f"{path.name}: expected one digit, found a blank picture; check the file")
    return image


def one_digit(grey: np.ndarray) -> np.ndarray | None:
    """The one digit of a (height, width) uint8 picture as (28, 28) uint8; None if it is blank."""
    _check(grey)
    ready = as_mnist(grey)
    if ready is not None:
        return ready if ready.any() else None
    work, _ = working_size(grey)
    darkness, noise = ink_darkness(work)
    pieces = main_pieces(find_pieces(darkness, noise))
    return like_mnist(united(pieces), darkness) if pieces else None


def as_mnist(grey: np.ndarray) -> np.ndarray | None:
    """The picture itself, or its negative, where it already has MNIST's form; else None.

    That form is 28 x 28 pixels, light ink near the middle and four dark corners of 4 x 4 pixels.
    In MNIST's 60,000 training images at most 6 of these 64 pixels are brighter than 10, where
    noise of a deviation above 15 makes at least 16 of them so; at most 4 pixels differ from all
    their neighbours by more than 80, and the ink falls into at most 7 parts, where salt and
    pepper make more of both.
    """
    if grey.shape != (SIDE, SIDE):
        return None
    if np.count_nonzero(_odd_pixels(grey, 80)) > MOST_ODD_PIXELS:
        return None
    for image in (grey, 255 - grey):
        corners = image[np.ix_([0, 1, 2, 3, 24, 25, 26, 27], [0, 1, 2, 3, 24, 25, 26, 27])]
        parts = cv2.connectedComponents((image > 127).astype(np.uint8))[0] - 1
        if np.count_nonzero(corners > 10) <= 12 and parts <= 8:
            moments = cv2.moments(image)
            if moments["m00"] == 0:
                return image
            middle = np.array([moments["m10"], moments["m01"]]) / moments["m00"]
            return image if np.abs(middle - CENTRE).max() <= 3 else None
    return None


def _check(grey: np.ndarray) -> None:
    if grey.ndim != 2 or grey.dtype != np.uint8 or grey.size == 0:
        raise UserError(
            f"expected a grey image as (height, width) uint8, received {grey.shape} {grey.dtype}"
        )


def _box_in_picture(piece: Piece, scale: float, shape: tuple[int, ...]) -> Box:
    left = min(max(int(piece.left / scale), 0), shape[1] - 1)
    top = min(max(int(piece.top / scale), 0), shape[0] - 1)
    right = min(max(int(np.ceil(piece.right / scale)), left + 1), shape[1])
    bottom = min(max(int(np.ceil(piece.bottom / scale)), top + 1), shape[0])
    return left, top, right - left, bottom - top


# The ground and the ink -------------------------------------------------------------------------


def working_size(grey: np.ndarray) -> tuple[np.ndarray, float]:
    """Bring a picture to a size at which strokes are neither lost nor slow to find.

    Returns:
        The (height, width) uint8 picture without noise of single pixels, and the factor by which
        its sides were multiplied.

    """
    long_side = max(grey.shape)
    low, high = WORKING_SIDES
    if long_side > high:
        scale = high / long_side
        sides = tuple(max(1, round(side * scale)) for side in grey.shape[::-1])
        return cv2.resize(grey, sides, interpolation=cv2.INTER_AREA), scale
    if grey.size <= SMALL_PIXELS:
        grey = without_noise(grey)
    if long_side < low:
        scale = float(np.ceil(low / long_side))
        return cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC), scale
    return grey, 1.0


def without_noise(grey: np.ndarray) -> np.ndarray:
    """Remove single odd pixels, then even noise, from a small (height, width) uint8 picture."""
    odd = _odd_pixels(grey, 40)
    if np.count_nonzero(odd) > MOST_ODD_PIXELS:
        odd |= _odd_pairs(grey, 40)
    if odd.any():
        grey = np.where(odd, cv2.medianBlur(grey, 3), grey)
    noise = noise_level(grey)
    if noise > 4:
        grey = cv2.fastNlMeansDenoising(
            grey, h=1.4 * noise, templateWindowSize=3, searchWindowSize=21
        )
    return grey


def _odd_pixels(grey: np.ndarray, by: int) -> np.ndarray:
    """Where a (height, width) uint8 picture differs from all eight neighbours by more than `by`."""
    ring = np.ones((3, 3), np.uint8)
    ring[1, 1] = 0
    brightest, darkest = cv2.dilate(grey, ring), cv2.erode(grey, ring)
    levels = grey.astype(np.int16)
    odd: np.ndarray = (levels > brightest.astype(np.int16) + by) | (
        levels < darkest.astype(np.int16) - by
    )
    return odd


def _odd_pairs(grey: np.ndarray, by: int) -> np.ndarray:
    """Where a picture is within `by` of at most one neighbour: salt and pepper in twos."""
    wide = np.pad(grey.astype(np.int16), 1, mode="edge")
    height, width = grey.shape
    alike = np.zeros(grey.shape, int)
    for y, x in ((0, 0), (0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1), (2, 2)):
        alike += np.abs(wide[y : y + height, x : x + width] - grey) <= by
    found: np.ndarray = alike <= 1
    return found


def noise_level(grey: np.ndarray) -> float:
    """Standard deviation of the noise of a (height, width) picture, in its grey levels.

    The filter is blind to slopes (J. Immerkaer, "Fast noise variance estimation", Computer
    Vision and Image Understanding 64, 1996); the median keeps the strokes out.
    """
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    response = np.abs(cv2.filter2D(grey.astype(np.float32), -1, kernel))
    return float(np.median(response[::2, ::2])) / 0.6745 / 6


def ink_darkness(work: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How much darker (or lighter, if the ink is light) than the ground each pixel is.

    Args:
        work: (height, width) uint8 at the working size.

    Returns:
        (height, width) float32 darkness, about 0 on the ground and up to 1, and the standard
        deviation of the ground's darkness around each pixel, in the same form.

    """
    if noise_level(work) > 1.5:
        work = cv2.GaussianBlur(work, (0, 0), 1.0)
    ground = even_ground(work)
    if ground is not None:
        light = _light_ink(work - ground)
        darkness = _share_taken(work, ground, light)
        spread = np.abs(darkness[np.abs(darkness) < 2 * FAINTEST_INK])
        return darkness, np.full_like(darkness, 1.4826 * np.median(spread) if spread.size else 0)
    light = _light_ink(work.astype(np.float32) - local_median(work))
    ground = 255 - uneven_ground(255 - work) if light else uneven_ground(work)
    darkness = _share_taken(work, ground, light)
    darkness -= _typical_nearby(darkness, closing_side(darkness.shape))
    return darkness, uneven_noise(darkness)


def _share_taken(work: np.ndarray, ground: np.ndarray, light: bool) -> np.ndarray:
    """The darkness of dark ink on (height, width) `ground`, or what answers to it for light ink."""
    if light:
        # The room above a bright ground is small: noise must not fill it.
        taken: np.ndarray = (work - ground) / np.maximum(255 - ground, 100)
    else:
        taken = (ground - work) / np.maximum(ground, 32)
    return taken.astype(np.float32, copy=False)


def even_ground(work: np.ndarray) -> np.ndarray | None:
    """The ground where it is flat or lit by one smooth slope; None where it is not.

    A surface of second degree is fitted to the majority of the pixels.  It holds under strokes
    of any width, which no local estimate does.  In a picture so small that strokes fill the
    closing's square it is the only choice.

    Returns:
        (height, width) float32 grey levels, or None.

    """
    small = cv2.resize(work, (48, 48), interpolation=cv2.INTER_AREA).astype(np.float32).ravel()
    terms = _second_degree(48, 48)
    level = np.full_like(small, np.median(small))
    for _ in range(8):
        off = np.abs(small - level)
        near = off <= max(2.5 * 1.4826 * float(np.median(off)), 2.0)
        factors = np.linalg.lstsq(terms[near], small[near], rcond=None)[0]
        level = terms @ factors
    ground = cv2.resize(level.reshape(48, 48), work.shape[::-1], interpolation=cv2.INTER_LINEAR)
    if max(work.shape) < SMALL_SIDE:
        return ground
    off = cv2.GaussianBlur(work - ground, (0, 0), 1.5)
    level_range = max(float(np.median(ground)), 255 - float(np.median(ground)))
    tolerance = float(np.clip(6 * np.median(np.abs(off[::2, ::2])), 4, max(4, 0.045 * level_range)))
    if np.mean(np.abs(off) <= tolerance) < 0.45:
        return None
    # Ink is clearly off the ground, on one side of it, and shadows come in over the border.
    sign = -1.0 if _light_ink(off) else 1.0
    ink = -sign * off
    peak = float(np.quantile(ink, 0.9995))
    if peak <= 2 * tolerance:
        return ground if np.mean(np.abs(off) > tolerance) < 0.02 else None
    strong = ink > max(peak / 2, tolerance)
    # What is neither, nor the blurred edge of ink, is a shadow.
    edges = cv2.dilate(strong.astype(np.uint8), np.ones((17, 17), np.uint8)).astype(bool)
    between = (np.abs(off) > tolerance) & ~edges
    if np.count_nonzero(between) > 0.02 * off.size:
        return None
    border = np.concatenate([strong[0], strong[-1], strong[:, 0], strong[:, -1]])
    return ground if border.mean() < 0.15 else None


def _second_degree(height: int, width: int) -> np.ndarray:
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    return (
        np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], -1).reshape(-1, 6).astype(np.float32)
    )


def local_median(work: np.ndarray) -> np.ndarray:
    """The ground as the median of wide neighbourhoods, whatever the ink's polarity."""
    scale = min(1.0, 320 / max(work.shape))
    small = cv2.resize(work, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    wide = max(3, min(small.shape) // 6) | 1
    return cv2.resize(cv2.medianBlur(small, wide), work.shape[::-1], interpolation=cv2.INTER_LINEAR)


def _light_ink(off: np.ndarray) -> bool:
    """Whether the strongest differences from the ground are upwards.

    Noise lies evenly on both sides and cancels out; the third power lets the ink outweigh it.
    """
    return float(np.sum(off * off * off, dtype=np.float64)) > 0


def uneven_ground(work: np.ndarray) -> np.ndarray:
    """The ground under dark strokes on unevenly lit paper.

    A closing fills everything that is narrower than its square, thus strokes, and keeps the
    edges of wide shadows where they are.

    Returns:
        (height, width) float32 grey levels.

    """
    # Noise would lift the closing to its crests, and the more in shadows.
    smooth = cv2.GaussianBlur(cv2.medianBlur(work, 5), (0, 0), 1.5)
    side = closing_side(work.shape)
    square = cv2.getStructuringElement(cv2.MORPH_RECT, (side, side))
    # Without a margin the square would not fit into the tip of a shadow at the border.
    wide = cv2.copyMakeBorder(smooth, side, side, side, side, cv2.BORDER_REPLICATE)
    closed = cv2.morphologyEx(wide, cv2.MORPH_CLOSE, square)
    return closed[side:-side, side:-side].astype(np.float32)


def closing_side(shape: tuple[int, ...]) -> int:
    """Side of the square that no stroke on a photographed page may hold."""
    return max(15, max(shape) // 14) | 1


def uneven_noise(darkness: np.ndarray) -> np.ndarray:
    """Standard deviation of the ground's darkness around each pixel: (height, width) float32.

    Noise is a larger share of dim light, hence not one figure for the page.
    """
    # The mean distance from 0 of a normal distribution is 0.798 deviations.
    wide = max(darkness.shape) // 4
    return _typical_nearby(np.minimum(np.abs(darkness), 2 * FAINTEST_INK), wide) / 0.798


def _typical_nearby(values: np.ndarray, side: int) -> np.ndarray:
    """Median of the local means of (height, width) values around 0, in squares of `side` pixels."""
    scale = min(1.0, 400 / max(values.shape))
    small = cv2.resize(values, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    levels = np.round(np.clip(small * 500 + 80, 0, 255)).astype(np.uint8)
    median = cv2.medianBlur(levels, max(3, round(side * scale)) | 1)
    typical = ((median.astype(np.float32) - 80) / 500).astype(np.float32)
    return cv2.resize(typical, values.shape[::-1], interpolation=cv2.INTER_LINEAR)


# Pieces of ink ----------------------------------------------------------------------------------


def find_pieces(darkness: np.ndarray, noise: np.ndarray) -> list[Piece]:
    """Threshold the darkness and keep the connected pieces that can be strokes.

    Args:
        darkness: (height, width) float32.
        noise: (height, width) float32, the standard deviation of the ground's darkness.

    Returns:
        The pieces in no particular order.  Specks are still among them where they are not much
        smaller than the digits: they may be parts of one.

    """
    faintest = FAINTEST_LINE if _is_clean(noise) else FAINTEST_INK
    least = np.maximum(faintest, NOISE_FACTOR * noise)
    candidates = darkness > least * 0.7
    if not candidates.any():
        return []
    if may_have_rules(candidates, noise):
        candidates = without_rules(candidates, darkness)
    pieces = [piece for piece in connected(candidates, darkness) if _is_stroke(piece, least)]
    if not pieces:
        return []
    level = ink_level(pieces)
    mask = np.zeros(darkness.shape, bool)
    for piece in pieces:
        if piece.strength >= 0.45 * level:
            # Half of its own ink: pencil and pen on one sheet, and no blur between neighbours.
            region = np.s_[piece.top : piece.bottom, piece.left : piece.right]
            own = np.maximum(0.42 * piece.strength, least[region] * 0.7)
            mask[region] |= piece.mask & (darkness[region] > own)
    return [piece for piece in connected(mask, darkness) if _is_stroke(piece, least)]


def _is_clean(noise: np.ndarray) -> bool:
    return float(noise[::8, ::8].mean()) < CLEAN_NOISE


def connected(mask: np.ndarray, darkness: np.ndarray) -> list[Piece]:
    """The connected parts of a mask, without single pixels."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(
        mask.astype(np.uint8), connectivity=8
    )
    pieces = []
    for label in range(1, count):
        left, top, width, height, area = map(int, stats[label])
        if area < 4 or max(width, height) < 3:
            continue
        region = np.s_[top : top + height, left : left + width]
        own = labels[region] == label
        strength = float(np.quantile(darkness[region][own], 0.85))
        pieces.append(Piece(left, top, own, strength))
    return pieces


def ink_level(pieces: list[Piece]) -> float:
    """The strength of the typical piece, each weighted by the light it takes, squared.

    Rules and stains may cover more of the page than the ink does, but are weaker.
    """
    return _weighted_median([p.strength for p in pieces], [p.area * p.strength**2 for p in pieces])


def _weighted_median(values: list[float], weights: list[float] | list[int]) -> float:
    order = np.argsort(values)
    total = np.cumsum(np.asarray(weights, float)[order])
    return float(values[order[int(np.searchsorted(total, total[-1] / 2))]])


def _is_stroke(piece: Piece, least: np.ndarray) -> bool:
    """Whether a piece is dark, long and thin enough for (a part of) a digit's stroke.

    `least` is the darkness from which ink is believed, (height, width) of the whole picture.
    """
    middle = piece.top + piece.height // 2, piece.left + piece.width // 2
    if piece.strength < least[middle] or piece.long_side < max(4, 0.004 * max(least.shape)):
        return False
    if _loops(piece) > MOST_LOOPS or _at_edge(piece, least.shape):
        return False
    return stroke_width(piece.mask) <= 0.22 * float(max(least.shape))


def _at_edge(piece: Piece, shape: tuple[int, ...]) -> bool:
    """Whether all of a piece lies along the picture's edge: a rule or a page's border cut off."""
    rim = 0.012 * max(shape)
    near, far = (piece.left, piece.top), (piece.right, piece.bottom)
    return any(
        b <= rim or a >= side - rim for a, b, side in zip(near, far, shape[::-1], strict=True)
    )


def _loops(piece: Piece) -> int:
    """How many holes a piece has, without those of a grainy pencil."""
    contours, levels = cv2.findContours(
        piece.mask.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE
    )
    if levels is None:
        return 0
    least = (0.05 * piece.long_side) ** 2
    # The last entry of a contour's level is its parent: only holes have one.
    return sum(
        cv2.contourArea(contour) > least
        for contour, level in zip(contours, levels[0], strict=True)
        if level[3] >= 0
    )


def stroke_width(mask: np.ndarray) -> float:
    """Mean width of the strokes in a (height, width) bool mask: twice the area by the outline."""
    outline = np.pad(mask, 1).astype(np.uint8)
    contours, _ = cv2.findContours(outline, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    length = sum(cv2.arcLength(contour, True) for contour in contours)
    # The outline runs through the centres of the outer pixels, half a pixel inside the edge.
    area = np.count_nonzero(mask)
    return max(2 * area / (length + 4), 1.0) if length else 1.0


def may_have_rules(mask: np.ndarray, noise: np.ndarray) -> bool:
    """Whether to look for rules: always on paper; on a clean canvas if there are long lines."""
    if not _is_clean(noise):
        return True
    stats = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)[2][1:]
    widths, heights = stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT]
    lines = np.maximum(widths, heights) > 0.4 * min(mask.shape)
    nets = (widths > 0.85 * mask.shape[1]) & (heights > 0.85 * mask.shape[0])
    return int(lines.sum()) >= 3 or bool(nets.any())


def without_rules(mask: np.ndarray, darkness: np.ndarray) -> np.ndarray:
    """Remove printed lines: three or more parallel ones, each across half of the page.

    Where a stroke crosses a rule it stays: it is longer across the rule than the rule is thick,
    or darker.
    """
    step = max(1, round(max(mask.shape) / 400))
    height, width = (side // step for side in mask.shape)
    if min(height, width) < 40:
        return mask
    # Means of whole blocks show a rule that the noise of single pixels breaks up.
    small = cv2.resize(darkness, (width, height), interpolation=cv2.INTER_AREA)
    small = small - cv2.blur(small, (15, 15))
    noise = 1.4826 * float(np.median(np.abs(small)))
    small = (small > max(2 * noise, FAINTEST_INK / 8)).astype(np.uint8)
    kept = mask
    for upright in (False, True):
        zone = _rule_zone(small.T if upright else small)
        if zone is None:
            continue
        zone = np.ascontiguousarray(zone.T if upright else zone)
        zone = cv2.resize(zone, mask.shape[::-1], interpolation=cv2.INTER_NEAREST)
        zone = cv2.dilate(zone, np.ones((2 * step + 1, 2 * step + 1), np.uint8)).astype(bool)
        kept = kept & ~_rule_pixels(mask, darkness, zone, upright)
    return kept


def _rule_zone(small: np.ndarray) -> np.ndarray | None:
    """Where nearly horizontal rules run in a small (height, width) uint8 mask of 0 and 1."""
    height, width = small.shape
    small = np.ascontiguousarray(small)
    # A rule is thin; this also takes out most strokes and the rules that run across.
    strokes = cv2.morphologyEx(small, cv2.MORPH_OPEN, np.ones((5, 1), np.uint8))
    small = cv2.bitwise_and(small, 1 - np.asarray(strokes))
    thick = cv2.dilate(small, np.ones((3, 1), np.uint8)) * np.uint8(100)
    run = np.ones((1, max(9, round(width * 0.08)) | 1), np.uint8)
    margin = round(width * 0.16)
    frame = (width, height + 2 * margin)
    lines = np.zeros_like(small)
    for slope in np.tan(np.deg2rad(np.arange(-16, 16.1, 1.0))):
        # Level the slope: then a rule is a long row, even if noise has broken it.
        level = np.array([[1, 0, 0], [-slope, 1, slope * width / 2 + margin]], np.float32)
        levelled = cv2.warpAffine(thick, level, frame, flags=cv2.INTER_NEAREST)
        full = (cv2.blur(levelled, run.shape[::-1]) >= 68).astype(np.uint8)
        back = cv2.warpAffine(
            cv2.dilate(full, run),
            level,
            (width, height),
            flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP,
        )
        lines = cv2.bitwise_or(lines, cv2.bitwise_and(back, small))
    lines = cv2.dilate(lines, np.ones((3, 1), np.uint8))
    across = np.deg2rad(73), np.deg2rad(107)
    found = cv2.HoughLinesWithAccumulator(
        lines, 1, np.pi / 360, int(0.2 * width), min_theta=across[0], max_theta=across[1]
    )
    if found is None:
        return None
    rho, theta, votes = found.reshape(-1, 3).T
    near = np.abs(theta - np.median(theta[:60])) < np.deg2rad(3)
    # Where each line meets the left and the right border, the best supported line first.
    ends = (rho / np.sin(theta))[:, np.newaxis] - np.outer(1 / np.tan(theta), [0, width - 1])
    ends, votes = ends[near], votes[near]
    zone, count = np.zeros_like(small), 0
    while len(ends):
        left, right = ends[0]
        cv2.line(zone, (0, round(float(left))), (width - 1, round(float(right))), 1, 3)
        count += int(votes[0] > 0.45 * width)
        other = np.abs(ends - ends[0]).max(1) > 5
        ends, votes = ends[other], votes[other]
    return zone if count >= 3 else None


def _rule_pixels(
    mask: np.ndarray, darkness: np.ndarray, zone: np.ndarray, upright: bool
) -> np.ndarray:
    """The pixels of `mask` inside `zone` that are rule and not stroke."""
    inside: np.ndarray = mask & zone
    if not inside.any():
        return inside
    level = float(np.median(darkness[inside]))
    # The run across the rule: an opening of length n keeps runs of n and more.
    thickness = _typical_run(mask if not upright else mask.T, inside if not upright else inside.T)
    longer = 2 * thickness + 2
    kernel = np.ones((1, longer) if upright else (longer, 1), np.uint8)
    crossing = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, kernel).astype(bool)
    rule: np.ndarray = inside & ~crossing & (darkness < 1.7 * level)
    return rule


def _typical_run(mask: np.ndarray, inside: np.ndarray) -> int:
    """Median length of the vertical runs of `mask` that lie in `inside`."""
    padded = np.pad(mask & inside, ((1, 1), (0, 0))).astype(np.int8)
    edges = np.diff(padded, axis=0)
    starts, ends = np.nonzero(edges.T == 1), np.nonzero(edges.T == -1)
    runs = ends[1] - starts[1]
    return int(np.median(runs)) if runs.size else 1


# From pieces to digits --------------------------------------------------------------------------


def digit_height(pieces: list[Piece]) -> float:
    """The typical long side of a digit: the median, weighted so that specks do not count."""
    sides = [float(p.long_side) for p in pieces]
    return _weighted_median(sides, [side**2 for side in sides])


def join_broken(pieces: list[Piece], smallest: float = 0.0) -> list[Piece]:
    """Join the pieces of one digit, such as a 5 with a detached bar, and drop the specks left.

    What is then shorter than `smallest` pixels, or than a good part of the typical digit, is no
    digit.
    """
    if not pieces:
        return []
    typical = digit_height(pieces)
    pieces = sorted(pieces, key=lambda p: -p.long_side)[:MOST_PIECES]
    alive = {i: p for i, p in enumerate(pieces) if p.long_side >= 0.08 * typical}
    queue: list[tuple[float, int, int]] = []
    for i in alive:
        queue += _joins(i, {j: p for j, p in alive.items() if j >= i}, typical)
    heapq.heapify(queue)
    while queue:
        _, i, j = heapq.heappop(queue)
        if i in alive and j in alive:
            number = max(alive) + 1
            alive[number] = united([alive.pop(i), alive.pop(j)])
            for join in _joins(number, alive, typical):
                heapq.heappush(queue, join)
    return [p for p in alive.values() if _is_digit_size(p, typical) and p.long_side >= smallest]


def _is_digit_size(piece: Piece, typical: float) -> bool:
    if piece.long_side < 0.4 * typical or piece.height < 0.3 * typical:
        return False
    # A dot is as long as it is wide; the shortest 1 is longer.
    return piece.long_side >= 1.8 * stroke_width(piece.mask)


def _joins(number: int, pieces: dict[int, Piece], typical: float) -> list[tuple[float, int, int]]:
    """The joins that piece `number` may make, each as the gap and the two numbers."""
    one = pieces[number]
    gaps = {
        j: _joining_gap(one, other, typical)
        for j, other in pieces.items()
        if j != number and _box_gap(one, other) <= 0.35 * typical
    }
    return [(gap, number, j) for j, gap in gaps.items() if gap is not None]


def _joining_gap(one: Piece, other: Piece, typical: float) -> float | None:
    """The distance between two pieces of one digit; None if they are not of one digit."""
    small, large = sorted((one, other), key=lambda p: p.long_side)
    height = max(one.bottom, other.bottom) - min(one.top, other.top)
    width = max(one.right, other.right) - min(one.left, other.left)
    scale = max(typical * 0.8, large.long_side)
    if max(height, width) > 1.35 * scale or large.long_side > 2.2 * typical:
        return None
    shared = min(one.right, other.right) - max(one.left, other.left)
    overlap = shared / min(one.width, other.width)
    if small.long_side < 0.5 * scale or min(one.height, other.height) < 0.3 * scale:
        reach = 0.3 * scale if overlap > 0.5 else 0.12 * scale
    elif overlap > 0.6:
        reach = 0.2 * scale
    else:
        return None
    gap = _ink_gap(one, other, reach)
    return gap if gap <= reach else None


def _box_gap(one: Piece, other: Piece) -> float:
    x = max(one.left, other.left) - min(one.right, other.right)
    y = max(one.top, other.top) - min(one.bottom, other.bottom)
    return float(max(x, y, 0))


def _ink_gap(one: Piece, other: Piece, reach: float) -> float:
    """Shortest distance between the ink of two pieces; more than `reach` where it is larger."""
    small, large = sorted((one, other), key=lambda p: p.long_side)
    margin = int(reach) + 2
    away = np.ones((small.height + 2 * margin, small.width + 2 * margin), np.uint8)
    top, left = small.top - margin, small.left - margin
    inner = large.mask[
        max(0, top - large.top) : max(0, small.bottom + margin - large.top),
        max(0, left - large.left) : max(0, small.right + margin - large.left),
    ]
    y, x = max(0, large.top - top), max(0, large.left - left)
    away[y : y + inner.shape[0], x : x + inner.shape[1]][inner] = 0
    if away.all():
        return reach + 1
    distance = cv2.distanceTransform(away, cv2.DIST_L2, 3)
    return float(distance[margin:-margin, margin:-margin][small.mask].min())


def united(pieces: list[Piece]) -> Piece:
    """Several pieces as one."""
    left, top = min(p.left for p in pieces), min(p.top for p in pieces)
    right, bottom = max(p.right for p in pieces), max(p.bottom for p in pieces)
    mask = np.zeros((bottom - top, right - left), bool)
    for p in pieces:
        mask[p.top - top : p.bottom - top, p.left - left : p.right - left] |= p.mask
    return Piece(left, top, mask, max(p.strength for p in pieces))


def main_pieces(pieces: list[Piece]) -> list[Piece]:
    """The pieces of a picture of one digit: all but the specks."""
    if not pieces:
        return []
    large = max(p.long_side for p in pieces)
    area = max(p.area for p in pieces)
    return [p for p in pieces if p.long_side >= 0.12 * large and p.area >= 0.05 * area]


def part_touching(pieces: list[Piece]) -> list[Piece]:
    """Cut the pieces that are wider than a digit is."""
    parted: list[Piece] = []
    waiting = list(pieces)
    typical = float(np.median([p.height for p in pieces])) if pieces else 0.0
    while waiting:
        piece = waiting.pop()
        halves = _cut(piece) if piece.height >= 0.65 * typical else None
        if halves:
            waiting += halves
        else:
            parted.append(piece)
    return parted


PAIR_ASPECTS = (1.0, 1.2, 1.3, 1.45, 1.6, 2.0)
CUT_LENGTHS = (0.65, 0.8, 0.95, 1.1, 1.3, 2.5)
HALF_HEIGHTS = (0.8, 0.75, 0.7, 0.7, 0.65, 0.65)
"""A piece so many times wider than high is two digits if a cut through no more ink than so many
strokes leaves halves of at least so much of its height.  Measured on 2,500 single digits of
MNIST, turned by up to 15 degrees, of which 0.5% are cut, and on 500 touching pairs, of which 60%
are; 1 digit in 30 was taken to touch the next."""


def _cut(piece: Piece) -> tuple[Piece, Piece] | None:
    """Cut along the path downwards that crosses the least ink, if that gives two digits."""
    aspect = piece.width / piece.height
    if aspect < PAIR_ASPECTS[0] or piece.height < 8:
        return None
    mask = piece.mask
    if stroke_width(mask) < 0.07 * piece.height:
        # The limits hold for strokes as wide as MNIST's.
        side = round(0.08 * piece.height) | 1
        mask = cv2.dilate(mask.astype(np.uint8), np.ones((side, side), np.uint8)).astype(bool)
    pen = stroke_width(mask)
    allowed = pen * float(np.interp(aspect, PAIR_ASPECTS, CUT_LENGTHS))
    least = piece.height * float(np.interp(aspect, PAIR_ASPECTS, HALF_HEIGHTS))
    best: tuple[float, Piece, Piece] | None = None
    centres = np.linspace(0.22, 0.78, 9) * piece.width
    for path, crossed in _cheapest_paths(mask, centres, 0.12 * piece.width):
        if crossed > allowed:
            continue
        left_of = np.arange(piece.width)[np.newaxis] < path[:, np.newaxis]
        halves = [_cropped(piece, piece.mask & left_of), _cropped(piece, piece.mask & ~left_of)]
        first, second = halves
        if first is None or second is None or min(first.height, second.height) < least:
            continue
        # Among cheap cuts the one that gives two digits of like size.
        price = crossed + 0.5 * pen * abs(first.width - second.width) / piece.width
        if best is None or price < best[0]:
            best = price, first, second
    return best and best[1:]


def _cheapest_paths(
    mask: np.ndarray, centres: np.ndarray, reach: float
) -> list[tuple[np.ndarray, float]]:
    """The paths from top to bottom, one column a row, that cross the least ink.

    Args:
        mask: (height, width) bool.
        centres: (n,) columns; one path is looked for around each.
        reach: How far a path may lie to either side.

    Returns:
        For each centre (height,) int columns, and how many pixels of ink lie on the path.

    """
    height, width = mask.shape
    # The paths need no more detail than this, and each row costs a step of the loop.
    rows = min(height, 64)
    scale = rows / height
    columns = max(3, round(width * scale))
    ink = cv2.resize(mask.astype(np.float32), (columns, rows), interpolation=cv2.INTER_AREA)
    wide = min(columns - 2, int(2 * reach * scale) + 1)
    firsts = np.clip(((centres - reach) * scale).astype(int), 1, columns - 1 - wide)
    # (n, rows, wide + 2): one band for each centre, between walls that no path can cross.
    bands = np.full((len(firsts), rows, wide + 2), np.inf, np.float32)
    for band, first in zip(bands, firsts, strict=True):
        band[:, 1:-1] = ink[:, first : first + wide]
    total, steps = bands.copy(), np.zeros((len(firsts), rows, wide), int)
    for row in range(1, rows):
        above = total[:, row - 1]
        # A sideways step costs a little, so that a path is straight where nothing is gained.
        left, right = above[:, :-2] + 0.05, above[:, 2:] + 0.05
        best = np.minimum(np.minimum(left, right), above[:, 1:-1])
        steps[:, row] = np.where(above[:, 1:-1] <= best, 0, np.where(left <= best, -1, 1))
        total[:, row, 1:-1] += best
    number = np.arange(len(firsts))
    paths = np.zeros((rows, len(firsts)), int)
    paths[-1] = total[:, -1, 1:-1].argmin(1)
    for row in range(rows - 1, 0, -1):
        paths[row - 1] = paths[row] + steps[number, row, paths[row]]
    crossed = bands[number, np.arange(rows)[:, np.newaxis], paths + 1].sum(0) / scale
    places = (np.arange(rows) + 0.5) / scale
    full = [np.interp(np.arange(height), places, path) for path in (paths + firsts).T]
    return [
        (np.round((path + 0.5) / scale).astype(int), float(ink_cut))
        for path, ink_cut in zip(full, crossed, strict=True)
    ]


def _cropped(piece: Piece, mask: np.ndarray) -> Piece | None:
    """The part of a piece that `mask`, of the same size as the piece's own, covers."""
    left, top, width, height = cv2.boundingRect(mask.astype(np.uint8))
    if width == 0:
        return None
    return Piece(
        piece.left + left,
        piece.top + top,
        mask[top : top + height, left : left + width],
        piece.strength,
    )


# Reading order ----------------------------------------------------------------------------------


def reading_order(pieces: list[Piece]) -> list[tuple[int, int]]:
    """Order pieces by rows from the top, then from left to right, on a page that may be turned.

    Returns:
        For each place in the order: the index of the piece, and its row.

    """
    if not pieces:
        return []
    middles = np.array([[p.left + p.width / 2, p.top + p.height / 2] for p in pieces])
    heights = np.array([float(p.height) for p in pieces])
    turn = page_angle(middles, heights)
    along = middles @ [np.cos(turn), np.sin(turn)]
    down = middles @ [-np.sin(turn), np.cos(turn)]
    rows = _rows(down, heights)
    return [(int(i), int(rows[i])) for i in np.lexsort((along, rows))]


def page_angle(middles: np.ndarray, heights: np.ndarray) -> float:
    """The angle in radians, up to 20 degrees, at which the digits fall into the clearest rows.

    Args:
        middles: (n, 2) x and y of the digits' centres.
        heights: (n,) their heights.

    """
    # Few digits can be lined up at any angle: then only a small one is believed.
    most = float(np.interp(len(heights), [2, 6], [8, 20]))
    best = (np.inf, 0.0)
    for degrees in np.arange(-most, most + 0.1, 0.5):
        turn = np.deg2rad(degrees)
        down = middles @ [-np.sin(turn), np.cos(turn)]
        covered = sum(bottom - top for top, bottom in _bands(down, heights)) / heights.mean()
        best = min(best, (covered + 0.01 * abs(degrees), turn))
    return best[1]


def _bands(down: np.ndarray, heights: np.ndarray) -> list[tuple[float, float]]:
    """The union of the middle parts of the digits on the axis across the rows."""
    bands: list[tuple[float, float]] = []
    for i in np.argsort(down - 0.25 * heights):
        top, bottom = down[i] - 0.25 * heights[i], down[i] + 0.25 * heights[i]
        if bands and top <= bands[-1][1]:
            bands[-1] = bands[-1][0], max(bands[-1][1], bottom)
        else:
            bands.append((top, bottom))
    return bands


def _rows(down: np.ndarray, heights: np.ndarray) -> np.ndarray:
    """(n,) int: the row of each digit."""
    tops = np.array([top for top, _ in _bands(down, heights)])
    return np.searchsorted(tops, down, side="right") - 1


# As in MNIST ------------------------------------------------------------------------------------

FINE = 8
"""Pixels of the fine image in which strokes get their width, per pixel of the result."""


def like_mnist(piece: Piece, darkness: np.ndarray) -> np.ndarray:
    """Make of one digit an image as in MNIST.

    Args:
        piece: The digit's ink.
        darkness: (height, width) float32 of the whole picture.

    Returns:
        (28, 28) uint8, bright ink on a dark ground.

    """
    fine = fine_mask(piece, darkness)
    fine = with_stroke_width(fine)
    return centred(fitted(fine))


def fine_mask(piece: Piece, darkness: np.ndarray) -> np.ndarray:
    """The digit's ink with smooth edges and its long side at about `BOX` x `FINE` pixels.

    Returns:
        (height, width) float32 in 0..1 with a margin around the ink; ink is above 0.5.

    """
    margin = 3
    region = np.s_[piece.top : piece.bottom, piece.left : piece.right]
    own = np.pad(piece.mask, margin).astype(np.uint8)
    soft = np.pad(darkness[region], margin, mode="edge") / max(piece.strength, 1e-3)
    # Its own pixels and their rim, where the ink fades; not the neighbours' ink.
    near = cv2.dilate(own, np.ones((3, 3), np.uint8))
    soft = np.clip(np.where(own > 0, np.maximum(soft, 0.5), np.minimum(soft, 0.5) * near), 0, 1)
    scale = BOX * FINE / piece.long_side
    if scale >= 1:
        return cv2.resize(soft, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    return own.astype(np.float32)


def with_stroke_width(fine: np.ndarray) -> np.ndarray:
    """Widen thin strokes and narrow thick ones, to `STROKE_RANGE` once the digit is fitted.

    Args:
        fine: (height, width) float32; ink is above 0.5.

    Returns:
        (height, width) bool, cropped to the ink.

    """
    ink = _crop(fine > 0.5)
    for _ in range(3):
        # Widening also enlarges the digit, hence a second look.
        unit = max(ink.shape) / BOX
        width = stroke_width(ink)
        wanted = float(np.clip(width / unit, *STROKE_RANGE)) * unit
        change = (wanted - width) / 2
        if abs(change) < 0.25:
            break
        ink = _crop(_grown(ink, change))
    return ink


def _grown(ink: np.ndarray, by: float) -> np.ndarray:
    """Move the outline of a bool mask outwards by some pixels, or inwards if negative."""
    if by > 0:
        room = int(np.ceil(by)) + 1
        ink = np.pad(ink, room)
        outside = cv2.distanceTransform((~ink).astype(np.uint8), cv2.DIST_L2, 5)
        return outside <= by
    padded = np.pad(ink, 1).astype(np.uint8)
    inside = cv2.distanceTransform(padded, cv2.DIST_L2, 5)[1:-1, 1:-1]
    # The ridge stays, so that the thin parts of an uneven stroke do not break.
    ridge = (inside >= cv2.dilate(inside, np.ones((3, 3), np.uint8)) - 1e-3) & ink
    thinner = inside > -by
    spine = cv2.dilate(ridge.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool) & ink
    narrowed: np.ndarray = thinner | spine
    return narrowed


def _crop(mask: np.ndarray) -> np.ndarray:
    left, top, width, height = cv2.boundingRect(mask.astype(np.uint8))
    return mask[top : top + max(height, 1), left : left + max(width, 1)]


def fitted(ink: np.ndarray) -> np.ndarray:
    """Fit a bool mask into 20 x 20 with its aspect kept; each pixel is the share that ink covers.

    Returns:
        (height, width) float32 in 0..255, the longer side 20.

    """
    height, width = ink.shape
    scale = BOX / max(height, width)
    sides = max(1, round(width * scale)), max(1, round(height * scale))
    return cv2.resize(ink.astype(np.float32) * 255, sides, interpolation=cv2.INTER_AREA)


def centred(digit: np.ndarray) -> np.ndarray:
    """Lay a digit of at most 20 x 20 pixels into 28 x 28, its centre of mass in the middle.

    Whole pixels, as in MNIST, so that edges stay as they are.
    """
    image = np.zeros((SIDE, SIDE), np.uint8)
    mass = float(digit.sum())
    if mass == 0:
        return image
    height, width = digit.shape
    # Not cv2.moments: it takes an array two pixels wide for a list of points.
    middle = digit.sum(1) @ np.arange(height) / mass, digit.sum(0) @ np.arange(width) / mass
    top = int(np.clip(round(CENTRE - middle[0]), 0, SIDE - height))
    left = int(np.clip(round(CENTRE - middle[1]), 0, SIDE - width))
    image[top : top + height, left : left + width] = np.round(digit).clip(0, 255).astype(np.uint8)
    return image
