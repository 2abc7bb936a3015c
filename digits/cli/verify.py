"""`digits verify`: make the commit anew and compare."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digits.cli.arguments import Model
from digits.core.errors import printable

if TYPE_CHECKING:
    from rich.table import Table

    from digits.verification.compare import Report


def verify(
    model: Annotated[
        list[Model] | None,
        typer.Option(help="Only what this model's evaluation needs; may be repeated."),
    ] = None,
    keep: Annotated[
        Path | None, typer.Option(help="A new folder for what is made; it stays.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Train the commit anew in a scratch folder, and say whether the results are the same bytes.

    The exit status is 1 if an output is different.
    """
    from rich.console import Console

    from digits.verification import rerun

    report = rerun.verify([chosen.value for chosen in model or []], keep)
    if as_json:
        print(json.dumps(asdict(report) | {"good": report.good}, indent=2))
    else:
        Console().print(_outputs(report))
        print(report)
    raise typer.Exit(0 if report.good else 1)


def _outputs(report: "Report") -> "Table":
    from rich.markup import escape
    from rich.table import Table

    colours = {"bit-equal": "green", "within tolerance": "yellow", "different": "red"}
    table = Table("output", "verdict", "detail", box=None, pad_edge=False)
    for output in report.outputs:
        colour = colours.get(output.verdict, "dim")
        path, detail = escape(printable(output.path)), escape(printable(output.detail))
        table.add_row(path, f"[{colour}]{output.verdict}[/{colour}]", detail)
    return table
