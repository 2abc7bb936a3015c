"""Faults gathered into one error."""

import pytest

from digits.core.errors import UserError
from digits.datasets.raw.faults import MOST_TOLD, Faults


def test_without_a_fault_nothing_is_raised():
    faults = Faults("own")
    with faults.of("3/0.png"):
        pass
    faults.raise_any()
    assert not faults.found


def test_a_fault_is_named_once():
    faults = Faults("own")
    with faults.of("3/0.png"):
        raise UserError("0.png: is damaged")
    with faults.of("labels"):
        raise UserError("are missing")
    assert faults.found == ["3/0.png: is damaged", "labels: are missing"]
    with pytest.raises(UserError, match=r"has 2 faults:\n  3/0\.png: is damaged\n  labels: are"):
        faults.raise_any()


def test_other_errors_pass():
    with pytest.raises(ZeroDivisionError), Faults("own").of("3/0.png"):
        raise ZeroDivisionError


@pytest.mark.parametrize(("count", "rest"), [(MOST_TOLD, None), (MOST_TOLD + 1, "and 1 more")])
def test_the_first_are_listed_and_the_others_counted(count, rest):
    faults = Faults("own")
    for number in range(count):
        faults.add(f"{number}\n", "is damaged")
    with pytest.raises(UserError) as error:
        faults.raise_any()
    lines = str(error.value).splitlines()
    assert lines[0] == f"own has {count} faults:"
    assert lines[1] == r"  0\n: is damaged"
    assert sum(line.endswith("is damaged") for line in lines) == MOST_TOLD
    assert any(line.strip() == rest for line in lines) == (rest is not None)
