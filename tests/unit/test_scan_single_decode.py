"""Image files: every format and mode, damaged and hostile ones."""

import contextlib
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from digits.core import paths
from digits.core.errors import UserError
from digits.scan.page.find import find_digits
from digits.scan.single import decode
from digits.scan.single.decode import read_image
from tests.unit.pictures import encoded, mnist_like, page


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_exif_rotation_is_undone(orientation: int, kind: str) -> None:
    upright = page([[3, 5, 2]])
    transpose = Image.Transpose
    stored = Image.fromarray(upright)
    if orientation > 1:
        stored = stored.transpose(
            {
                2: transpose.FLIP_LEFT_RIGHT,
                3: transpose.ROTATE_180,
                4: transpose.FLIP_TOP_BOTTOM,
                5: transpose.TRANSPOSE,
                6: transpose.ROTATE_90,
                7: transpose.TRANSVERSE,
                8: transpose.ROTATE_270,
            }[orientation]
        )
    exif = Image.Exif()
    exif[0x0112] = orientation
    read = read_image(encoded(stored, kind, exif=exif))
    assert read.shape == upright.shape
    assert np.abs(read.astype(int) - upright).mean() < 2


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


DAMAGE = """if True:
    import io, random, sys
    from PIL import Image
    from digits.core.errors import UserError
    from digits.scan.single.decode import read_image

    options = {"TIFF": [{"compression": c} for c in ("tiff_lzw", "tiff_adobe_deflate", "packbits")]}
    options["TIFF"] += [{"compression": c} for c in ("group4", "jpeg", "zstd", "lzma")]
    picture, chance, seen = Image.linear_gradient("L").resize((40, 30)), random.Random(0), 0
    for kind in ("PNG", "JPEG", "GIF", "BMP", "PPM", "WEBP", "TIFF"):
        for choice in options.get(kind, [{}]):
            whole = io.BytesIO()
            mode = "1" if choice.get("compression") == "group4" else "RGB"
            picture.convert(mode).save(whole, kind, **choice)
            for _ in range(60):
                data = bytearray(whole.getvalue())
                for _ in range(4):
                    at = chance.randrange(len(data))
                    data[at : at + chance.choice((1, 1, 4))] = bytes([chance.randrange(256)])
                try:
                    read_image(bytes(data))
                except UserError:
                    seen += 1
    print(seen)
"""


def test_no_decoder_writes_to_the_terminal() -> None:
    shown = subprocess.run(
        [sys.executable, "-W", "always", "-c", DAMAGE],
        capture_output=True,
        text=True,
        check=True,
        cwd=paths.ROOT,
    )
    assert shown.stderr == ""
    assert int(shown.stdout) > 100


def test_no_decoder_writes_to_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    many_samples = Image.new("L", (2, 2))
    read_image(encoded(many_samples, "TIFF"))
    with contextlib.suppress(UserError):
        read_image(encoded(many_samples, "TIFF", tiffinfo={277: 90}))
    assert caplog.messages == []
