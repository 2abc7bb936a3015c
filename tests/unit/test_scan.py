"""Own pictures: decoding, finding, and the form of MNIST.  The pictures are drawn here."""

import contextlib
import gzip
import importlib.util
import io
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from benchmarks import sheets
from digits import scan
from digits.core.errors import UserError

STROKES = {
    0: [[(50, 0), (85, 15), (100, 50), (85, 85), (50, 100), (15, 85), (0, 50), (15, 15), (50, 0)]],
    1: [[(50, 0), (50, 100)]],
    2: [[(10, 25), (35, 0), (75, 5), (80, 35), (10, 100), (90, 100)]],
    3: [[(10, 0), (70, 0), (40, 42), (80, 60), (75, 92), (10, 98)]],
    4: [[(65, 100), (65, 0), (5, 65), (95, 65)]],
    5: [[(85, 0), (15, 0), (12, 45), (70, 48), (85, 75), (60, 100), (10, 95)]],
    7: [[(10, 0), (90, 0), (40, 100)]],
}
"""Digits as strokes in a square of 100 x 100."""


def draw(
    canvas: np.ndarray, digit: int, left: int, top: int, tall: int, pen: int, ink: int = 0
) -> None:
    for stroke in STROKES[digit]:
        points = (np.array(stroke) * tall / 100 + (left, top)).round().astype(np.int32)
        cv2.polylines(canvas, [points], False, ink, pen, cv2.LINE_AA)


def page(numbers: list[list[int]], pen: int = 8, tall: int = 80) -> np.ndarray:
    """Rows of digits in dark ink on white."""
    canvas = np.full((170 * len(numbers) + 60, 150 * max(map(len, numbers)) + 60), 255, np.uint8)
    for row, digits in enumerate(numbers):
        for column, digit in enumerate(digits):
            draw(canvas, digit, 60 + 150 * column, 60 + 170 * row, tall, pen)
    return canvas


def mnist_like(digit: int = 3) -> np.ndarray:
    canvas = np.zeros((280, 280), np.uint8)
    draw(canvas, digit, 55, 45, 190, 26, 255)
    return cv2.resize(canvas, (28, 28), interpolation=cv2.INTER_AREA)


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def textured(rng: np.random.Generator, shape: tuple[int, int] = (600, 800)) -> np.ndarray:
    """Blank paper in a shadow with a soft edge, under noise."""
    light = np.full(shape, 190.0)
    light[:, shape[1] // 3 :] *= 0.65
    light = cv2.GaussianBlur(light, (0, 0), 12) * np.linspace(0.8, 1, shape[0])[:, None]
    return np.clip(light + rng.normal(0, 4, shape), 0, 255).astype(np.uint8)


# Finding --------------------------------------------------------------------------------------


@pytest.mark.parametrize("pen", [1, 3, 8, 16])
def test_every_digit_is_found_at_its_place_with_any_pen(pen: int) -> None:
    found = scan.find_digits(page([[3, 5, 0], [2, 7, 4]], pen=pen))
    assert [d.row for d in found] == [0, 0, 0, 1, 1, 1]
    for index, digit in enumerate(found):
        left, top, width, height = digit.box
        assert abs(left + width / 2 - (100 + 150 * (index % 3))) < 15
        assert abs(top - (60 + 170 * (index // 3))) <= pen / 2 + 3
        assert abs(height - 80) <= pen + 4
        assert width > 50


def test_the_image_of_each_digit_has_the_layout_of_mnist() -> None:
    for digit in scan.find_digits(page([[0, 1, 2, 3, 4, 5, 7]])):
        image = digit.image
        assert image.shape == (28, 28)
        assert image.dtype == np.uint8
        _, _, width, height = cv2.boundingRect((image > 0).astype(np.uint8))
        assert max(width, height) == 20
        moments = cv2.moments(image)
        assert moments["m10"] / moments["m00"] == pytest.approx(14, abs=1)
        assert moments["m01"] / moments["m00"] == pytest.approx(14, abs=1)
        assert image.max() > 250, "full ink"
        assert len(np.unique(image)) > 4, "grey edges"


@pytest.mark.parametrize("pen", [1, 2, 8, 20])
def test_strokes_are_brought_to_the_width_of_mnist(pen: int) -> None:
    canvas = np.full((700, 900), 255, np.uint8)
    draw(canvas, 5, 200, 150, 300, pen)
    (digit,) = scan.find_digits(canvas)
    large = cv2.resize(digit.image, None, fx=8, fy=8, interpolation=cv2.INTER_CUBIC)
    low, high = scan.STROKE_RANGE
    assert low - 0.4 <= scan.stroke_width(large > 127) / 8 <= high + 0.4


def test_a_felt_pen_does_not_close_a_loop() -> None:
    canvas = np.full((500, 500), 255, np.uint8)
    draw(canvas, 0, 150, 150, 200, 50)
    (digit,) = scan.find_digits(canvas)
    assert digit.image[12:16, 12:16].max() < 100


@pytest.mark.parametrize(("ground", "ink"), [(255, 225), (0, 30), (90, 130), (160, 120)])
def test_faint_lines_on_a_clean_canvas_are_found(ground: int, ink: int) -> None:
    canvas = np.full((400, 600), ground, np.uint8)
    draw(canvas, 3, 100, 100, 180, 2, ink)
    draw(canvas, 5, 350, 100, 180, 2, ink)
    assert len(scan.find_digits(canvas)) == 2


def test_light_ink_on_dark_gives_the_same_digits() -> None:
    dark = page([[3, 5, 2, 0]])
    for one, other in zip(scan.find_digits(dark), scan.find_digits(255 - dark), strict=True):
        assert one.box == other.box
        assert np.abs(one.image.astype(int) - other.image).mean() < 2


@pytest.mark.parametrize("scale", [0.5, 2.0, 4.0])
def test_the_size_of_the_picture_does_not_matter(scale: float) -> None:
    original = page([[3, 5, 2, 0]])
    scaled = cv2.resize(original, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    found, again = scan.find_digits(original), scan.find_digits(scaled)
    assert len(again) == 4
    for one, other in zip(found, again, strict=True):
        assert np.allclose(np.array(one.box) * scale, other.box, atol=3 * max(1, scale))
        # Rounding may move the digit by a pixel.
        moved = [np.roll(other.image, (y, x), (0, 1)) for y in (-1, 0, 1) for x in (-1, 0, 1)]
        assert min(np.abs(one.image.astype(int) - image).mean() for image in moved) < 9


@pytest.mark.parametrize("angle", [-6, 6])
def test_rows_are_kept_on_a_turned_page(angle: float) -> None:
    numbers = [[1, 2, 3, 4, 5, 7], [7, 5, 4, 3, 2, 1]]
    canvas = cv2.copyMakeBorder(page(numbers), 150, 150, 80, 80, cv2.BORDER_CONSTANT, value=255)
    height, width = canvas.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1)
    found = scan.find_digits(cv2.warpAffine(canvas, turn, (width, height), borderValue=255))
    assert [d.row for d in found] == [0] * 6 + [1] * 6
    lefts = [d.box[0] for d in found]
    assert lefts[:6] == sorted(lefts[:6])
    assert lefts[6:] == sorted(lefts[6:])


def test_the_bar_of_a_five_is_joined_to_it() -> None:
    canvas = page([[2, 5, 3]])
    cv2.rectangle(canvas, (205, 66), (235, 76), 255, -1)  # between bar and body
    assert cv2.connectedComponents((canvas < 128).astype(np.uint8))[0] - 1 == 4
    found = scan.find_digits(canvas)
    assert len(found) == 3
    assert found[1].box[3] > 80


def test_touching_digits_are_parted() -> None:
    canvas = np.full((200, 600), 255, np.uint8)
    for digit, left in ((3, 60), (0, 128), (7, 400)):
        draw(canvas, digit, left, 60, 80, 8)
    assert cv2.connectedComponents((canvas < 128).astype(np.uint8))[0] - 1 == 2
    found = scan.find_digits(canvas)
    assert len(found) == 3
    assert abs(found[0].box[0] + found[0].box[2] - 128) < 12


def test_specks_are_no_digits() -> None:
    canvas = page([[3, 5, 2]])
    for x, y in ((40, 40), (170, 200), (320, 30)):
        cv2.circle(canvas, (x, y), 3, 0, -1)
    assert len(scan.find_digits(canvas)) == 3


def test_digits_in_uneven_light_on_ruled_paper_are_found() -> None:
    paper = textured(np.random.default_rng(1)).astype(np.float32)
    ink = np.full(paper.shape, 255, np.uint8)
    for y in range(30, 600, 45):
        cv2.line(ink, (0, y), (800, y + 12), 200, 2, cv2.LINE_AA)
    for row in range(3):
        for column, digit in enumerate((3, 5, 2, 0, 7, 4)):
            draw(ink, digit, 70 + 110 * column, 80 + 160 * row, 70, 7, 90)
    found = scan.find_digits((paper * (ink / 255)).astype(np.uint8))
    assert [d.row for d in found] == [0] * 6 + [1] * 6 + [2] * 6


def blank(kind: str) -> np.ndarray:
    rng = np.random.default_rng(5)
    if kind.startswith("photo"):
        printed: dict[str, sheets.Rules] = {
            "photo": "none",
            "photo lined": "lines",
            "photo squared": "squares",
        }
        empty = np.zeros((0, 28, 28), np.uint8), np.zeros(0, np.uint8)
        sheet = sheets.photograph(*empty, rng, size=(1000, 750), rules=printed[kind])
        return np.asarray(Image.fromarray(sheet.image).convert("L"))
    level = {"white": 255, "black": 0, "grey": 128}.get(kind, 200)
    image = np.full((300, 400), level, np.uint8)
    if kind == "noisy":
        image = np.clip(image + rng.normal(0, 12, image.shape), 0, 255).astype(np.uint8)
    if kind == "salt":
        image[rng.random(image.shape) < 0.01] = 0
    if kind == "shadow":
        image = textured(rng)
    return image


@pytest.mark.parametrize(
    "kind",
    ["white", "black", "grey", "noisy", "salt", "shadow", "photo", "photo lined", "photo squared"],
)
def test_nothing_is_found_on_a_blank_sheet(kind: str) -> None:
    assert scan.find_digits(blank(kind)) == []


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (5000, 1), (28, 28), (3, 7)])
@pytest.mark.parametrize("level", [0, 255])
def test_odd_shapes_are_blank_too(shape: tuple[int, int], level: int) -> None:
    assert scan.find_digits(np.full(shape, level, np.uint8)) == []


def test_noise_alone_never_fails() -> None:
    rng = np.random.default_rng(2)
    for shape in ((28, 28), (64, 200), (300, 300)):
        for digit in scan.find_digits(rng.integers(0, 256, shape, dtype=np.uint8)):
            left, top, width, height = digit.box
            assert 0 <= left < left + width <= shape[1]
            assert 0 <= top < top + height <= shape[0]


@pytest.mark.parametrize(
    "wrong", [np.zeros((5, 5, 3), np.uint8), np.zeros((5, 5)), np.zeros((0, 5))]
)
def test_other_arrays_are_refused(wrong: np.ndarray) -> None:
    with pytest.raises(UserError, match="expected a grey image"):
        scan.find_digits(wrong)


# One digit ------------------------------------------------------------------------------------


def test_an_mnist_image_comes_back_bit_for_bit(tmp_path: Path) -> None:
    image = mnist_like()
    for name, picture in (("dark.png", image), ("light.png", 255 - image)):
        Image.fromarray(picture).convert("RGB").save(tmp_path / name)
        assert np.array_equal(scan.read_digit(tmp_path / name), image)
    (found,) = scan.find_digits(image)
    assert np.array_equal(found.image, image)


@pytest.mark.parametrize("kind", ["gaussian", "salt"])
def test_small_noisy_images_are_cleaned(kind: str) -> None:
    rng = np.random.default_rng(3)
    clean = mnist_like().astype(float)
    for _ in range(5):
        noisy = clean.copy()
        if kind == "gaussian":
            noisy += rng.normal(0, 30, noisy.shape)
        else:
            noisy[rng.random(noisy.shape) < 0.06] = 255
        picture = np.clip(noisy, 0, 255).astype(np.uint8)
        for polarity in (picture, 255 - picture):
            image = scan.one_digit(polarity)
            assert image is not None
            # The noise is gone, the digit is not.
            moved = [np.roll(image, (y, x), (0, 1)) for y in range(-3, 4) for x in range(-3, 4)]
            alike = [np.corrcoef(m.ravel(), clean.ravel())[0, 1] for m in moved]
            assert max(alike) > 0.65
            assert cv2.connectedComponents((image > 60).astype(np.uint8))[0] - 1 == 1


def test_the_bundled_digits_are_one_digit_each() -> None:
    spec = importlib.util.find_spec("sklearn")
    assert spec is not None
    assert spec.submodule_search_locations
    path = Path(spec.submodule_search_locations[0], "datasets", "data", "digits.csv.gz")
    with gzip.open(path, "rt") as file:
        table = np.loadtxt(file, delimiter=",", max_rows=20)
    for values in table[:, :64].reshape(-1, 8, 8):
        framed = np.pad((values * 15.9).astype(np.uint8), 3)
        image = scan.one_digit(cv2.resize(framed, (140, 140), interpolation=cv2.INTER_CUBIC))
        assert image is not None
        assert 30 < np.count_nonzero(image > 127) < 250


def test_a_blank_file_is_refused(tmp_path: Path) -> None:
    Image.new("L", (200, 200), 255).save(tmp_path / "blank.png")
    with pytest.raises(UserError, match=r"blank\.png: expected one digit") as refusal:
        scan.read_digit(tmp_path / "blank.png")
    assert str(tmp_path) not in str(refusal.value)


# Decoding -------------------------------------------------------------------------------------


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
def test_exif_rotation_is_undone(orientation: int, kind: str) -> None:
    upright = page([[3, 5, 2]])
    inverse = {5: 5, 6: 8, 7: 7, 8: 6}.get(orientation, orientation)
    stored = Image.fromarray(upright)
    if orientation > 1:
        stored = stored.transpose(scan.TURNS[inverse])
    exif = Image.Exif()
    exif[0x0112] = orientation
    read = scan.read_image(encoded(stored, kind, exif=exif))
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
    read = scan.read_image(encoded(image, kind))
    assert read.shape == canvas.shape
    assert read.dtype == np.uint8
    assert np.abs(read.astype(int) - canvas).mean() < 4
    assert len(scan.find_digits(read)) == 3


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
def test_cameras_store_fewer_bits_than_the_file_has(bits: int) -> None:
    canvas = page([[3, 5]])
    levels = (canvas.astype(np.uint32) * (2**bits - 1) // 255).astype(np.uint16)
    read = scan.read_image(encoded(Image.fromarray(levels)))
    assert np.abs(read.astype(int) - canvas).max() <= 1


@pytest.mark.parametrize("ink", [0, 255, 100])
def test_ink_on_a_transparent_ground_is_seen(ink: int) -> None:
    cover = 255 - page([[3, 5, 2]])
    layers = [np.full_like(cover, ink)] * 3 + [cover]
    for kind in ("PNG", "WEBP"):
        image = Image.fromarray(np.dstack(layers), "RGBA")
        read = scan.read_image(
            encoded(image, kind, **({"lossless": True} if kind == "WEBP" else {}))
        )
        assert len(scan.find_digits(read)) == 3
    assert (
        scan.find_digits(scan.read_image(encoded(Image.new("RGBA", (90, 90), (9, 9, 9, 0))))) == []
    )


def test_a_transparent_palette_colour_is_ground() -> None:
    image = Image.fromarray(np.where(page([[3, 5, 2]]) < 128, 1, 0).astype(np.uint8), "P")
    image.putpalette([0, 0, 0, 0, 0, 0])  # black ink on transparent black
    assert len(scan.find_digits(scan.read_image(encoded(image, "GIF", transparency=0)))) == 3


def test_an_animation_is_read_by_its_first_frame() -> None:
    frames = [Image.fromarray(page([[3, 5, 2]])), Image.new("L", (510, 230), 255)]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert len(scan.find_digits(scan.read_image(data))) == 3


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM"])
def test_a_truncated_file_is_refused_or_read(kind: str) -> None:
    data = encoded(Image.fromarray(page([[3, 5, 2]])), kind)
    messages = []
    for share in (0.02, 0.3, 0.6, 0.9):
        try:
            scan.read_image(data[: int(len(data) * share)])
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
                scan.read_image(bytes(broken))


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
        scan.read_image(path)
    assert str(refusal.value).startswith("photo.png: expected an image")
    assert str(tmp_path) not in str(refusal.value)


def test_missing_files_and_folders_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.png", tmp_path):
        with pytest.raises(UserError, match="expected an image file") as refusal:
            scan.read_image(path)
        assert str(tmp_path.parent) not in str(refusal.value)


def test_a_pixel_bomb_is_refused_before_it_is_decoded() -> None:
    side = 7000
    bomb = encoded(Image.new("1", (side, side)))
    assert len(bomb) < 100_000
    with pytest.raises(UserError, match="7000 x 7000"):
        scan.read_image(bomb)
    header = bytearray(bomb)
    header[16:24] = (60_000).to_bytes(4, "big") * 2
    header[29:33] = zlib.crc32(header[12:29]).to_bytes(4, "big")
    with pytest.raises(UserError, match="million pixels"):
        scan.read_image(bytes(header))


def test_a_large_file_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(scan, "MAX_BYTES", 2**20)
    (tmp_path / "large.png").write_bytes(bytes(2**20 + 1))
    with pytest.raises(UserError, match=r"large\.png: expected at most 1 MiB"):
        scan.read_image(tmp_path / "large.png")


# Synthetic sheets -----------------------------------------------------------------------------


def test_the_digits_of_a_synthetic_photograph_are_found() -> None:
    rng = np.random.default_rng(6)
    digits = np.stack([mnist_like(d) for d in (0, 2, 3, 4, 5, 7)] * 4)
    labels = np.array([0, 2, 3, 4, 5, 7] * 4, np.uint8)
    sheet = sheets.photograph(digits, labels, rng, rules="lines")
    again = sheets.photograph(digits, labels, np.random.default_rng(6), rules="lines")
    assert np.array_equal(sheet.image, again.image), "the same state, the same picture"
    found = scan.find_digits(np.asarray(Image.fromarray(sheet.image).convert("L")))
    partners, extra = sheets.match([d.box for d in found], sheet.boxes)
    assert partners == sorted(range(24))
    assert extra == []


def test_boxes_are_matched_once() -> None:
    boxes = np.array([[0, 0, 10, 10], [20, 0, 10, 10]])
    found = [(1, 0, 10, 10), (0, 0, 10, 10), (50, 0, 10, 10)]
    assert sheets.match(found, boxes) == ([1, None], [0, 2])
    assert sheets.match([], boxes) == ([None, None], [])
