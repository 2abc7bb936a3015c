"""Every digit of a picture, in the order of reading."""

import cv2
import numpy as np

from digits.scan.page.join import join_broken
from digits.scan.page.order import reading_order
from digits.scan.page.part import part_touching
from digits.scan.single.background import measure_ink
from digits.scan.single.clean import working_size
from digits.scan.single.normalise import SIDE, as_mnist, like_mnist
from digits.scan.single.read import check, main_pieces
from digits.scan.single.strokes import find_pieces
from digits.scan.single.types import Box, Digit, Piece, united


def find_digits(grey: np.ndarray) -> list[Digit]:
    """Find every digit of a picture, in reading order: by rows, then from left to right.

    Args:
        grey: (height, width) uint8; dark ink on a light background or light on dark.

    Returns:
        The digits; an empty list for a blank picture.

    Raises:
        UserError: if `grey` has another shape or type.

    """
    check(grey)
    ready = as_mnist(grey)
    if ready is not None:
        left, top, width, height = cv2.boundingRect((ready > 0).astype(np.uint8))
        return [Digit(ready, (left, top, left + width, top + height), 0)] if width else []
    work, scale = working_size(grey)
    ink, noise = measure_ink(work)
    pieces = find_pieces(ink, noise)
    if grey.shape == (SIDE, SIDE):
        # So small a picture holds one digit, in however many pieces noise has left it.
        pieces = [united(main)] if (main := main_pieces(pieces)) else []
    else:
        pieces = part_touching(join_broken(pieces, work.shape))
    order = reading_order(pieces)
    return [
        Digit(
            image=like_mnist(pieces[index], ink),
            box=_box_in_picture(pieces[index], scale, grey.shape),
            row=row,
        )
        for index, row in order
    ]


def _box_in_picture(piece: Piece, scale: float, shape: tuple[int, ...]) -> Box:
    left = min(max(int(piece.left / scale), 0), shape[1] - 1)
    top = min(max(int(piece.top / scale), 0), shape[0] - 1)
    right = min(max(int(np.ceil(piece.right / scale)), left + 1), shape[1])
    bottom = min(max(int(np.ceil(piece.bottom / scale)), top + 1), shape[0])
    return left, top, right, bottom
