"""Measures as text."""

import pytest

from digits.report import measures
from digits.report.text import MINUS, UNKNOWN


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (measures.per_10000(0.0045), "+45"),
        (measures.per_10000(-0.0018), f"{MINUS}18"),
        (measures.per_10000(-0.00001), "+0"),
        (measures.per_10000(0.1234), "+1,234"),
        (measures.per_10000(None), UNKNOWN),
        (measures.mebibytes(30.84), "30.8 MiB"),
        (measures.mebibytes(None), UNKNOWN),
    ],
)
def test_a_measure_is_written(shown, expected):
    assert shown == expected
