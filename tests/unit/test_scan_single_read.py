"""Pictures of one digit."""

import gzip
import importlib.util
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from digits.core.errors import UserError
from digits.scan.page.find import find_digits
from digits.scan.single.read import one_digit, read_digit
from tests.unit.pictures import mnist_like


def test_an_mnist_image_comes_back_bit_for_bit(tmp_path: Path) -> None:
    image = mnist_like()
    for name, picture in (("dark.png", image), ("light.png", 255 - image)):
        Image.fromarray(picture).convert("RGB").save(tmp_path / name)
        assert np.array_equal(read_digit(tmp_path / name), image)
    (found,) = find_digits(image)
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
            image = one_digit(polarity)
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
        image = one_digit(cv2.resize(framed, (140, 140), interpolation=cv2.INTER_CUBIC))
        assert image is not None
        assert 30 < np.count_nonzero(image > 127) < 250


def test_a_blank_file_is_refused(tmp_path: Path) -> None:
    Image.new("L", (200, 200), 255).save(tmp_path / "blank.png")
    with pytest.raises(UserError, match=r"blank\.png: expected one digit") as refusal:
        read_digit(tmp_path / "blank.png")
    assert str(tmp_path) not in str(refusal.value)
