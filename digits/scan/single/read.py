"""Pictures that hold exactly one digit."""

from pathlib import Path

import numpy as np

from digits.core.errors import UserError
from digits.scan.single.background import measure_ink
from digits.scan.single.clean import working_size
from digits.scan.single.decode import read_image
from digits.scan.single.normalise import as_mnist, like_mnist
from digits.scan.single.strokes import find_pieces
from digits.scan.single.types import Piece, united


def read_digit(path: Path) -> np.ndarray:
    """Read an image that is said to hold exactly one digit.

    An image of exactly 28 x 28 pixels with light ink on a clean dark background, such as an
    image of MNIST itself, comes back unchanged; one with dark ink on a clean light
    background is inverted.

    Args:
        path: An image file.

    Returns:
        (28, 28) uint8, bright ink on a dark background.

    Raises:
        UserError: as `read_image`, or if the picture is blank.

    """
    image = one_digit(read_image(path))
    if image is None:
        raise UserError(f"{path.name}: expected one digit, found a blank picture; check the file")
    return image


def one_digit(grey: np.ndarray) -> np.ndarray | None:
    """The one digit of a (height, width) uint8 picture as (28, 28) uint8; None if it is blank."""
    check(grey)
    ready = as_mnist(grey)
    if ready is not None:
        return ready if ready.any() else None
    work, _ = working_size(grey)
    ink, noise = measure_ink(work)
    pieces = main_pieces(find_pieces(ink, noise))
    return like_mnist(united(pieces), ink) if pieces else None


def main_pieces(pieces: list[Piece]) -> list[Piece]:
    """The pieces of a picture of one digit: all but the specks."""
    if not pieces:
        return []
    large = max(p.long_side for p in pieces)
    area = max(p.area for p in pieces)
    return [p for p in pieces if p.long_side >= 0.12 * large and p.area >= 0.05 * area]


def check(grey: np.ndarray) -> None:
    """Refuse what is no (height, width) uint8 with at least one pixel, by a UserError."""
    if grey.ndim != 2 or grey.dtype != np.uint8 or grey.size == 0:
        raise UserError(
            f"expected a grey image as (height, width) uint8, received {grey.shape} {grey.dtype}"
        )
