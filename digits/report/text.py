"""Figures as text, the same way in every table, figure and sentence.

What is not known is a dash; a minus sign is a true one.
"""

import re
from collections.abc import Iterable, Sequence

UNKNOWN = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"
LEAST_P = 0.001
"""Smaller p values are only said to be smaller."""


def percent(share: float | None, decimals: int = 2) -> str:
    """A share of 1 as in "98.62%"."""
    return UNKNOWN if share is None else f"{share:.{decimals}%}".replace("-", MINUS)


def interval(low: float | None, high: float | None, decimals: int = 2) -> str:
    """The ends of an interval of shares, as in "98.42% to 98.82%"."""
    if low is None or high is None:
        return UNKNOWN
    return f"{percent(low, decimals)} to {percent(high, decimals)}"


def points(difference: float | None, decimals: int = 2) -> str:
    """A difference of two shares in percentage points with its sign, as in "+0.45"."""
    if difference is None:
        return UNKNOWN
    # The sum turns a rounded -0 into 0.
    return f"{round(difference * 100, decimals) + 0.0:+.{decimals}f}".replace("-", MINUS)


def seconds(time: float | None) -> str:
    """Seconds with one decimal below ten, as in "61 s" and "1.5 s"."""
    if time is None:
        return UNKNOWN
    return f"{time:,.0f} s" if round(time, 1) >= 10 else f"{time:.1f} s"


def milliseconds(time: float | None) -> str:
    """Milliseconds with three digits, as in "0.123 ms" and "6.41 ms"."""
    return UNKNOWN if time is None else f"{significant(time)} ms"


def number(value: float | None, decimals: int = 0) -> str:
    """A number with its thousands set apart, as in "12,346"."""
    return UNKNOWN if value is None else f"{value:,.{decimals}f}".replace("-", MINUS)


def significant(value: float | None, digits: int = 3) -> str:
    """A number with so many significant digits and no trailing zeros, as in "0.25" and "1,240"."""
    if value is None:
        return UNKNOWN
    rounded = float(f"{value:.{digits}g}")
    return f"{rounded:,.15g}".replace("-", MINUS)


def count(quantity: int, noun: str) -> str:
    """A count with its noun, as in "1 thread" and "2 threads"."""
    return f"{quantity:,} {noun}{'' if quantity == 1 else 's'}"


def p_value(p: float | None) -> str:
    """A probability under the null hypothesis, as in "0.03", "0.004" and "< 0.001"."""
    if p is None:
        return UNKNOWN
    if p < LEAST_P:
        return f"< {LEAST_P}"
    return f"{p:.3f}" if p < 0.01 else f"{p:.2f}"


def stated_p(p: float) -> str:
    """The same in a sentence, as in "p = 0.03" and "p < 0.001"."""
    value = p_value(p)
    return f"p {value}" if value.startswith("<") else f"p = {value}"


def unbroken(sentence: str) -> str:
    """A sentence whose p values stay on one line."""
    return re.sub("p ([<=]) ", "p\N{NO-BREAK SPACE}\\1\N{NO-BREAK SPACE}", sentence)


def listed(names: Iterable[str]) -> str:
    """Names as in "a, b and c"."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def markdown_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table in Markdown, a line a row; a cell stays one cell whatever it says.

    pandas' `DataFrame.to_markdown` would not do: a "|" or a line break in a cell breaks its table,
    and it takes one library more.
    """
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _cell(content: object) -> str:
    return " ".join(str(content).split()).replace("|", r"\|")
