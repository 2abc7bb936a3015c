"""The comparison of hardware as text: cells of a table, Markdown, JSON."""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict

from digits.report import measures, text
from digits.tracking.by_hardware import UNKNOWN, Difference, Refusal, Row, Table
from digits.tracking.run import processor

SHOWN_DIGITS = 12
"""Of a SHA-256."""
SHOWN_IMAGES = 20
"""Images with differing predictions that a table lists."""
HEADINGS = (
    "hardware",
    "runs",
    "validation accuracy",
    "test accuracy",
    "predictions",
    "training",
    "to published",
    "images/s",
    "peak memory",
)
EXPLANATION = (
    "Same letter, same predicted class for every test image; the number is that of images with "
    "another one than in the first row. Choose by the validation accuracy; the test accuracy, with "
    "its 95% interval, chooses nothing. Accuracies and predictions are the latest run's; times, "
    "speed and memory are medians over the runs. The time to the published accuracy ends with the "
    "first epoch that has it on the validation set. Images per second are ONNX Runtime's on the "
    "CPU. Memory is that of the training process, without a GPU's own."
)


def cells(table: Table) -> list[list[str]]:
    """The table's rows, a cell for each of `HEADINGS`."""
    return [
        [
            row.name,
            str(len(row.run_ids)),
            text.percent(row.validation_accuracy),
            _accuracy(row),
            _predictions(row),
            text.seconds(row.train_seconds),
            "not reached"
            if row.reached_published is False
            else text.seconds(row.seconds_to_published),
            text.number(row.images_per_second),
            measures.mebibytes(row.peak_memory_mib),
        ]
        for row in table.rows
    ]


def _accuracy(row: Row) -> str:
    if row.test_accuracy_low is None or row.test_accuracy_high is None:
        return text.percent(row.test_accuracy)
    interval = text.interval(row.test_accuracy_low, row.test_accuracy_high)
    return f"{text.percent(row.test_accuracy)} ({interval})"


def _predictions(row: Row) -> str:
    if row.predictions is None:
        return text.UNKNOWN
    if not (differing := row.differing_images):
        return row.predictions
    return f"{row.predictions}, {differing:,} differ{'s' if differing == 1 else ''}"


def remarks(table: Table) -> list[str]:
    """What is said under a table, a paragraph each."""
    said = [
        "These runs have the parameters and the data of the working tree."
        if table.fits
        else "No run in the store has the parameters and the data of the working tree; these are "
        "the runs on most kinds of hardware.",
        *notes(table),
    ]
    if table.published_accuracy is not None:
        said.append(f"The published accuracy is {text.percent(table.published_accuracy)}.")
    if table.differing:
        said.append(
            f"{len(table.differing):,} of {table.test_images:,} test images do not have the same "
            "prediction everywhere; reports/hardware.json lists them."
        )
    return said


def notes(table: Table) -> list[str]:
    """What a reader must know before taking a difference for one of the hardware."""
    said = [
        f"{row.name}: {len(row.run_ids)} runs gave {row.models} different models, so predictions "
        "differ there even between runs."
        for row in table.rows
        if row.models > 1
    ]
    said += _software(table.rows)
    absent = False
    for row in table.rows:
        name = row.name
        if row.differing_images is None:
            lacking = "are not in the store" if row.predictions is None else "cannot be compared"
            absent |= row.predictions is None
            said.append(f"{name}: the predictions {lacking}.")
        own = [processor(row.hardware.device_name, row.hardware.threads)]
        if row.images_per_second_on not in ([], own):
            measured = text.listed(row.images_per_second_on)
            said.append(f"{name}: images per second were measured on {measured}.")
        if row.reached_published and row.seconds_to_published is None:
            absent = True
            said.append(f"{name}: the epochs' times are not in the store.")
    if absent:
        said.append("What is not in the store comes by `digits sync` where the run was made.")
    return said


def _software(rows: Sequence[Row]) -> list[str]:
    """A line for each library of which not all runs had the same version."""
    users: dict[str, dict[str, dict[str, int]]] = defaultdict(lambda: defaultdict(dict))
    for row in rows:
        for package, versions in row.packages.items():
            for version, runs in versions.items():
                users[package][version][row.name] = runs
    said = []
    for package, found in sorted(users.items()):
        *others, usual = sorted(found, key=lambda version: (sum(found[version].values()), version))
        if others:
            told = "; ".join(
                f"{version} in {text.count(sum(found[version].values()), 'run')} on "
                f"{text.listed(found[version])}"
                for version in others
            )
            said.append(f"Not the same software: {package} {told}; {usual} in all others.")
    return said


def reasons(refusal: Refusal) -> str:
    """One line that names refused runs and says what differs."""
    runs = text.count(len(refusal.run_ids), "run")
    hardware = text.listed(refusal.hardware)
    return f"{runs} ({', '.join(refusal.names)}) on {hardware}: {'; '.join(differences(refusal))}"


def differences(refusal: Refusal) -> list[str]:
    """What keeps runs out of the table, a line each."""
    return [
        f"{one.name}: {_differing(one, one.here)} instead of {_differing(one, one.shown)}"
        for one in refusal.differences
    ]


def _differing(difference: Difference, value: object) -> str:
    if isinstance(value, dict):
        return f"{value['images']:,} with SHA-256 {value['sha256'][:SHOWN_DIGITS]}"
    if value is None:
        return UNKNOWN if difference.name.endswith(" images") else "not set"
    return str(value)


def markdown(tables: Sequence[Table]) -> str:
    """All tables, with what was refused and the images whose predictions differ."""
    parts = ["# Models by hardware"]
    for table in tables:
        parts.append(f"## {table.model} on {table.dataset}")
        parts.append(text.markdown_table(HEADINGS, cells(table)))
        parts += remarks(table)
        if table.differing:
            parts.append(_differing_images(table))
        if table.refused:
            refused = "\n".join(f"- {reasons(refusal)}" for refusal in table.refused)
            parts.append(f"Not put side by side with these, because of what differs:\n\n{refused}")
    return "\n\n".join([*parts, EXPLANATION]) + "\n"


def _differing_images(table: Table) -> str:
    letters = list(table.differing[0]["predictions"])
    shown = table.differing[:SHOWN_IMAGES]
    rows = [
        [row["index"], row["label"], *(row["predictions"][letter] for letter in letters)]
        for row in shown
    ]
    listed = text.markdown_table(["image", "true class", *letters], rows)
    rest = len(table.differing) - len(shown)
    return f"{listed}\n\nand {rest:,} more." if rest else listed


def as_json(tables: Sequence[Table]) -> str:
    """The content of hardware.json.

    Returns:
        An object of `by`, always "hardware", and `models`, a list of objects with the fields of
        `Table`, and in it `Row` and `Refusal`; a row's hardware has its `name` beside the fields of
        `Hardware`, a table the `remarks` that stand under it.  Unknown values are null, times are
        in seconds, memory in MiB, accuracies between 0 and 1.

    """
    models = []
    for table in tables:
        shown = asdict(table) | {"remarks": remarks(table)}
        for row in shown["rows"]:
            row["hardware"] = {"name": row.pop("name")} | row["hardware"]
        models.append(shown)
    return json.dumps({"by": "hardware", "models": models}, indent=2, allow_nan=False) + "\n"
