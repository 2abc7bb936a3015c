"""A progress bar for commands that read many pictures."""

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def watched(items: Iterable[T], total: int, for_programs: bool) -> Iterator[T]:
    """The items, with a progress bar on stderr where a person waits for many of them."""
    if total == 1 or not sys.stderr.isatty() or (for_programs and sys.stdout.isatty()):
        yield from items
        return
    from rich.console import Console
    from rich.progress import Progress

    # What goes to the same terminal as the bar has to be written above it.
    with Progress(
        console=Console(stderr=True), transient=True, redirect_stdout=sys.stdout.isatty()
    ) as progress:
        yield from progress.track(items, total, description="images")
