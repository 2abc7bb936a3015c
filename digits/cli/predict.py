"""`digits predict`: read the digits of image files."""

import csv
import json
import os
import sys
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digits.cli import checkout
from digits.cli.arguments import ALL, CHAMPION, DEFAULT_READER, Answering
from digits.cli.progress import watched
from digits.core import config, errors, files, paths
from digits.core.errors import printable

if TYPE_CHECKING:
    import numpy as np

    from digits.serve.reader import Page, Prediction, ReadDigit, Reader

DEFAULT = Answering(DEFAULT_READER.value)
BOX = ("left", "top", "right", "bottom")
CSV_COLUMNS = ("image", "row", "position", *BOX, "model", "label", "score", "confident")
STANDARD_INPUT = Path("-")
FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""With what a cell begins that a spreadsheet computes, in wide forms, too."""


def predict(
    images: Annotated[
        list[Path],
        typer.Argument(help="Photographs, scans or drawings; - reads one from standard input."),
    ],
    model: Annotated[
        Answering,
        typer.Option(
            help="The model to ask, all of them side by side, or the registry's champion."
        ),
    ] = DEFAULT,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object an image.")] = False,
    as_csv: Annotated[
        bool,
        typer.Option(
            "--csv",
            help="One line a digit and model; what a spreadsheet would compute begins with '.",
        ),
    ] = False,
    show: Annotated[
        Path | None,
        typer.Option(
            metavar="OUT.png",
            help="Draw what was read onto the picture; onto several: OUT-1.png, OUT-2.png, ...",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Let --show replace files.")] = False,
) -> None:
    """Read every digit of pictures, dark on light or light on dark.

    A "?" is a digit about which the model abstains, or something that is no digit.

    The exit status is 1 if an image could not be read or drawn; the others are read all the same.
    """
    from digits.scan.single.decode import read_image
    from digits.serve import answer

    if as_json and as_csv:
        raise errors.UserError("expected --json or --csv, received both; choose one")
    if images.count(STANDARD_INPUT) > 1:
        raise errors.UserError("expected - once: standard input can be read only once")
    drawn = _drawn(show, images, force)
    reader = _reader(model.value)
    if as_csv:
        _print_line(CSV_COLUMNS)
    failed = False
    for path, out in watched(zip(images, drawn, strict=True), len(images), as_json or as_csv):
        # Bytes that are no UTF-8 would be half characters, which not every reader of JSON takes.
        name = str(path).encode(errors="backslashreplace").decode()
        try:
            grey = read_image(_standard_input() if path == STANDARD_INPUT else path)
            page = reader.read(grey)
        except errors.UserError as error:
            failed = True
            if as_json:
                print(json.dumps({"image": name, "error": str(error)}))
            else:
                print(f"error: {printable(error)}", file=sys.stderr)
            continue
        if as_json:
            said = answer.of_page(page, reader.models, reader.classes)
            print(json.dumps({"image": name, **said.model_dump()}))
        elif as_csv:
            for line in _lines(page, reader):
                _print_line([name, *line])
        else:
            _print_page(printable(name), page, reader)
        if out:
            failed |= not _draw(out, grey, page)
    raise typer.Exit(1 if failed else 0)


def _reader(asked: str) -> "Reader":
    """Whoever is asked."""
    from digits.serve.reader import Reader

    if asked == CHAMPION:
        checkout.require_registry()
        from digits.team import champion

        return champion.load("digits predict")
    return Reader(config.MODELS if asked == ALL else [asked], paths.MODELS)


def _standard_input() -> bytes:
    """What an image file holds that is piped into the command, as far as it may be one."""
    from digits.scan.single.decode import MAX_BYTES

    if sys.stdin is None or sys.stdin.isatty():
        raise errors.UserError(
            "expected an image on standard input, received none; pipe one into the command, as in "
            "`digits predict - < page.png`"
        )
    return sys.stdin.buffer.read(MAX_BYTES + 1)


def _drawn(show: Path | None, images: list[Path], force: bool) -> list[Path | None]:
    """Where each image's annotated picture goes."""
    if show is None:
        if force:
            raise errors.UserError("--force lets --show replace files; expected --show OUT.png too")
        return [None] * len(images)
    if show.suffix.lower() != ".png" or os.path.isdir(show):
        raise errors.UserError(
            f"--show: expected the name of a picture to write, ending in .png, received {show}"
        )
    numbered = [show.with_stem(f"{show.stem}-{number}") for number in range(1, len(images) + 1)]
    drawn = numbered if len(images) > 1 else [show]
    present = [path for path in drawn if os.path.lexists(path)]
    read = [path for path in images if os.path.exists(path)]
    if lost := [path for path in present if path.exists() and any(map(path.samefile, read))]:
        raise errors.UserError(
            f"--show: {lost[0].name} is one of the images to read; choose another name"
        )
    if present and not force:
        raise errors.UserError(
            f"--show: {present[0]} exists; choose another name, or give --force to replace it"
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
        print(f"error: {printable(reason)}", file=sys.stderr)
        return False
    return True


def _print_line(cells: Sequence[object]) -> None:
    safe = [_not_computed(cell) if isinstance(cell, str) else cell for cell in cells]
    csv.writer(sys.stdout, lineterminator="\n").writerow(safe)


def _not_computed(text: str) -> str:
    """Text as a cell that no spreadsheet takes for a formula."""
    text = printable(text)
    return f"'{text}" if text.lstrip().startswith(FORMULA) else text


def _lines(page: "Page", reader: "Reader") -> Iterator[list[object]]:
    """What `CSV_COLUMNS` names, but for the image: rows and positions count from 1."""
    for position, digit in _positions(page):
        for model in reader.models:
            said = digit.predictions[model]
            confident = "yes" if said.confident else "no"
            score = f"{said.score:.6f}"
            yield [digit.row + 1, position, *digit.box, model, said.label, score, confident]


def _positions(page: "Page") -> "Iterator[tuple[int, ReadDigit]]":
    """Every digit with its position in its row, from 1."""
    for _, row in groupby(page.digits, key=lambda digit: digit.row):
        yield from enumerate(row, start=1)


def _print_page(name: str, page: "Page", reader: "Reader") -> None:
    """What a person wants to know: the numbers, and which digits to look at again."""
    if not page.digits:
        print(f"{name}: no digit found")
    elif len(page.digits) == 1 and len(reader.models) == 1:
        print(f"{name}: {_guess(page.digits[0].predictions[reader.models[0]])}")
    else:
        print(f"{name}: {len(page.digits)} digit{'s' if len(page.digits) > 1 else ''}")
        widest = max(map(len, reader.models))
        for model in reader.models:
            for number in page.numbers(model):
                asked = f"{model:{widest}} " if len(reader.models) > 1 else ""
                print(f"  {asked}{printable(number)}")
        for position, digit in _positions(page):
            if not digit.confident:
                guesses = "; ".join(
                    f"{asked} {_guess(said)}" for asked, said in digit.predictions.items()
                )
                print(f"  digit {position} of row {digit.row + 1}: {guesses}")


def _guess(said: "Prediction") -> str:
    """A label with what is to be known about it; of what is no digit, no score means anything."""
    label = printable(said.label)
    if said.withheld == "unlike":
        return f"abstains: {label}? (unlike any {label} in the training set)"
    return (
        f"{label} ({said.score:.1%})"
        if said.confident
        else f"abstains: {label}? ({said.score:.1%})"
    )
