"""`digits gate`: whether a change may be merged."""

from pathlib import Path
from typing import Annotated

import typer


def gate(
    base: Annotated[
        str, typer.Argument(help="The branch or commit that the change starts from.")
    ] = "main",
    out: Annotated[
        Path | None, typer.Option(metavar="FILE.md", help="Write the Markdown here, too.")
    ] = None,
) -> None:
    """Judge what a change makes of the models; print Markdown for its pull request.

    The exit status is 1 if a model falls below a floor or is worse than at the base, if a
    behavioural test is broken, or if dvc.lock is stale.
    """
    from digits.core import files
    from digits.team import gate as gates

    found = gates.examine(base)
    text = gates.markdown(found)
    print(text)
    if out is not None:
        files.write_text(out, text)
    raise typer.Exit(0 if found.good else 1)
