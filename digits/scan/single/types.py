"""What is found in a picture: pieces of ink, and digits."""

from dataclasses import dataclass

import cv2
import numpy as np

Box = tuple[int, int, int, int]
"""Left, top, right and bottom; right and bottom are the first column and row outside."""


@dataclass(frozen=True)
class Digit:
    """One digit that was found."""

    image: np.ndarray
    """(28, 28) uint8, bright ink on a dark background, as in MNIST."""
    box: Box
    """In pixels of the picture."""
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
    """The ink of its stronger parts, 0 to 1."""

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


def united(pieces: list[Piece]) -> Piece:
    """Several pieces as one."""
    left, top = min(p.left for p in pieces), min(p.top for p in pieces)
    right, bottom = max(p.right for p in pieces), max(p.bottom for p in pieces)
    mask = np.zeros((bottom - top, right - left), bool)
    for p in pieces:
        mask[p.top - top : p.bottom - top, p.left - left : p.right - left] |= p.mask
    return Piece(left, top, mask, max(p.strength for p in pieces))


def cropped(piece: Piece, mask: np.ndarray) -> Piece | None:
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
