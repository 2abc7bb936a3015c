"""`digits feedback`: make a data set of stored corrections."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from digits.core import paths
from digits.core.errors import printable


def feedback(
    to: Annotated[
        Path | None,
        typer.Option(help="Folder of the data set, for dataset.path.", show_default="data/own"),
    ] = None,
) -> None:
    """Make a data set folder of the corrections that `digits ui --feedback` stored."""
    from digits.serve import corrected
    from digits.serve.feedback import FOLDER

    to = to or paths.ROOT / "data" / "own"
    made = corrected.export(FOLDER, to)
    for name, count in made.counts.items():
        print(f"{printable(name)}: {count}")
    print(
        f"{sum(made.counts.values())} image(s) of {made.records} correction(s) are in "
        f"{paths.relative(to)}; {made.no_digit} more show no digit"
    )
    for name in made.unreadable:
        reason = f"{printable(name)} in data/feedback is no correction; remove it"
        print(f"error: {reason}", file=sys.stderr)
    raise typer.Exit(1 if made.unreadable else 0)
