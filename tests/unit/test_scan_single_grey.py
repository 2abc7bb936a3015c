"""Grey levels of every mode."""

import numpy as np
import pytest
from PIL import Image

from digits.scan.page.find import find_digits
from digits.scan.single.decode import read_image
from tests.unit.pictures import encoded, page


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
