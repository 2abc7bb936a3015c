"""`digits compare`: put the runs in MLflow's store side by side."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from digits.cli.arguments import Model
from digits.core import config, errors, files, paths

if TYPE_CHECKING:
    from rich.console import Console

    from digits.tracking import by_hardware

REFUSED_SHOWN = 10
"""Groups of runs on the terminal; the report names all."""


class By(StrEnum):
    """What runs are compared by."""

    HARDWARE = "hardware"


def compare(
    by: Annotated[By, typer.Option(help="What shall differ.")],
    model: Annotated[Model | None, typer.Option(help="This model only.")] = None,
) -> None:
    """Put the runs in MLflow's store side by side that differ in the hardware only.

    Writes reports/hardware.md, .png and .json, and keeps them in the store as a run. Runs on other
    data, another split or other parameters are left out, and what differs in them is said.
    """
    from rich.console import Console

    from digits.experiments import definition
    from digits.report import by_hardware as report
    from digits.report.figures import comparison, drawing
    from digits.tracking import by_hardware, connection, run
    from digits.tracking.store import Store

    config.check(config.read(paths.PARAMS))
    models = [model.value] if model else list(config.MODELS)
    settings = {name: run.settings(name, run.in_workspace) for name in models}
    published = definition.published_accuracies()
    task = f"digits compare --by {by.value}"
    with connection.in_reach(task):
        store = Store() if connection.is_made() else None
        runs = store.trainings() if store else []
    selections = by_hardware.select(runs, settings, models)
    if store is None or not selections:
        raise errors.UserError(
            f"expected a finished, evaluated training{f' of {model.value}' if model else ''} in "
            f"MLflow's store {connection.address()}, found none; run `dvc repro` or "
            "`digits experiment hardware`"
        )
    with connection.in_reach(task):
        predictions = {
            latest.run_id: store.predictions(latest.run_id)
            for selection in selections
            for latest in selection.latest
        }
        epochs = {
            one.run_id: store.epochs(one.run_id)
            for selection in selections
            for one in selection.runs
        }
    # What was published was measured on MNIST.
    tables = [
        by_hardware.table(
            selection,
            predictions,
            epochs,
            published.get(selection.model)
            if selection.latest[0].tags.get("dataset") == "mnist"
            else None,
        )
        for selection in selections
    ]

    text, console = report.markdown(tables), Console(highlight=False)
    if console.is_terminal:
        for table in tables:
            _print_by_hardware(table, console)
    else:
        print(text)
    made = {
        "hardware.md": text.encode(),
        "hardware.json": report.as_json(tables).encode(),
        "hardware.png": drawing.png(comparison.by_hardware(tables)),
    }
    for name, content in made.items():
        with files.atomic(paths.REPORTS / name) as path:
            path.write_bytes(content)
    with connection.in_reach(task):
        kept = store.keep_comparison(
            by.value,
            {table.model: [row.run_ids[0] for row in table.rows] for table in tables},
            made,
        )
    print(f"reports/hardware.md, .png, .json; {'a new' if kept else 'the same'} run in MLflow")


def _print_by_hardware(table: "by_hardware.Table", console: "Console") -> None:
    from rich.markup import escape
    from rich.table import Table

    from digits.report import by_hardware

    console.print(f"[bold]{escape(table.model)} on {escape(table.dataset)}[/bold]")
    grid = Table(*by_hardware.HEADINGS, box=None, pad_edge=False, padding=(0, 1, 1, 0))
    for cells in by_hardware.cells(table):
        grid.add_row(*(escape(cell.replace(" (", "\n(")) for cell in cells))
    console.print(grid)
    for remark in by_hardware.remarks(table):
        console.print(escape(remark))
    if table.refused:
        console.print("[bold]Not put side by side with these, because of what differs:[/bold]")
    for refusal in table.refused[:REFUSED_SHOWN]:
        console.print(escape(f"- {by_hardware.reasons(refusal)}"))
    if (rest := len(table.refused) - REFUSED_SHOWN) > 0:
        console.print(f"- and {rest} more, in reports/hardware.md")
    console.print()
