"""Figures as text."""

import pytest

from digits.report import text


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (text.percent(0.98624), "98.62%"),
        (text.percent(0.95, 0), "95%"),
        (text.percent(-0.015, 1), f"{text.MINUS}1.5%"),
        (text.interval(0.98, 0.99), "98.00% to 99.00%"),
        (text.points(0.0045), "+0.45"),
        (text.points(-0.0018), f"{text.MINUS}0.18"),
        (text.points(0.0), "+0.00"),
        (text.points(-0.00001), "+0.00"),
        (text.seconds(61.4), "61 s"),
        (text.seconds(9.94), "9.9 s"),
        (text.seconds(9.96), "10 s"),
        (text.seconds(3600), "3,600 s"),
        (text.milliseconds(0.1234), "0.123 ms"),
        (text.milliseconds(6.4), "6.4 ms"),
        (text.number(12345.6), "12,346"),
        (text.number(1.25, 1), "1.2"),
        (text.significant(0.5), "0.5"),
        (text.significant(-2), f"{text.MINUS}2"),
        (text.significant(1234.5), "1,230"),
        (text.significant(0.000123456), "0.000123"),
        (text.count(1, "thread"), "1 thread"),
        (text.count(1200, "thread"), "1,200 threads"),
        (text.p_value(0.0301), "0.03"),
        (text.p_value(0.0041), "0.004"),
        (text.p_value(0.00099), "< 0.001"),
        (text.listed(["a"]), "a"),
        (text.listed(("a", "b", "c")), "a, b and c"),
    ],
)
def test_figures_as_text(made, expected):
    assert made == expected


def test_what_is_not_known_is_a_dash():
    one = (text.percent, text.points, text.seconds, text.milliseconds, text.number, text.p_value)
    assert {write(None) for write in (*one, text.significant)} == {text.UNKNOWN}
    assert text.interval(None, 0.5) == text.interval(0.5, None) == text.UNKNOWN


def test_a_p_value_stays_on_one_line():
    sentence = text.unbroken(f"a ({text.stated_p(0.4)}) b ({text.stated_p(1e-9)})")
    assert sentence.split(" ") == [
        "a", "(p\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}0.40)",
        "b", "(p\N{NO-BREAK SPACE}<\N{NO-BREAK SPACE}0.001)",
    ]  # fmt: skip


def test_a_cell_of_a_table_stays_one_cell():
    table = text.markdown_table(["a", "b"], [["x | y", 1], ["two\nlines", "007"]])
    assert table.splitlines() == [
        "| a | b |", "| --- | --- |", r"| x \| y | 1 |", "| two lines | 007 |",
    ]  # fmt: skip
