"""Broken digits, digits of several strokes, digits that the edge of the picture cuts."""

import cv2
import numpy as np
import pytest

from benchmarks import handwriting, sheets
from digits.scan.page.find import find_digits
from tests.unit.pictures import page


def test_the_bar_of_a_five_is_joined_to_it() -> None:
    canvas = page([[2, 5, 3]])
    cv2.rectangle(canvas, (205, 66), (235, 76), 255, -1)  # between bar and body
    assert cv2.connectedComponents((canvas < 128).astype(np.uint8))[0] - 1 == 4
    found = find_digits(canvas)
    assert len(found) == 3
    assert found[1].box[3] - found[1].box[1] > 80


def test_specks_are_no_digits() -> None:
    canvas = page([[3, 5, 2]])
    for x, y in ((40, 40), (170, 200), (320, 30)):
        cv2.circle(canvas, (x, y), 3, 0, -1)
    assert len(find_digits(canvas)) == 3


@pytest.mark.parametrize(
    ("kind", "least"),
    [
        ("own hand", 1.0),
        ("straight strokes", 0.95),
        ("broken strokes", 0.75),
        ("one pixel wide", 0.99),
        ("one picture", 1.0),
        ("one picture, thin", 0.95),
        ("cropped tight", 0.95),
        ("cut off", 0.8),
        ("stretched", 0.95),
    ],
)
def test_other_hands_are_found_whole(kind: str, least: float) -> None:
    whole = drawn = 0  # what is found, less what is invented
    for made in handwriting.sheets(kind, 24, seed=3):
        grey = made.image if made.image.ndim == 2 else made.image[:, :, :3].mean(axis=2)
        partners, invented = sheets.match(
            [digit.box for digit in find_digits(grey.astype(np.uint8))], made.boxes
        )
        whole += sum(partner is not None for partner in partners) - len(invented)
        drawn += len(made.boxes)
    assert whole >= least * drawn
