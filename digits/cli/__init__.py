"""The command `digits`: one module a command, loaded without any library but typer."""

import io
import sys
from collections.abc import Callable

import typer

from digits.cli import (
    checkout,
    compare,
    doctor,
    evaluate,
    experiment,
    feedback,
    gate,
    mlflow,
    predict,
    promote,
    read,
    release,
    reproduce,
    sweep,
    sync,
    ui,
    verify,
)
from digits.core import errors

app = typer.Typer(
    help="Read handwritten digits, and look after the pipeline that trains their readers.",
    epilog="`digits --install-completion` lets the shell complete commands and models.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

ANYWHERE: tuple[Callable[..., None], ...] = (
    predict.predict,
    ui.ui,
    feedback.feedback,
    release.fetch,
)
IN_A_CHECKOUT: tuple[Callable[..., None], ...] = (
    sync.sync,
    mlflow.mlflow,
    compare.compare,
    doctor.doctor,
    evaluate.evaluate,
    experiment.experiment,
    reproduce.reproduce,
    verify.verify,
)

SHARING: tuple[Callable[..., None], ...] = (
    promote.promote,
    promote.rollback,
    promote.history,
    gate.gate,
    release.release,
)

SEARCHING: tuple[Callable[..., None], ...] = (sweep.sweep,)
READING: tuple[Callable[..., None], ...] = (read.read,)

for command in ANYWHERE:
    app.command(rich_help_panel="Read digits")(command)
for command in READING:
    app.command(cls=checkout.Reading, rich_help_panel="Read digits")(command)
for command in IN_A_CHECKOUT:
    app.command(cls=checkout.Command, rich_help_panel="Look after the pipeline, in a checkout")(
        command
    )
for command in SHARING:
    app.command(cls=checkout.Command, rich_help_panel="Share models, in a checkout")(command)
for command in SEARCHING:
    app.command(cls=checkout.Searching, rich_help_panel="Search, in a checkout")(command)


def main() -> None:
    """Entry point: run the command, and end an expected failure with one message."""
    # Names of files need not fit the terminal's encoding.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    with errors.reported():
        app(prog_name="digits")
