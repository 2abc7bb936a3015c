"""Image files: every format and mode, damaged and hostile ones."""

import contextlib
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from digits.core.errors import UserError
from digits.scan.page.find import find_digits
from digits.scan.single import decode
from digits.scan.single.decode import TURNS, read_image
from tests.unit.pictures import encoded, mnist_like, page


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
def test_exif_rotation_is_undone(orientation: int, kind: str) -> None:
    upright = page([[3, 5, 2]])
    inverse = {5: 5, 6: 8, 7: 7, 8: 6}.get(orientation, orientation)
    stored = Image.fromarray(upright)
    if orientation > 1:
        stored = stored.transpose(TURNS[inverse])
    exif = Image.Exif()
    exif[0x0112] = orientation
    read = read_image(encoded(stored, kind, exif=exif))
    assert read.shape == upright.shape
    assert np.abs(read.astype(int) - upright).mean() < 2


@pytest.mark.parametrize(
    "mode", ["L", "RGB", "CMYK", "P", "1", "I;16", "I", "F", "LA", "RGBA", "PA", "YCbCr", "LAB"]
)
def test_every_mode_gives_the_same_digits(mode: str) -> None:
    canvas = page([[3, 5, 2]])
    grey = Image.fromarray(canvas)
    if mode == "I;16":
        image = Image.fromarray(canvas.astype(np.uint16) * 257)
    elif mode == "I":
        image = Image.fromarray(canvas.astype(np.int32) * 257)
    elif mode == "F":
        image = Image.fromarray(canvas.astype(np.float32) / 255)
    elif mode == "LAB":
        image = Image.merge("LAB", [grey, *[Image.new("L", grey.size, 128)] * 2])
    elif mode == "PA":
        image = grey.convert("P").convert("PA")
    else:
        image = grey.convert("RGB").convert(mode)
    kind = "PNG" if mode in ("L", "RGB", "P", "1", "I;16", "LA", "RGBA") else "TIFF"
    read = read_image(encoded(image, kind))
    assert read.shape == canvas.shape
    assert read.dtype == np.uint8
    assert np.abs(read.astype(int) - canvas).mean() < 4
    assert len(find_digits(read)) == 3


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
def test_cameras_store_fewer_bits_than_the_file_has(bits: int) -> None:
    canvas = page([[3, 5]])
    levels = (canvas.astype(np.uint32) * (2**bits - 1) // 255).astype(np.uint16)
    read = read_image(encoded(Image.fromarray(levels)))
    assert np.abs(read.astype(int) - canvas).max() <= 1


@pytest.mark.parametrize("ink", [0, 255, 100])
def test_ink_on_a_transparent_background_is_seen(ink: int) -> None:
    cover = 255 - page([[3, 5, 2]])
    layers = [np.full_like(cover, ink)] * 3 + [cover]
    for kind in ("PNG", "WEBP"):
        image = Image.fromarray(np.dstack(layers), "RGBA")
        read = read_image(encoded(image, kind, **({"lossless": True} if kind == "WEBP" else {})))
        assert len(find_digits(read)) == 3
    assert find_digits(read_image(encoded(Image.new("RGBA", (90, 90), (9, 9, 9, 0))))) == []


def test_a_transparent_palette_colour_is_background() -> None:
    image = Image.fromarray(np.where(page([[3, 5, 2]]) < 128, 1, 0).astype(np.uint8), "P")
    image.putpalette([0, 0, 0, 0, 0, 0])  # black ink on transparent black
    assert len(find_digits(read_image(encoded(image, "GIF", transparency=0)))) == 3


def test_an_animation_is_read_by_its_first_frame() -> None:
    frames = [Image.fromarray(page([[3, 5, 2]])), Image.new("L", (510, 230), 255)]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert len(find_digits(read_image(data))) == 3


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM"])
def test_a_truncated_file_is_refused_or_read(kind: str) -> None:
    data = encoded(Image.fromarray(page([[3, 5, 2]])), kind)
    messages = []
    for share in (0.02, 0.3, 0.6, 0.9):
        try:
            read_image(data[: int(len(data) * share)])
        except UserError as error:
            messages.append(str(error))
    assert len(messages) >= 2
    assert all("expected" in message for message in messages)


def test_damaged_bytes_raise_nothing_else() -> None:
    rng = np.random.default_rng(4)
    for kind in ("PNG", "JPEG", "GIF", "WEBP", "TIFF"):
        data = bytearray(encoded(Image.fromarray(mnist_like()), kind))
        for _ in range(40):
            broken = bytearray(data)
            for position in rng.integers(0, len(data), 3):
                broken[position] = int(rng.integers(0, 256))
            with contextlib.suppress(UserError):
                read_image(bytes(broken))


@pytest.mark.parametrize(
    ("data", "seen"),
    [
        (b"", "an empty file"),
        (b"<!DOCTYPE html><html>sign in</html>", "an HTML page"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "an SVG"),
        (b"%PDF-1.7 ...", "a PDF"),
        (b"\x00\x00\x00\x18ftypheic....", "an HEIC"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "something else"),
        (b"three", "something else"),
    ],
)
def test_what_is_no_image_is_named(data: bytes, seen: str, tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    path.write_bytes(data)
    with pytest.raises(UserError, match=seen) as refusal:
        read_image(path)
    assert str(refusal.value).startswith("photo.png: expected an image")
    assert str(tmp_path) not in str(refusal.value)


def test_missing_files_and_folders_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.png", tmp_path):
        with pytest.raises(UserError, match="expected an image file") as refusal:
            read_image(path)
        assert str(tmp_path.parent) not in str(refusal.value)


def test_a_pixel_bomb_is_refused_before_it_is_decoded() -> None:
    side = 7000
    bomb = encoded(Image.new("1", (side, side)))
    assert len(bomb) < 100_000
    with pytest.raises(UserError, match="7000 x 7000"):
        read_image(bomb)
    header = bytearray(bomb)
    header[16:24] = (60_000).to_bytes(4, "big") * 2
    header[29:33] = zlib.crc32(header[12:29]).to_bytes(4, "big")
    with pytest.raises(UserError, match="million pixels"):
        read_image(bytes(header))


def test_a_large_file_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(decode, "MAX_BYTES", 2**20)
    (tmp_path / "large.png").write_bytes(bytes(2**20 + 1))
    with pytest.raises(UserError, match=r"large\.png: expected at most 1 MiB"):
        read_image(tmp_path / "large.png")
