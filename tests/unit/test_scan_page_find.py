"""Every digit of a picture."""

import cv2
import numpy as np
import pytest
from PIL import Image

from benchmarks import sheets
from digits.core.errors import UserError
from digits.scan.page.find import find_digits
from tests.unit.pictures import mnist_like, page, textured


@pytest.mark.parametrize("pen", [1, 3, 8, 16])
def test_every_digit_is_found_at_its_place_with_any_pen(pen: int) -> None:
    found = find_digits(page([[3, 5, 0], [2, 7, 4]], pen=pen))
    assert [d.row for d in found] == [0, 0, 0, 1, 1, 1]
    for index, digit in enumerate(found):
        left, top, right, bottom = digit.box
        assert abs((left + right) / 2 - (100 + 150 * (index % 3))) < 15
        assert abs(top - (60 + 170 * (index // 3))) <= pen / 2 + 3
        assert abs(bottom - top - 80) <= pen + 4
        assert right - left > 50


@pytest.mark.parametrize("scale", [0.5, 2.0, 4.0])
def test_the_size_of_the_picture_does_not_matter(scale: float) -> None:
    original = page([[3, 5, 2, 0]])
    scaled = cv2.resize(original, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    found, again = find_digits(original), find_digits(scaled)
    assert len(again) == 4
    for one, other in zip(found, again, strict=True):
        assert np.allclose(np.array(one.box) * scale, other.box, atol=3 * max(1, scale))
        # Rounding may move the digit by a pixel.
        moved = [np.roll(other.image, (y, x), (0, 1)) for y in (-1, 0, 1) for x in (-1, 0, 1)]
        assert min(np.abs(one.image.astype(int) - image).mean() for image in moved) < 9


def blank(kind: str) -> np.ndarray:
    rng = np.random.default_rng(5)
    if kind.startswith("photo"):
        printed: dict[str, sheets.RuledLines] = {
            "photo": "none",
            "photo lined": "lines",
            "photo squared": "squares",
        }
        empty = np.zeros((0, 28, 28), np.uint8), np.zeros(0, np.uint8)
        sheet = sheets.photograph(*empty, rng, size=(1000, 750), ruled=printed[kind])
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
    assert find_digits(blank(kind)) == []


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (5000, 1), (28, 28), (3, 7)])
@pytest.mark.parametrize("level", [0, 255])
def test_odd_shapes_are_blank_too(shape: tuple[int, int], level: int) -> None:
    assert find_digits(np.full(shape, level, np.uint8)) == []


def test_noise_alone_never_fails() -> None:
    rng = np.random.default_rng(2)
    for shape in ((28, 28), (64, 200), (300, 300)):
        for digit in find_digits(rng.integers(0, 256, shape, dtype=np.uint8)):
            left, top, right, bottom = digit.box
            assert 0 <= left < right <= shape[1]
            assert 0 <= top < bottom <= shape[0]


@pytest.mark.parametrize(
    "wrong", [np.zeros((5, 5, 3), np.uint8), np.zeros((5, 5)), np.zeros((0, 5))]
)
def test_other_arrays_are_refused(wrong: np.ndarray) -> None:
    with pytest.raises(UserError, match="expected a grey image"):
        find_digits(wrong)


def test_the_digits_of_a_synthetic_photograph_are_found() -> None:
    rng = np.random.default_rng(6)
    digits = np.stack([mnist_like(d) for d in (0, 2, 3, 4, 5, 7)] * 4)
    labels = np.array([0, 2, 3, 4, 5, 7] * 4, np.uint8)
    sheet = sheets.photograph(digits, labels, rng, ruled="lines")
    again = sheets.photograph(digits, labels, np.random.default_rng(6), ruled="lines")
    assert np.array_equal(sheet.image, again.image), "the same state, the same picture"
    found = find_digits(np.asarray(Image.fromarray(sheet.image).convert("L")))
    partners, extra = sheets.match([d.box for d in found], sheet.boxes)
    assert partners == sorted(range(24))
    assert extra == []
