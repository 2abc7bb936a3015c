"""`digits read`: read pictures by the million."""

import time
from pathlib import Path
from typing import Annotated

import typer

from digits.cli.arguments import DEFAULT_READER, Model
from digits.core import paths
from digits.core.errors import printable

DEFAULT = Model(DEFAULT_READER.value)


def read(
    source: Annotated[
        str,
        typer.Argument(
            metavar="FOLDER|PATTERN|s3://...",
            help="Pictures: a folder with all below it, a pattern in quotes, or an address.",
        ),
    ],
    out: Annotated[
        Path, typer.Option(metavar="RESULTS.parquet", help="Folder of Parquet files to be made.")
    ],
    model: Annotated[Model, typer.Option(help="The model to ask.")] = DEFAULT,
    address: Annotated[
        str | None,
        typer.Option(help="Of a Ray cluster's head, or auto; this machine alone if left out."),
    ] = None,
) -> None:
    """Read the digits of many pictures, on all cores or a cluster, into Parquet files.

    A row a digit; a picture that cannot be read is a row with its error. Killed at any moment, the
    same command goes on, and reads nothing twice that was finished. For a few pictures there is
    `digits predict`, which starts at once.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    from digits.inference import bundle
    from digits.report import text
    from digits.search import listing, reading

    digest = bundle.load(paths.MODELS / model.value).digest
    listed = listing.make(source, out, {"model": model.value, "digest": digest})
    left = len(listed.left())
    before = min(listed.pictures, (listed.parts - left) * listing.PART)
    total = dict.fromkeys(reading.COUNTS, 0)
    began = time.monotonic()
    columns = ("{task.description}", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("pictures", total=listed.pictures, completed=before)

        def tell(counts: dict[str, int]) -> None:
            for name, count in counts.items():
                total[name] += count
            progress.advance(task, counts["pictures"])

        reading.run(listed, source, model.value, paths.MODELS, address, tell)
    seconds = time.monotonic() - began
    speed = f", {total['pictures'] / seconds:,.0f} a second" if total["pictures"] else ""
    print(
        f"{text.count(total['pictures'], 'picture')} read{speed}, "
        f"{text.count(total['digits'], 'digit')}, {total['errors']:,} could not be read"
        + (f"; {before:,} were read before" if before else "")
    )
    print(f"{printable(out)}: {text.count(listed.pictures, 'picture')}, all read")
