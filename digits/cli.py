"""The command `digits`."""

import csv
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from enum import StrEnum
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from digits.core import config, errors, files, paths

if TYPE_CHECKING:
    import numpy as np
    from rich.console import Console
    from rich.table import Table

    from digits.experiments.definition import Experiment
    from digits.experiments.results import Result
    from digits.serve.reader import Page, ReadDigit, Reader
    from digits.tracking import by_hardware
    from digits.verification.doctor import Finding
    from digits.verification.rerun import Report

app = typer.Typer(
    help="Read handwritten digits, and look after the pipeline that trains their readers.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Model = StrEnum("Model", list(config.MODELS))  # type: ignore[misc]
ALL = "all"
Asked = StrEnum("Asked", [*config.MODELS, ALL])  # type: ignore[misc]
DEFAULT_READER = Asked("cnn")
BOX = ("left", "top", "right", "bottom")
CSV_COLUMNS = ("image", "row", "position", *BOX, "model", "label", "score", "sure")
T = TypeVar("T")
REFUSED_SHOWN = 10
"""Groups of runs on the terminal; the report names all."""


class By(StrEnum):
    """What runs are compared by."""

    HARDWARE = "hardware"


def main() -> None:
    """Entry point: run the command, and end an expected failure with one message."""
    with errors.reported():
        app()


@app.command()
def predict(
    images: Annotated[list[Path], typer.Argument(help="Photographs, scans or drawings.")],
    model: Annotated[
        Asked, typer.Option(help="The model to ask, or all of them, side by side.")
    ] = DEFAULT_READER,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object an image.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="One line a digit and model.")] = False,
    show: Annotated[
        Path | None,
        typer.Option(
            metavar="OUT.png",
            help="Draw what was read onto the picture; onto several: OUT-1.png, OUT-2.png, ...",
        ),
    ] = None,
) -> None:
    """Read every digit of pictures, dark on light or light on dark.

    A "?" is a digit that the model is not sure of, or something that is no digit.

    The exit status is 1 if an image could not be read or drawn; the others are read all the same.
    """
    from digits import scan
    from digits.serve.reader import Reader

    if as_json and as_csv:
        raise errors.UserError("expected --json or --csv, received both; choose one")
    drawn = _drawn(show, images)
    reader = Reader(config.MODELS if model == ALL else [model.value], paths.MODELS)
    if as_csv:
        _print_line(CSV_COLUMNS)
    failed = False
    for path, out in _watched(zip(images, drawn, strict=True), len(images), as_json or as_csv):
        name = str(path).encode(errors="backslashreplace").decode()
        try:
            grey = scan.read_image(path)
            page = reader.read(grey)
        except errors.UserError as error:
            failed = True
            if as_json:
                print(json.dumps({"image": name, "error": str(error)}))
            else:
                print(f"error: {error}", file=sys.stderr)
            continue
        if as_json:
            print(json.dumps({"image": name, **_as_json(page, reader)}))
        elif as_csv:
            for line in _lines(page, reader):
                _print_line([name, *line])
        else:
            _print_page(name, page, reader)
        if out:
            failed |= not _draw(out, grey, page)
    raise typer.Exit(1 if failed else 0)


def _drawn(show: Path | None, images: list[Path]) -> list[Path | None]:
    """Where each image's annotated picture goes."""
    if show is None:
        return [None] * len(images)
    if show.suffix.lower() != ".png" or show.is_dir():
        raise errors.UserError(
            f"--show: expected the name of a picture to write, ending in .png, received {show}"
        )
    numbered = [show.with_stem(f"{show.stem}-{number}") for number in range(1, len(images) + 1)]
    drawn = numbered if len(images) > 1 else [show]
    if lost := {path.resolve() for path in drawn} & {path.resolve() for path in images}:
        raise errors.UserError(
            f"--show: {min(lost).name} is one of the images to read; choose another name"
        )
    return list(drawn)


def _draw(out: Path, grey: "np.ndarray", page: "Page") -> bool:
    """Write the annotated picture; what was read is not lost if that fails."""
    from digits.serve import annotate

    try:
        with files.atomic(out) as path:
            path.write_bytes(annotate.annotated(grey, page))
    except OSError as error:
        reason = f"{out} cannot be written ({error.strerror}); choose another place"
        print(f"error: {reason}", file=sys.stderr)
        return False
    return True


def _watched(items: Iterable[T], total: int, for_programs: bool) -> Iterator[T]:
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


def _print_line(cells: Sequence[object]) -> None:
    csv.writer(sys.stdout, lineterminator="\n").writerow(cells)


def _as_json(page: "Page", reader: "Reader") -> dict[str, Any]:
    return {
        "width": page.width,
        "height": page.height,
        "numbers": {model: page.numbers(model) for model in reader.models},
        "digits": [
            {
                "box": digit.box,
                "row": digit.row,
                "models": {
                    model: {
                        "label": opinion.label,
                        "score": round(opinion.score, 6),
                        "sure": opinion.sure,
                        "scores": {
                            name: round(score, 6)
                            for name, score in zip(reader.classes, opinion.scores, strict=True)
                        },
                    }
                    for model, opinion in digit.opinions.items()
                },
            }
            for digit in page.digits
        ],
    }


def _lines(page: "Page", reader: "Reader") -> Iterator[list[object]]:
    """What `CSV_COLUMNS` names, but for the image: rows and positions count from 1."""
    for position, digit in _positions(page):
        for model in reader.models:
            opinion = digit.opinions[model]
            sure = "yes" if opinion.sure else "no"
            score = f"{opinion.score:.6f}"
            yield [digit.row + 1, position, *digit.box, model, opinion.label, score, sure]


def _positions(page: "Page") -> "Iterator[tuple[int, ReadDigit]]":
    """Every digit with its position in its row, from 1."""
    for _, row in groupby(page.digits, key=lambda digit: digit.row):
        yield from enumerate(row, start=1)


def _print_page(name: str, page: "Page", reader: "Reader") -> None:
    """What a person wants to know: the numbers, and which digits to look at again."""
    if not page.digits:
        print(f"{name}: no digit found")
    elif len(page.digits) == 1 and len(reader.models) == 1:
        opinion = page.digits[0].opinions[reader.models[0]]
        guess = f"{opinion.label} ({opinion.score:.1%})"
        print(f"{name}: {guess if opinion.sure else f'not sure, perhaps {guess}'}")
    else:
        print(f"{name}: {len(page.digits)} digit{'s' if len(page.digits) > 1 else ''}")
        for model in reader.models:
            for number in page.numbers(model):
                print(f"  {model:6}{number}" if len(reader.models) > 1 else f"  {number}")
        for position, digit in _positions(page):
            if not digit.agreed:
                guesses = ", ".join(
                    f"{asked} {opinion.label}{'' if opinion.sure else '?'} ({opinion.score:.1%})"
                    for asked, opinion in digit.opinions.items()
                )
                print(f"  not sure: digit {position} of row {digit.row + 1}, {guesses}")


@app.command()
def ui(
    host: Annotated[str, typer.Option(help="Address to bind to.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 for any free one.")] = 8000,
    model: Annotated[
        list[Model] | None,
        typer.Option(help="Ask this model, the first one by default; may be repeated.  [all]"),
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(help="Answer to this host name too; may be repeated."),
    ] = None,
    store_corrections: Annotated[
        bool, typer.Option("--feedback", help="Store corrections in data/feedback/.")
    ] = False,
) -> None:
    """Serve the page that reads drawings and photographs, and the same over HTTP."""
    from digits.serve import feedback as corrections
    from digits.serve.web import serving

    trained = [name for name in config.MODELS if (paths.MODELS / name).is_dir()]
    models = [name for name in dict.fromkeys([DEFAULT_READER.value, *trained]) if name in trained]
    serving.run(
        [chosen.value for chosen in model or []] or models or [DEFAULT_READER.value],
        host,
        port,
        allow_host or [],
        corrections.FOLDER if store_corrections else None,
    )


@app.command()
def feedback(
    to: Annotated[
        Path | None,
        typer.Option(help="Folder of the data set, for dataset.path.", show_default="data/own"),
    ] = None,
) -> None:
    """Make a data set folder of the corrections that `digits ui --feedback` stored."""
    from digits.serve import feedback as corrections

    to = to or paths.ROOT / "data" / "own"
    made = corrections.export(corrections.FOLDER, to)
    for name, count in made.counts.items():
        print(f"{name}: {count}")
    print(
        f"{sum(made.counts.values())} image(s) of {made.records} correction(s) are in "
        f"{paths.relative(to)}; {made.no_digit} more show no digit"
    )
    for name in made.unreadable:
        print(f"error: {name} in data/feedback is no correction; remove it", file=sys.stderr)
    raise typer.Exit(1 if made.unreadable else 0)


@app.command()
def sync() -> None:
    """Bring MLflow's store up to date with the results in the working tree and in experiments."""
    from digits.tracking import publisher

    with publisher.in_reach("digits sync"):
        written, current = publisher.sync()
    print(f"{publisher.store()}: {written} run(s) written, {current} up to date")


@app.command()
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
    from digits.report import charts, plots
    from digits.tracking import by_hardware, facts, publisher

    config.check(config.read(paths.PARAMS))
    models = [model.value] if model else list(config.MODELS)
    settings = {name: facts.settings(name, facts.in_workspace) for name in models}
    published = definition.published_accuracies()
    task = f"digits compare --by {by.value}"
    with publisher.in_reach(task):
        store = publisher.Store() if publisher.is_made() else None
        runs = store.trainings() if store else []
    selections = by_hardware.select(runs, settings, models)
    if store is None or not selections:
        raise errors.UserError(
            f"expected a finished, evaluated training{f' of {model.value}' if model else ''} in "
            f"MLflow's store {publisher.store()}, found none; run `dvc repro` or "
            "`digits experiment hardware`"
        )
    with publisher.in_reach(task):
        predictions = {
            run.run_id: store.predictions(run.run_id)
            for selection in selections
            for run in selection.latest
        }
        epochs = {
            run.run_id: store.epochs(run.run_id)
            for selection in selections
            for run in selection.runs
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

    text, console = by_hardware.markdown(tables), Console(highlight=False)
    if console.is_terminal:
        for table in tables:
            _print_by_hardware(table, console)
    else:
        print(text)
    made = {
        "hardware.md": text.encode(),
        "hardware.json": by_hardware.as_json(tables).encode(),
        "hardware.png": plots.png(charts.by_hardware(tables)),
    }
    for name, content in made.items():
        with files.atomic(paths.REPORTS / name) as path:
            path.write_bytes(content)
    with publisher.in_reach(task):
        kept = store.keep_comparison(
            by.value,
            {table.model: [row.run_ids[0] for row in table.rows] for table in tables},
            made,
        )
    print(f"reports/hardware.md, .png, .json; {'a new' if kept else 'the same'} run in MLflow")


def _print_by_hardware(table: "by_hardware.Table", console: "Console") -> None:
    from rich.markup import escape
    from rich.table import Table

    from digits.tracking import by_hardware

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


@app.command()
def doctor() -> None:
    """Say what is installed, on which hardware, and whether everything is in order.

    The exit status is 1 if something is not.
    """
    from rich.console import Console

    from digits.verification import doctor

    findings = doctor.examine()
    Console().print(_findings(findings))
    raise typer.Exit(0 if all(finding.good for finding in findings) else 1)


def _findings(findings: "list[Finding]") -> "Table":
    from rich.table import Table

    table = Table(show_header=False, box=None, pad_edge=False)
    for finding in findings:
        mark = "[green]ok[/green]" if finding.good else "[red]not ok[/red]"
        table.add_row(mark, f"[bold]{finding.subject}[/bold]", finding.text)
    return table


@app.command()
def experiment(
    names: Annotated[list[str], typer.Argument(help="Files of experiments/, without .yaml.")],
    model: Annotated[
        list[Model] | None, typer.Option(help="Train this model instead; may be repeated.")
    ] = None,
    queue: Annotated[
        bool, typer.Option("--queue", help="Leave the runs to `dvc queue start`.")
    ] = False,
) -> None:
    """Run experiments over the pipeline, each in a copy, and write experiments/outcomes/NAME.json.

    A run that DVC still holds, of the same parameters and code, is not repeated: so an interrupted
    command is given again. The working tree stays as it is; `dvc exp apply` takes a run over.
    """
    from digits.experiments import definition, running

    models = tuple(dict.fromkeys(chosen.value for chosen in model or []))
    defined = [(name, definition.load(name)) for name in names]
    planned = [definition.runs(name, experiment, models) for name, experiment in defined]
    # All are checked before the first one trains.
    possible = [running.possible(runs) for runs in planned]
    if not queue:
        for name, experiment in defined:
            _conduct(definition.outcome_name(name, experiment, models), name, experiment, models)
        return
    waiting = [run for runs, _ in possible for run in runs if not running.kept(run)]
    for run in waiting:
        running.queue(run)
    for _, left_out in possible:
        _print_left_out(left_out)
    print(f"{len(waiting)} run(s) are queued, the others are done; type `dvc queue start`, and at")
    print("its end this command without --queue")


@app.command()
def reproduce(
    without: Annotated[
        list[Model] | None, typer.Option(help="Leave this model out; may be repeated.")
    ] = None,
) -> None:
    """Run all published experiments, and hold them against their claims in REPRODUCTION.md.

    The exit status is 1 if a claim is not confirmed.
    """
    from digits.experiments import definition, outcome, reproduction, running

    outcomes, pictures = [], {}
    published = {name: definition.load(name) for name in reproduction.published()}
    for name, defined in published.items():
        running.possible(definition.runs(name, defined))  # refuses wrong values before any training
    for name, defined in published.items():
        models = {model for run in definition.runs(name, defined) for model in run.models}
        kept = tuple(one for one in config.MODELS if one in models - set(without or []))
        summary, found = (
            _conduct(name, name, defined, kept)
            if kept
            else (outcome.summarise(name, defined, [], {}), [])
        )
        outcomes.append(summary)
        pictures[name] = reproduction.figures(name, defined.shown, found)
    reproduction.write(outcomes, pictures)
    record = reproduction.record(outcomes)
    print(
        f"REPRODUCTION.md: of {record['claims']} claims {record['agree']} agree, "
        f"{record['differ']} differ, {record['not_run']} were not run"
    )
    raise typer.Exit(1 if record["differ"] else 0)


def _conduct(
    title: str, name: str, experiment: "Experiment", models: tuple[str, ...]
) -> "tuple[dict[str, Any], list[Result]]":
    """Run one experiment, write and print its outcome under the title, and hand both on."""
    from rich.console import Console
    from rich.table import Table

    from digits.experiments import definition, outcome, running

    runs, left_out = running.possible(definition.runs(name, experiment, models))
    found = []
    for number, run in enumerate(runs, start=1):
        print(f"[{number}/{len(runs)}] {run.name}: {', '.join(run.models)}", flush=True)
        found.append(running.kept(run) or running.execute(run))
    summary = outcome.summarise(title, experiment, found, left_out)
    files.write_json(outcome.path(title), summary)

    table = Table("run", "model", "test accuracy", "95% interval", "training", box=None)
    for result, shown in zip(found, summary["runs"], strict=True):
        for model, row in shown["models"].items():
            interval = f"{row['test_accuracy_low']:.2%} to {row['test_accuracy_high']:.2%}"
            accuracy, seconds = f"{row['test_accuracy']:.2%}", f"{row['train_seconds']:,.0f} s"
            table.add_row(result.run.name, model, accuracy, interval, seconds)
    console = Console(highlight=False)
    console.print(table)
    _print_left_out(left_out)
    for claim in summary["claims"]:
        verdict = {True: "agrees", False: "differs", None: "not run"}[claim["agrees"]]
        console.print(f"{verdict}: {claim['text']}: {claim['published']}; here {claim['ours']}")
    print(f"{paths.relative(outcome.path(title))} is written")
    return summary, found


def _print_left_out(left_out: dict[str, str]) -> None:
    for reason in dict.fromkeys(left_out.values()):
        variants = [variant for variant, given in left_out.items() if given == reason]
        print(f"left out: {', '.join(variants)}: {reason}")


@app.command()
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
    from rich.table import Table

    colours = {"bit-equal": "green", "within tolerance": "yellow", "different": "red"}
    table = Table("output", "verdict", "detail", box=None, pad_edge=False)
    for output in report.outputs:
        colour = colours.get(output.verdict, "dim")
        table.add_row(output.path, f"[{colour}]{output.verdict}[/{colour}]", output.detail)
    return table
