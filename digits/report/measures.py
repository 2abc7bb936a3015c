"""Measures of the comparison as text, as `text` writes figures."""

from digits.report import text


def mebibytes(size: float | None) -> str:
    """A size with one decimal, as in "30.8 MiB"."""
    return text.UNKNOWN if size is None else f"{text.number(size, 1)} MiB"


def per_10000(difference: float | None) -> str:
    """A difference of two shares in digits per 10,000 with its sign, as in "+45"."""
    if difference is None:
        return text.UNKNOWN
    return f"{round(difference * 10_000):+,}".replace("-", text.MINUS)
