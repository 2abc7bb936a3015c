"""The parts of an image file that its decoder has to see.

A file of few bytes can hold millions of chunks, blocks or tags, or announce a picture of any size,
and decoders read all of it.  So each file is walked here first, its parts are counted, and what
does not show its first picture (text, profiles, previews, further frames) is left out.
"""

import re
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from digits.scan.single import tiff
from digits.scan.single.tiff import TooMuchError

MOST_PARTS = 20_000
"""Chunks of a PNG or WebP file, segments of a JPEG, extensions of a GIF."""
MOST_BLOCKS = 200_000
"""Blocks of at most 255 bytes of data in a GIF up to the end of its first frame."""
MOST_SCANS = 50
"""Of a JPEG file: each goes over the whole picture.  Progressive ones have about ten."""
MOST_SLOW_BYTES = 1 << 19
"""Of what Pillow decodes byte by byte in Python: run lengths in BMP, numbers as text in PNM."""
MOST_HEAD_BYTES = 1 << 12
"""Of a PNM file up to its pixels, comments included."""


@dataclass(frozen=True)
class Container:
    """An image file, reduced to its first picture."""

    format: str
    """Pillow's name of it."""
    data: bytes
    width: int
    height: int
    """In pixels, as they are stored: before EXIF's rotation."""
    depth: int
    """Bytes of a decoded pixel."""
    orientation: int = 1
    """The value of EXIF's Orientation tag."""


def reduced(data: bytes) -> Container | None:
    """Reduce an image file to what shows its first picture; None if it has no known format.

    Raises:
        TooMuchError: if a part occurs more often than in any picture.
        ValueError, struct.error: if the file is damaged.

    """
    for begins, reduce in FORMATS.items():
        if begins.match(data):
            return reduce(data)
    return None


PNG_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Of each type of colour."""


def _png(data: bytes) -> Container:
    """PNG chunks: length, type, data, CRC (W3C, "Portable Network Graphics", third edition)."""
    kept: dict[bytes, bytes] = {}
    pixels = []
    at = 8
    for _ in range(MOST_PARTS):
        if at + 8 > len(data):
            break
        length, kind = struct.unpack_from(">I4s", data, at)
        end = at + length + 12
        if kind == b"IDAT":
            pixels.append(data[at + 8 : end - 4])
        elif kind in (b"IHDR", b"PLTE", b"tRNS", b"eXIf"):
            kept.setdefault(kind, data[at:end])
        elif kind == b"IEND":
            break
        at = end
    else:
        raise _too_many("chunks")
    width, height, bits, colour = struct.unpack_from(">IIBB", kept.get(b"IHDR", b""), 8)
    depth = PNG_CHANNELS.get(colour, 4) * max(1, bits // 8)
    exif = kept.pop(b"eXIf", b"")[8:-4]
    stream = b"".join(pixels)
    chunks = [*kept.values(), _chunk(b"IDAT", stream), _chunk(b"IEND", b"")]
    orientation = tiff.orientation(_after_mark(exif))
    return Container("PNG", data[:8] + b"".join(chunks), width, height, depth, orientation)


def _chunk(kind: bytes, content: bytes) -> bytes:
    check = zlib.crc32(content, zlib.crc32(kind))
    return struct.pack(">I4s", len(content), kind) + content + struct.pack(">I", check)


EXIF_MARK = b"Exif\0\0"


def _after_mark(exif: bytes) -> bytes:
    """EXIF data without the mark of JPEG's, which some writers leave before them elsewhere."""
    return exif.removeprefix(EXIF_MARK)


JPEG_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
"""Any but restarts, and FF 00, which stands for FF among coded pixels."""
JPEG_SIZES = {0xC0, 0xC1, 0xC2}
"""Start of a frame: baseline, extended, progressive."""
JPEG_OTHERS = {0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF}
"""Lossless, differential and arithmetic coding: no camera writes them."""
JPEG_TABLES = {0xC4, 0xDB, 0xDD}
JPEG_SETTINGS = {0xE0, 0xEE}
"""JFIF and Adobe: how colours are stored."""
JPEG_SCAN, JPEG_END, JPEG_EXIF = 0xDA, 0xD9, 0xE1


def _jpeg(data: bytes) -> Container:
    """JPEG segments: marker, length, data; coded pixels after each start of scan (ITU-T T.81)."""
    kept = [data[:2]]
    settings: set[int] = set()
    exif, size, scans, at = b"", (0, 0, 0), 0, 2
    for _ in range(MOST_PARTS):
        found = JPEG_MARKER.search(data, at)
        if scans:
            kept.append(data[at : found.start() if found else len(data)])
        if not found:
            break
        marker = found[0][1]
        if marker == JPEG_END:
            kept.append(found[0])
            break
        if marker in (0x01, 0xD8):  # these two have no length
            at = found.end()
            continue
        (length,) = struct.unpack_from(">H", data, found.end())
        at = found.end() + length
        segment = data[found.start() : at]
        if marker in JPEG_OTHERS:
            raise ValueError("an unusual coding")
        if marker in JPEG_SIZES:
            size = struct.unpack_from(">HHB", segment, 5)
        elif marker == JPEG_EXIF and segment[4:10] == EXIF_MARK:
            exif = exif or segment[10:]
        elif marker in JPEG_SETTINGS and marker not in settings:
            settings.add(marker)
            kept.append(segment)
        scans += marker == JPEG_SCAN
        if marker in JPEG_SIZES | JPEG_TABLES | {JPEG_SCAN}:
            kept.append(segment)
    else:
        raise _too_many("segments")
    if scans > MOST_SCANS:
        raise TooMuchError(f"expected at most {MOST_SCANS} scans, received {scans}")
    height, width, depth = size
    return Container("JPEG", b"".join(kept), width, height, depth, tiff.orientation(exif))


GIF_BLOCK = re.compile(rb"[!,;]")
"""What begins an extension, an image and the file's end."""
GIF_CONTROL = 0xF9


def _gif(data: bytes) -> Container:
    """GIF blocks up to the first image (CompuServe, "Graphics Interchange Format", 89a)."""
    width, height, packed = struct.unpack_from("<HHB", data, 6)
    at = 13 + _gif_colours(packed)
    head, control = data[:at], b""
    blocks = 0
    for _ in range(MOST_PARTS):
        found = GIF_BLOCK.search(data, at)
        if not found or found[0] == b";":
            raise ValueError("no image")
        begin, at = found.start(), found.end()
        if found[0] == b",":
            left, top, wide, high, packed = struct.unpack_from("<HHHHB", data, at)
            at += 9 + _gif_colours(packed) + 1
        else:
            at += 1
        while at < len(data) and data[at]:
            at += data[at] + 1
            blocks += 1
            if blocks > MOST_BLOCKS:
                raise _too_many("blocks", MOST_BLOCKS)
        at += 1
        if found[0] == b",":
            picture = head + control + data[begin:at] + b";"
            return Container("GIF", picture, max(width, left + wide), max(height, top + high), 1)
        if data[begin + 1 : begin + 2] == bytes([GIF_CONTROL]):
            control = data[begin:at]
    raise _too_many("extensions")


def _gif_colours(packed: int) -> int:
    """Bytes of the table of colours that such flags announce."""
    return 3 << ((packed & 7) + 1) if packed & 0x80 else 0


WEBP_SHOWN = {b"VP8 ", b"VP8L", b"ALPH", b"ANIM"}
WEBP_FLAGS = 0b010010
"""Of what is left of a file: that it has frames, and transparency."""


WEBP_DEPTH = 6
"""4 bytes; as slow to decode as half as many again."""


def _webp(data: bytes) -> Container:
    """WebP chunks: type, length, data (RFC 9649)."""
    kept: dict[bytes, bytes] = {}
    size, exif, at = (0, 0), b"", 12
    for _ in range(MOST_PARTS):
        if at + 8 > len(data):
            break
        kind, length = struct.unpack_from("<4sI", data, at)
        end = at + 8 + length + length % 2
        content = data[at + 8 : at + 8 + length]
        if kind == b"VP8X":
            extended = bytearray(data[at:end])
            extended[8] &= WEBP_FLAGS
            kept.setdefault(kind, bytes(extended))
            size = size if any(size) else _webp_canvas(content)
        elif kind in WEBP_SHOWN or kind == b"ANMF":
            kept.setdefault(kind, data[at:end])
            if kind in (b"VP8 ", b"VP8L") and not any(size):
                size = _webp_size(kind, content)
        elif kind == b"EXIF":
            exif = exif or content
        at = end
    else:
        raise _too_many("chunks")
    body = b"WEBP" + b"".join(kept.values())
    return Container(
        "WEBP",
        b"RIFF" + struct.pack("<I", len(body)) + body,
        *size,
        WEBP_DEPTH,
        tiff.orientation(_after_mark(exif)),
    )


def _webp_canvas(content: bytes) -> tuple[int, int]:
    """Width and height in the header of an extended file: 24 bits each, less 1."""
    width, height = (int.from_bytes(content[at : at + 3], "little") for at in (4, 7))
    return width + 1, height + 1


def _webp_size(kind: bytes, content: bytes) -> tuple[int, int]:
    """Width and height in the header of a picture: 14 bits each, in lossless ones less 1."""
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", content, 6)
        return width & 0x3FFF, height & 0x3FFF
    (bits,) = struct.unpack_from("<I", content, 1)
    return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1


def _bmp(data: bytes) -> Container:
    """BMP's headers (Microsoft, "Bitmap Storage")."""
    (header,) = struct.unpack_from("<I", data, 14)
    if header == 12:
        width, height = struct.unpack_from("<HH", data, 18)
        return Container("BMP", data, width, height, 3)
    width, height, _, bits, coding = struct.unpack_from("<iiHHI", data, 18)
    if coding in (1, 2) and len(data) > MOST_SLOW_BYTES:
        raise TooMuchError(
            f"expected at most {MOST_SLOW_BYTES >> 10} KiB of run lengths, received "
            f"{len(data) >> 10:,}"
        )
    return Container("BMP", data, abs(width), abs(height), max(1, bits // 8))


PNM_TOKEN = re.compile(rb"(?:\s|#[^\r\n]*[\r\n])*([^\s#]{1,20})")
PNM_COMMENT = re.compile(rb"#[^\r\n]*")


def _pnm(data: bytes) -> Container:
    """Portable any-map: a header of numbers and comments, one white space, pixels (netpbm)."""
    kind, head, at = data[:2], data[:MOST_HEAD_BYTES], 2
    tokens = []
    for _ in range(2 if kind in (b"P1", b"P4") else 3):
        found = PNM_TOKEN.match(head, at)
        if not found:
            raise TooMuchError(f"expected a header of at most {MOST_HEAD_BYTES} bytes")
        tokens.append(found[1])
        at = found.end()
    width, height = int(tokens[0]), int(tokens[1])
    pixels = data[at + 1 :]
    if kind in (b"P1", b"P2", b"P3"):
        if len(pixels) > MOST_SLOW_BYTES:
            raise TooMuchError(
                f"expected at most {MOST_SLOW_BYTES >> 10} KiB of pixels as text, received "
                f"{len(pixels) >> 10:,}"
            )
        pixels = PNM_COMMENT.sub(b"", pixels)
    elif kind in (b"P5", b"P6"):
        pixels, tokens[2] = _pnm_levels(kind, pixels, int(tokens[2]))
    header = b"\n".join([kind, *tokens])
    depth = {b"P3": 3, b"P6": 3, b"P5": 4, b"Pf": 4}.get(kind, 1)
    return Container("PPM", header + b"\n" + pixels, width, height, depth)


def _pnm_levels(kind: bytes, pixels: bytes, white: int) -> tuple[bytes, bytes]:
    """Levels whose white is 255, or 65535 in grey: others Pillow scales one by one in Python."""
    if not 0 < white < 1 << 16:
        raise ValueError("no white")
    if white == 255 or (kind == b"P5" and white == 65535):
        return pixels, str(white).encode()
    if white > 255:
        levels = np.frombuffer(pixels[: len(pixels) & ~1], ">u2")
    else:
        levels = np.frombuffer(pixels, np.uint8)
    table = np.minimum(np.round(np.arange(1 << 16) * (255 / white)), 255).astype(np.uint8)
    return table[levels].tobytes(), b"255"


def _tiff(data: bytes) -> Container:
    page = tiff.first_page(data)
    return Container("TIFF", page.data, page.width, page.height, page.depth, tiff.orientation(data))


FORMATS: dict[re.Pattern[bytes], Callable[[bytes], Container]] = {
    re.compile(rb"\x89PNG\r\n\x1a\n"): _png,
    re.compile(rb"\xff\xd8\xff"): _jpeg,
    re.compile(rb"GIF8[79]a"): _gif,
    re.compile(rb"RIFF....WEBP", re.DOTALL): _webp,
    re.compile(rb"BM"): _bmp,
    re.compile(rb"P([1-6]|f)[\s#]"): _pnm,
    re.compile(rb"II[*+]\0|MM\0[*+]"): _tiff,
}
"""How each format begins, and how it is reduced."""


def _too_many(parts: str, most: int = MOST_PARTS) -> TooMuchError:
    return TooMuchError(f"expected at most {most:,} {parts}, received more")
