"""The command `digits`."""

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digits import config, errors, paths

if TYPE_CHECKING:
    from rich.table import Table

    from digits.diagnosis import Finding

app = typer.Typer(
    help="Read handwritten digits, and look after the pipeline that trains their readers.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Model = StrEnum("Model", list(config.MODELS))  # type: ignore[misc]
DEFAULT_MODEL = Model("cnn")


def main() -> None:
    """Entry point: run the command, and end an expected failure with one message."""
    with errors.reported():
        app()


@app.command()
def predict(
    images: Annotated[list[Path], typer.Argument(help="Image files of one digit each.")],
    model: Annotated[Model, typer.Option(help="The model to ask.")] = DEFAULT_MODEL,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object an image.")] = False,
) -> None:
    """Read images of one digit each, dark on light or light on dark, 28 x 28 pixels or larger.

    The exit status is 1 if an image could not be read; the others are read all the same.
    """
    from digits import scan
    from digits.predictor import Predictor

    predictor = Predictor.load(paths.MODELS / model)
    failed = False
    for path in images:
        try:
            digit = scan.read_digit(path)
        except errors.UserError as error:
            failed = True
            if as_json:
                print(json.dumps({"image": str(path), "error": str(error)}))
            else:
                print(f"error: {error}", file=sys.stderr)
            continue
        scores = predictor.read(digit[None])[0]
        best = int(scores.argmax())
        if as_json:
            print(
                json.dumps(
                    {
                        "image": str(path),
                        "model": model.value,
                        "label": predictor.classes[best],
                        "score": round(float(scores[best]), 6),
                        "scores": {
                            name: round(float(score), 6)
                            for name, score in zip(predictor.classes, scores, strict=True)
                        },
                    }
                )
            )
        else:
            print(f"{path}: {predictor.classes[best]} ({scores[best]:.1%})")
    raise typer.Exit(1 if failed else 0)


@app.command()
def sync() -> None:
    """Bring MLflow's store up to date with the results in the working tree and in experiments."""
    from digits.tracking import publisher

    try:
        written, current = publisher.sync()
    except errors.UserError:
        raise
    except Exception as error:  # whatever a store can fail with
        raise errors.UserError(
            f"MLflow's store {publisher.store()} cannot be written: {error}. Check that it runs "
            "and may be written to, then run `digits sync` again"
        ) from None
    print(f"{publisher.store()}: {written} run(s) written, {current} up to date")


@app.command()
def doctor() -> None:
    """Say what is installed, on which hardware, and whether everything is in order.

    The exit status is 1 if something is not.
    """
    from rich.console import Console

    from digits import diagnosis

    findings = diagnosis.examine()
    Console().print(_findings(findings))
    raise typer.Exit(0 if all(finding.good for finding in findings) else 1)


def _findings(findings: "list[Finding]") -> "Table":
    from rich.table import Table

    table = Table(show_header=False, box=None, pad_edge=False)
    for finding in findings:
        mark = "[green]ok[/green]" if finding.good else "[red]not ok[/red]"
        table.add_row(mark, f"[bold]{finding.subject}[/bold]", finding.text)
    return table
