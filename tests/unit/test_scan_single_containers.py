"""Files that are small or short and cost much: their parts are counted before they are decoded."""

import contextlib
import functools
import struct
import time
import zlib
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from PIL import Image

from digits.core.errors import UserError
from digits.scan.single.containers import reduced
from digits.scan.single.decode import MAX_BYTES, MAX_PIXELS, TooLargeError, open_image, read_image
from tests.unit.pictures import encoded, page

GREY = Image.fromarray(page([[3, 5]]))
SIDE = int(MAX_PIXELS**0.5)
MOST_SECONDS = 1.5
"""Of one core, for reading any file; it takes a third of that where nothing else runs."""
EXIF_TURN = struct.pack(">2sHIHHHIHHI", b"MM", 42, 8, 1, 0x0112, 3, 1, 6, 0, 0)
"""EXIF data that say: stored on its side."""


def filled(before: bytes, part: bytes, after: bytes) -> bytes:
    """As many of a part as a file may hold."""
    return before + part * ((MAX_BYTES - len(before) - len(after)) // len(part)) + after


def chunk(kind: bytes, content: bytes = b"") -> bytes:
    check = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + check


def png(bits: int, colour: int, samples: int, interlaced: bool = False) -> bytes:
    """A black picture as large as any that is read."""
    side = min(SIDE, int((120_000_000 / (samples * bits / 8)) ** 0.5))
    header = struct.pack(">IIBBBBB", side, side, bits, colour, 0, 0, interlaced)
    rows = bytes(int(side * (side * samples * bits // 8 + 9) * 1.2))
    return b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            chunk(b"IHDR", header),
            chunk(b"IDAT", zlib.compress(rows, 9)),
            chunk(b"IEND"),
        ]
    )


def tags(*entries: tuple[int, int, int, int], after: bytes = b"") -> bytes:
    """A TIFF directory of tag, type, count and value, and what follows it."""
    fields = [struct.pack("<HHII", *entry) for entry in sorted(entries)]
    return b"".join(
        [b"II*\0", struct.pack("<IH", 8, len(entries)), *fields, struct.pack("<I", 0), after]
    )


SMALL_TIFF = [(256, 4, 1, 2), (257, 4, 1, 2), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1)]
SMALL_TIFF += [(273, 4, 1, 8), (277, 3, 1, 1), (278, 4, 1, 2), (279, 4, 1, 4)]


def scans(progressive: bytes, number: int) -> bytes:
    """A progressive JPEG file in which the second scan comes so many times more."""
    second = progressive.index(b"\xff\xda", progressive.index(b"\xff\xda") + 2)
    end = progressive.index(b"\xff\xc4", second)
    return progressive[:end] + progressive[second:end] * number + progressive[end:]


def run_lengths(codes: bytes) -> bytes:
    palette, width = bytes(1024), 6000
    header = struct.pack("<IiiHHIIiiII", 40, width, width, 1, 8, 1, len(codes), 0, 0, 256, 0)
    begin = 14 + len(header) + len(palette)
    return b"BM" + struct.pack("<IHHI", begin + len(codes), 0, 0, begin) + header + palette + codes


def webp(*chunks: tuple[bytes, bytes]) -> bytes:
    body = b"".join(
        kind + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)
        for kind, content in chunks
    )
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def canvas(width: int, height: int, flags: int = 0) -> tuple[bytes, bytes]:
    sides = [(side - 1).to_bytes(3, "little") for side in (width, height)]
    return b"VP8X", bytes([flags, 0, 0, 0]) + b"".join(sides)


def hostile() -> Iterator[tuple[str, Callable[[], bytes]]]:
    """Names and makers of files that cost their readers much."""
    data = encoded(GREY, "PNG")
    head, rest = data[:33], data[33:]
    text = zlib.compress(bytes(2**20 - 100), 9)
    yield "png, empty chunks", lambda: filled(head, chunk(b"abCd"), rest)
    yield "png, empty pixels", lambda: filled(head, chunk(b"IDAT"), rest)
    yield "png, text", lambda: filled(head, chunk(b"tEXt", b"a\0b"), rest)
    yield "png, compressed text", lambda: filled(head, chunk(b"zTXt", b"a\0\0" + text), rest)
    yield "png, frames", lambda: filled(head, chunk(b"fcTL", bytes(26)), rest)
    for bits, colour, samples in ((8, 0, 1), (16, 0, 1), (8, 2, 3), (16, 2, 3), (8, 6, 4)):
        yield (
            f"png, {samples} samples of {bits} bits",
            functools.partial(png, bits, colour, samples, interlaced=True),
        )

    jpeg = encoded(GREY.convert("RGB"), "JPEG")
    begin, rest_jpeg, tables = jpeg[:2], jpeg[2:], jpeg.index(b"\xff\xda")
    yield "jpeg, comments", lambda: filled(begin, b"\xff\xfe\x00\x02", rest_jpeg)
    yield "jpeg, fill bytes", lambda: filled(begin, b"\xff", rest_jpeg)
    yield "jpeg, no markers", lambda: filled(begin, b"\xff\x00", rest_jpeg)
    yield "jpeg, EXIF", lambda: filled(begin, b"\xff\xe1\x00\x08Exif\0\0", rest_jpeg)
    yield "jpeg, pictures", lambda: filled(begin, b"\xff\xe2\x00\x07MPF\0\0", rest_jpeg)
    yield (
        "jpeg, tables",
        lambda: filled(jpeg[:tables], b"\xff\xc4\x00\x13\x00" + bytes(16), jpeg[tables:]),
    )
    large = Image.new("L", (SIDE, SIDE), 200)
    yield "jpeg, scans", lambda: scans(encoded(large, "JPEG", progressive=True), 2000)
    yield "jpeg, scans to the limit", lambda: scans(encoded(large, "JPEG", progressive=True), 40)

    gif = encoded(GREY, "GIF")
    colours = 13 + 3 * 256
    top, image = gif[:colours], gif[colours:]
    yield "gif, blocks of a comment", lambda: filled(top + b"!\xfe", b"\x01a", b"\0" + image)
    yield "gif, comments", lambda: filled(top, b"!\xfe\x01a\0", image)
    yield "gif, controls", lambda: filled(top, b"!\xf9\x04\0\0\0\0\0", image)
    yield "gif, junk", lambda: filled(top, b"\0", image)
    yield "gif, transparent", lambda: encoded(large.convert("P"), "GIF", transparency=3)
    yield "bmp, run lengths", lambda: filled(run_lengths(b"\x01\x01"), b"\x01\x01", b"")
    yield "bmp, ends of lines", lambda: filled(run_lengths(b"\0\0"), b"\0\0", b"")
    yield "ppm, comment", lambda: filled(b"P5\n#", b"a", b"\n2 2\n255\n" + bytes(4))
    yield "ppm, spaces", lambda: filled(b"P5\n", b" ", b"\n2 2\n255\n" + bytes(4))
    yield "ppm, odd white", lambda: b"P5\n4400 4400\n254\n" + bytes(4400 * 4400)
    yield "ppm, odd white of 16 bits", lambda: b"P6\n1800 1800\n60000\n" + bytes(1800 * 1800 * 6)
    yield "ppm, text", lambda: b"P2\n3200 3200\n255\n" + b"1 " * (3200 * 3200)
    yield "ppm, text and comments", lambda: filled(b"P2\n900 900\n255\n", b"#\n1 ", b"")
    yield "ppm, short text and comments", lambda: b"P2\n300 300\n255\n" + b"#\n1 " * 90_000

    plain = encoded(GREY.convert("RGB"), "WEBP")[20:]
    yield "webp, canvas", lambda: webp(canvas(16383, 16383), (b"VP8 ", plain))
    yield (
        "webp, chunks",
        lambda: filled(webp(canvas(*GREY.size)), b"abcd\0\0\0\0", webp((b"VP8 ", plain))[12:]),
    )
    clear = Image.new("RGBA", (4400, 4400), (1, 2, 3, 4))
    yield "webp, transparent", lambda: encoded(clear, "WEBP", lossless=True, method=0)

    long = [(40_000 + number, 7, 2**24, 1000) for number in range(900)]
    yield "tiff, tags over each other", lambda: filled(tags(*SMALL_TIFF, *long), b"\0", b"")
    many = [(40_000 + number % 20_000, 7, 300, 1000) for number in range(65_000)]
    yield "tiff, tags", lambda: tags(*SMALL_TIFF, *many, after=bytes(2000))
    strips = [(273, 4, 4_000_000, 200), (279, 4, 4_000_000, 200)]
    other = [entry for entry in SMALL_TIFF if entry[0] not in (273, 279)]
    yield "tiff, strips", lambda: tags(*other, *strips, after=bytes(17_000_000))
    tiles = [(259, 3, 1, 5), (322, 4, 1, 32768), (323, 4, 1, 32768), (324, 4, 1, 8), (325, 4, 1, 9)]
    untiled = [entry for entry in other if entry[0] not in (259, 278)]
    yield "tiff, tiles", lambda: tags(*untiled, *tiles, after=bytes(5000))
    exif = 8 + 2 + 12 * 10 + 4
    inner = struct.pack("<H", 60_000) + struct.pack("<HHII", 36_864, 7, 2**23, 8) * 60_000
    yield (
        "tiff, EXIF",
        lambda: tags(*SMALL_TIFF, (34_665, 4, 1, exif), after=inner + bytes(2**23)),
    )
    floats = Image.new("F", (5400, 5400), 1)
    yield "tiff, floats", lambda: encoded(floats, "TIFF", compression="tiff_adobe_deflate")


HOSTILE = dict(hostile())


@pytest.mark.parametrize("name", HOSTILE)
def test_no_file_takes_long(name: str) -> None:
    data = HOSTILE[name]()
    assert len(data) <= MAX_BYTES
    began = time.process_time()
    with contextlib.suppress(UserError):
        read_image(data)
    assert time.process_time() - began < MOST_SECONDS


@pytest.mark.parametrize(
    ("name", "counted"),
    [
        ("png, empty chunks", "20,000 chunks"),
        ("jpeg, comments", "20,000 segments"),
        ("jpeg, scans", "50 scans"),
        ("gif, comments", "20,000 extensions"),
        ("gif, blocks of a comment", "200,000 blocks"),
        ("bmp, run lengths", "512 KiB of run lengths"),
        ("ppm, text", "512 KiB of pixels as text"),
        ("ppm, comment", "a header of at most"),
        ("webp, chunks", "20,000 chunks"),
        ("webp, canvas", "million pixels"),
        ("tiff, tags", "1000 tags"),
        ("tiff, strips", "20,000 strips"),
        ("tiff, tiles", "tiles no larger than the picture"),
    ],
)
def test_what_there_is_too_much_of_is_named(name: str, counted: str) -> None:
    with pytest.raises(UserError, match=f"expected .*{counted}"):
        read_image(HOSTILE[name]())


def beside(kind: str) -> bytes:
    """A picture with all that does not show it."""
    stored = Image.fromarray(page([[3, 5]])).convert("RGB")
    other = stored.rotate(180)
    match kind:
        case "PNG":
            data = encoded(stored, kind, save_all=True, append_images=[other])
            return data[:33] + chunk(b"tEXt", b"a\0b") + chunk(b"eXIf", EXIF_TURN) + data[33:]
        case "JPEG":
            data = encoded(stored, "MPO", save_all=True, append_images=[other])
            exif = b"Exif\0\0" + EXIF_TURN
            segment = b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif
            return data[:2] + b"\xff\xfe\x00\x04hi" + segment + data[2:]
        case "GIF":
            return encoded(stored, kind, save_all=True, append_images=[other], comment=b"hi")
        case "WEBP":
            options = {"save_all": True, "append_images": [other], "lossless": True}
            return encoded(stored, kind, exif=EXIF_TURN, icc_profile=b"abc", **options)
        case _:
            exif_data = Image.Exif()
            exif_data.load(EXIF_TURN)
            return encoded(stored, kind, exif=exif_data, save_all=True, append_images=[other])


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "TIFF"])
def test_the_first_picture_is_left_and_what_turns_it(kind: str) -> None:
    data = beside(kind)
    container = reduced(data)
    assert container is not None
    assert container.format == kind
    assert container.orientation == (1 if kind == "GIF" else 6)
    extra = {"PNG": b"tEXt", "JPEG": b"\xff\xfe", "GIF": b"!\xfe", "WEBP": b"ICCP"}.get(kind)
    assert extra is None or (extra in data and extra not in container.data)
    upright = page([[3, 5]])
    read = read_image(data)
    assert read.shape == (upright.shape if kind == "GIF" else upright.T.shape)
    turned = read if kind == "GIF" else np.rot90(read)
    assert np.abs(turned.astype(int) - upright).mean() < 3


@pytest.mark.parametrize(
    "data",
    [
        encoded(Image.new("RGBA", (6000, 6000)), "PNG"),
        encoded(Image.new("CMYK", (6000, 6000)), "JPEG"),
        encoded(Image.new("F", (6000, 6000)), "TIFF", compression="tiff_lzw"),
    ],
    ids=["PNG", "JPEG", "TIFF"],
)
def test_pixels_of_many_bytes_may_be_fewer(data: bytes) -> None:
    with pytest.raises(TooLargeError, match="30 million pixels of this kind"):
        open_image(data)


def test_pixels_are_counted_without_decoding() -> None:
    header = bytearray(encoded(GREY, "PNG")[:40])
    header[16:24] = struct.pack(">II", 5000, 4000)
    assert open_image(bytes(header)).pixels == 20_000_000


@pytest.mark.parametrize("shape", [(70_000, 2), (2, 70_000)])
def test_endless_sides_are_refused(shape: tuple[int, int]) -> None:
    with pytest.raises(TooLargeError, match="sides of at most"):
        open_image(encoded(Image.new("L", shape), "PNG"))


@pytest.mark.parametrize("white", [3, 15, 100, 254, 1000, 4095, 65_535])
def test_every_white_of_a_portable_map_is_white(white: int) -> None:
    form = ">u2" if white > 255 else np.uint8
    levels = np.array([[0, white // 2, white]])
    read = read_image(b"P5 3 1 %d\n" % white + levels.astype(form).tobytes())
    assert np.abs(read - levels * 255 / white).max() <= 1
