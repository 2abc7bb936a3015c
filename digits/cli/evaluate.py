"""`digits evaluate`: let the models read labelled pictures of one's own."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digits.cli.arguments import EVERY_MODEL, Asked
from digits.cli.progress import watched
from digits.core import config, paths
from digits.core.errors import printable

if TYPE_CHECKING:
    from rich.console import Console

    from digits.serve.judging import Judged

NAMED = 10
"""Pictures that are named of each model; --json names all."""


def evaluate(
    folder: Annotated[
        Path,
        typer.Argument(
            help="Pictures of one digit each: a sub-folder for each class, or without sub-folders "
            "the class as the first character of every file's name."
        ),
    ],
    model: Annotated[
        Asked, typer.Option(help="The model to ask, or all of them, side by side.")
    ] = EVERY_MODEL,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object, with what was read in every picture.")
    ] = False,
) -> None:
    """Count how many pictures of a folder every model reads correctly.

    Every picture is read as `digits predict` reads it. It is read correctly where one digit is
    found and the best guess is its class, whether the model abstains or not.
    """
    from rich.console import Console

    from digits.datasets.raw import class_folders
    from digits.serve import judging
    from digits.serve.reader import Reader

    where = printable(str(folder))
    labelled = class_folders.labelled(folder, where)
    pictures = [(label, path) for label, files in labelled.items() for path in files]
    reader = Reader(config.MODELS if model == EVERY_MODEL else [model.value], paths.MODELS)
    judged = judging.judge(reader, watched(pictures, len(pictures), as_json), folder)
    if as_json:
        print(json.dumps({"folder": str(folder), **judged.as_dict()}))
        return
    _print(judged, where, Console(highlight=False))


def _print(judged: "Judged", where: str, console: "Console") -> None:
    from digits.report import text

    models, total = judged.models, len(judged.pictures)
    other = sum(picture.digits != 1 for picture in judged.pictures)
    note = f"; in {other:,} not exactly one digit was found" if other else ""
    print(f"{text.count(total, 'picture')} in {where}{note}")
    _table(
        console,
        ("model", "correct", "95% interval", "abstains", "confident and wrong"),
        [
            (
                name,
                text.percent(one.accuracy),
                text.interval(one.accuracy_low, one.accuracy_high),
                text.percent(one.abstained / total),
                text.percent(one.confident_and_wrong / total),
            )
            for name, one in models.items()
        ],
    )
    first = next(iter(models.values()))
    _table(
        console,
        ("class", "pictures", *models),
        [
            (
                printable(label),
                text.number(counted.images),
                *(text.percent(one.per_class[label].accuracy, 1) for one in models.values()),
            )
            for label, counted in first.per_class.items()
        ],
    )
    if judged.pairs:
        _table(
            console,
            ("models", "difference, points", "only one correct", "p, corrected", "real"),
            [
                (
                    f"{pair.first}, {pair.second}",
                    text.points(pair.difference),
                    f"{pair.only_first_correct}, {pair.only_second_correct}",
                    text.p_value(pair.p_corrected),
                    "yes" if pair.differs else "no",
                )
                for pair in judged.pairs
            ],
        )
        print("McNemar's exact test on the same pictures, with Holm's correction.")
    for name in models:
        wrong = [
            f"{printable(picture.image)} as {printable(picture.answers[name].guess)}"
            for picture in judged.pictures
            if picture.is_confident_and_wrong(name)
        ]
        more = f" and {len(wrong) - NAMED} more" if len(wrong) > NAMED else ""
        if wrong:
            print(f"{name}, confident and wrong: {', '.join(wrong[:NAMED])}{more}")


def _table(console: "Console", columns: Sequence[str], rows: list[tuple[str, ...]]) -> None:
    """A table for a person at a terminal; in Markdown for everything else."""
    from rich.markup import escape
    from rich.table import Table

    from digits.report import text

    if not console.is_terminal:
        print(f"\n{text.markdown_table(columns, rows)}\n")
        return
    table = Table(box=None, pad_edge=False)
    for place, column in enumerate(columns):
        table.add_column(column, justify="right" if place else "left")
    for row in rows:
        table.add_row(*map(escape, row))
    console.print()
    console.print(table)
    console.print()
