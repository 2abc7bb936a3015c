"""Everything that is wrong with a data set, gathered into one error."""

from collections.abc import Iterator
from contextlib import contextmanager

from digits.core.errors import UserError, printable

MOST_TOLD = 20
"""Faults that an error lists; it counts the others."""


class Faults:
    """The faults of one data set, as they are found.

    Args:
        where: The data set, as a person would name it.

    """

    def __init__(self, where: str) -> None:
        self.where = where
        self.found: list[str] = []

    def add(self, name: str, reason: str) -> None:
        """Take down that the file or folder `name`, relative to the data set, has a fault."""
        self.found.append(printable(f"{name}: {reason}"))

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        """Take down a UserError of the block as a fault of the file `name`; do not raise it."""
        try:
            yield
        except UserError as error:
            self.add(name, str(error).removeprefix(f"{name.rpartition('/')[2]}: "))

    def raise_any(self) -> None:
        """Raise one UserError of all faults, if there are any."""
        if not self.found:
            return
        count = len(self.found)
        lines = [f"{self.where} has {count} fault{'s'[: count != 1]}:", *self.found[:MOST_TOLD]]
        if count > MOST_TOLD:
            lines.append(f"and {count - MOST_TOLD} more")
        raise UserError("\n  ".join(lines) + "\nmend or remove these, then run the same again")
