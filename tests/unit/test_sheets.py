"""The synthetic sheets of the benchmark."""

import numpy as np

from benchmarks import sheets


def test_boxes_are_matched_once() -> None:
    boxes = np.array([[0, 0, 10, 10], [20, 0, 30, 10]])
    found = [(1, 0, 11, 10), (0, 0, 10, 10), (50, 0, 60, 10)]
    assert sheets.match(found, boxes) == ([1, None], [0, 2])
    assert sheets.match([], boxes) == ([None, None], [])
