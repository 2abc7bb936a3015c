"""The same training on different hardware, side by side; what is not the same is refused by name.

Two runs are put side by side where model, parameters (but those of the section hardware) and the
SHA-256 of training, validation and test set are the same.  Everything here is a function of the
runs that `tracking.publisher` reads from MLflow's store.
"""

import csv
import io
import json
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from digits.tracking.facts import Recorded, Settings

SETS = ("train", "validation", "test")
SHOWN_DIGITS = 12
"""Of a SHA-256, in text for people."""
SHOWN_IMAGES = 20
"""Images that are read differently, in text for people."""
UNKNOWN = "not recorded"
HEADINGS = (
    "hardware",
    "runs",
    "test accuracy",
    "predictions",
    "training",
    "to published",
    "images/s",
    "peak memory",
)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _processor(name: str, threads: int) -> str:
    return f"{name}, {_count(threads, 'thread')}"


@dataclass(frozen=True, order=True)
class Hardware:
    """What a run is told apart by."""

    # CPUs before GPUs: the first row is what the others' predictions are compared with.
    device: str
    device_name: str
    label: str
    precision: str
    threads: int

    @property
    def name(self) -> str:
        label = f" ({self.label})" if self.label else ""
        return f"{_processor(self.device_name, self.threads)}, {self.precision}{label}"


@dataclass(frozen=True)
class Refusal:
    """Runs of the model that are no rows of the table, and why."""

    names: list[str]
    hardware: list[str]
    run_ids: list[str]
    differences: list[str]


@dataclass(frozen=True)
class Selection:
    """What to put side by side for one model."""

    model: str
    rows: dict[Hardware, list[Recorded]]
    """The runs on each hardware, the latest first."""
    refused: list[Refusal]
    reason: str
    """Why these runs, and not the refused ones."""

    @property
    def runs(self) -> list[Recorded]:
        return [run for runs in self.rows.values() for run in runs]

    @property
    def latest(self) -> list[Recorded]:
        return [runs[0] for runs in self.rows.values()]


@dataclass(frozen=True)
class Row:
    """One model on one hardware.  Times and memory are medians over the runs."""

    hardware: Hardware
    run_ids: list[str]
    """The latest first: accuracy and predictions are its."""
    test_accuracy: float
    test_accuracy_low: float | None
    test_accuracy_high: float | None
    predictions: str | None
    """A letter, the same for the same predicted classes; None where the store lacks them."""
    differing_images: int | None
    """Test images that are read otherwise than on the hardware of the first row."""
    train_seconds: float | None
    images_per_second: float | None
    images_per_second_on: list[str]
    """The CPU that ONNX Runtime used for them: not the device of the training if that is a GPU."""
    seconds_to_published: float | None
    """To the end of the first epoch with that accuracy on the validation set, or, of a model
    without epochs, of the training."""
    reached_published: bool | None
    """None where the published accuracy or the epochs are unknown."""
    peak_memory_mib: float | None


@dataclass(frozen=True)
class Table:
    """One model on all its hardware."""

    model: str
    dataset: str
    published_accuracy: float | None
    rows: list[Row]
    test_images: int | None
    differing: list[dict[str, Any]]
    """Of every test image that is not read the same everywhere: its index in the data set, label,
    and the predicted class by the letter of the predictions."""
    reason: str
    notes: list[str]
    refused: list[Refusal]


def select(
    runs: Iterable[Recorded], settings: Mapping[str, Settings], models: Iterable[str]
) -> list[Selection]:
    """Choose, for each model that has runs, those that may stand side by side.

    They are the runs with the parameters and the data of the working tree where the store has
    any, otherwise those that were made on most kinds of hardware, the latest first.

    Args:
        runs: What the store holds.
        settings: What each model would be trained with in the working tree.
        models: The models to look at, in this order.

    """
    groups: dict[str, dict[Any, list[Recorded]]] = defaultdict(lambda: defaultdict(list))
    for run in sorted(runs, key=lambda run: (-run.started, run.run_id)):
        groups[run.model][_sameness(run)].append(run)
    selections = []
    for model in models:
        if not (candidates := list(groups[model].values())):
            continue
        fitting = [group for group in candidates if _fits(group[0], settings[model])]
        chosen = max(
            fitting or candidates,
            key=lambda group: (len({_hardware(run) for run in group}), group[0].started),
        )
        reason = (
            "These runs have the parameters and the data of the working tree."
            if fitting
            else "No run in the store has the parameters and the data of the working tree; these "
            "are the runs on most kinds of hardware."
        )
        rows = defaultdict(list)
        for run in chosen:
            rows[_hardware(run)].append(run)
        refused = [_refuse(group, chosen[0]) for group in candidates if group is not chosen]
        refused.sort(key=lambda refusal: len(refusal.differences))
        selections.append(Selection(model, dict(sorted(rows.items())), refused, reason))
    return selections


def _own(parameters: Mapping[str, str]) -> dict[str, str]:
    """The parameters without those of the hardware."""
    return {key: value for key, value in parameters.items() if not key.startswith("hardware.")}


def _sameness(run: Recorded) -> Any:
    """Equal for runs that may stand side by side; a run whose data are unknown stands alone."""
    digests = tuple(run.splits[part]["sha256"] if part in run.splits else None for part in SETS)
    alone = run.run_id if None in digests else ""
    return tuple(sorted(_own(run.parameters).items())), digests, alone


def _fits(run: Recorded, settings: Settings) -> bool:
    return _own(run.parameters) == _own(settings.parameters) and all(
        run.splits.get(part, {}).get("sha256") == members["sha256"]
        for part, members in settings.splits.items()
    )


def _hardware(run: Recorded) -> Hardware:
    return Hardware(
        device=run.tags.get("hardware.device", UNKNOWN),
        device_name=run.tags.get("hardware.device_name", UNKNOWN),
        label=run.tags.get("hardware.label", ""),
        precision=run.tags.get("hardware.precision", UNKNOWN),
        threads=int(run.tags.get("hardware.threads", 0)),
    )


def _refuse(group: list[Recorded], shown: Recorded) -> Refusal:
    return Refusal(
        names=sorted({run.name for run in group}),
        hardware=[hardware.name for hardware in sorted({_hardware(run) for run in group})],
        run_ids=[run.run_id for run in group],
        differences=_differences(group[0], shown),
    )


def _differences(refused: Recorded, shown: Recorded) -> list[str]:
    """What keeps a run out of the table, one line a set of images or a parameter."""

    def images(run: Recorded, part: str) -> str:
        if (members := run.splits.get(part)) is None:
            return UNKNOWN
        return f"{members['images']:,} with SHA-256 {members['sha256'][:SHOWN_DIGITS]}"

    lines = []
    for part in SETS:
        here, there = refused.splits.get(part), shown.splits.get(part)
        if here is None or there is None or here["sha256"] != there["sha256"]:
            lines.append(f"{part} images: {images(refused, part)} instead of {images(shown, part)}")
    here, there = _own(refused.parameters), _own(shown.parameters)
    lines += [
        f"{key}: {here.get(key, 'not set')} instead of {there.get(key, 'not set')}"
        for key in sorted(here.keys() | there.keys())
        if here.get(key) != there.get(key)
    ]
    return lines


def table(
    selection: Selection,
    predictions: Mapping[str, bytes | None],
    epochs: Mapping[str, list[dict[str, float]]],
    published: float | None,
) -> Table:
    """Put the selected runs side by side.

    Args:
        selection: Runs of one model.
        predictions: Of each latest run the file predictions.csv, by the run's id.
        epochs: Of each run a row an epoch, with `seconds` since the training began and
            `validation_accuracy` where they are known, by the run's id.
        published: The model's published accuracy, where it is known.

    """
    latest = selection.latest
    read = {run.run_id: _predicted(predictions.get(run.run_id)) for run in latest}
    letters = _letters([read[run.run_id] for run in latest])
    first = read[latest[0].run_id]
    rows = [
        _row(hardware, runs, epochs, published, letter, _differing(first, read[runs[0].run_id]))
        for (hardware, runs), letter in zip(selection.rows.items(), letters, strict=True)
    ]
    versions: dict[str, dict[int, tuple[int, int]]] = {}
    for run, letter in zip(latest, letters, strict=True):
        if letter and (content := read[run.run_id]) and first and content.keys() == first.keys():
            versions.setdefault(letter, content)
    return Table(
        model=selection.model,
        dataset=latest[0].tags.get("dataset", UNKNOWN),
        published_accuracy=published,
        rows=rows,
        test_images=len(first) if first else None,
        differing=_read_differently(versions),
        reason=selection.reason,
        notes=_notes(selection, rows),
        refused=selection.refused,
    )


def _row(
    hardware: Hardware,
    runs: list[Recorded],
    epochs: Mapping[str, list[dict[str, float]]],
    published: float | None,
    letter: str | None,
    differing: int | None,
) -> Row:
    def middle(name: str) -> float | None:
        known = [run.metrics[name] for run in runs if name in run.metrics]
        return round(median(known), 3) if known else None

    reached = [_reached(run, epochs.get(run.run_id, []), published) for run in runs]
    times = [seconds for seconds in reached if seconds is not None and not math.isnan(seconds)]
    # A run that does not get there takes forever.
    time = median(times) if times else math.nan
    metrics = runs[0].metrics
    return Row(
        hardware=hardware,
        run_ids=[run.run_id for run in runs],
        test_accuracy=metrics["test_accuracy"],
        test_accuracy_low=metrics.get("test_accuracy_low"),
        test_accuracy_high=metrics.get("test_accuracy_high"),
        predictions=letter,
        differing_images=differing,
        train_seconds=middle("train_seconds"),
        images_per_second=middle("images_per_second"),
        images_per_second_on=sorted(
            {
                _processor(run.tags["evaluation.cpu"], int(run.tags["evaluation.threads"]))
                for run in runs
                if run.tags.keys() >= {"evaluation.cpu", "evaluation.threads"}
            }
        ),
        seconds_to_published=round(time, 3) if math.isfinite(time) else None,
        reached_published=None if reached.count(None) == len(runs) else time != math.inf,
        peak_memory_mib=middle("peak_memory_mib"),
    )


def _reached(
    run: Recorded, epochs: Sequence[Mapping[str, float]], published: float | None
) -> float | None:
    """Seconds until the published accuracy.

    Returns:
        Infinity if the run never got there, NaN if it is not known when, None if it is not known
        whether.

    """
    if published is None:
        return None
    scored = [row for row in epochs if "validation_accuracy" in row]
    # What has no epochs is scored once, at its end.
    for row in scored or [run.metrics | {"seconds": run.metrics.get("train_seconds", math.nan)}]:
        if "validation_accuracy" not in row:
            return None
        if row["validation_accuracy"] >= published:
            return row.get("seconds", math.nan)
    return math.inf


def _predicted(content: bytes | None) -> dict[int, tuple[int, int]] | None:
    """Label and predicted class by the image's index in the data set."""
    if content is None:
        return None
    rows = csv.DictReader(io.StringIO(content.decode()))
    return {int(row["index"]): (int(row["label"]), int(row["prediction"])) for row in rows}


def _letters(predictions: Sequence[dict[int, tuple[int, int]] | None]) -> list[str | None]:
    """A, B, ... for the predictions that differ, in the order in which they appear."""
    seen: list[dict[int, tuple[int, int]]] = []
    letters: list[str | None] = []
    for content in predictions:
        if content is None:
            letters.append(None)
            continue
        if content not in seen:
            seen.append(content)
        letters.append(_letter(seen.index(content)))
    return letters


def _letter(number: int) -> str:
    """A to Z, then AA, AB, ... as spreadsheets name their columns."""
    before, last = divmod(number, 26)
    return (_letter(before - 1) if before else "") + chr(ord("A") + last)


def _differing(
    one: dict[int, tuple[int, int]] | None, other: dict[int, tuple[int, int]] | None
) -> int | None:
    """Images with another predicted class; None if either is unknown or of other images."""
    if one is None or other is None or one.keys() != other.keys():
        return None
    return sum(other[index] != read for index, read in one.items())


def _read_differently(
    versions: Mapping[str, dict[int, tuple[int, int]]],
) -> list[dict[str, Any]]:
    if not versions:
        return []
    first = next(iter(versions.values()))
    return [
        {
            "index": index,
            "label": label,
            "predictions": {letter: content[index][1] for letter, content in versions.items()},
        }
        for index, (label, _) in first.items()
        if len({content[index] for content in versions.values()}) > 1
    ]


def _notes(selection: Selection, rows: Sequence[Row]) -> list[str]:
    """What a reader must know before taking a difference for one of the hardware."""
    notes = []
    versions: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for hardware, runs in selection.rows.items():
        models = {run.tags.get("digits.model") for run in runs}
        if len(models) > 1:
            notes.append(
                f"{hardware.name}: {len(runs)} runs gave {len(models)} different models, so "
                "predictions differ there even between runs."
            )
        for run in runs:
            for key, value in run.tags.items():
                if key.startswith("hardware.packages.") or key == "hardware.python":
                    package = key.removeprefix("hardware.").removeprefix("packages.")
                    versions[package][value].append(hardware.name)
    for package, users in sorted(versions.items()):
        *others, usual = sorted(users, key=lambda version: (len(users[version]), version))
        if others:
            named = "; ".join(
                f"{version} in {_count(len(users[version]), 'run')} on "
                f"{' and '.join(dict.fromkeys(users[version]))}"
                for version in others
            )
            notes.append(f"Not the same software: {package} {named}; {usual} in all others.")
    for row in rows:
        if row.differing_images is None:
            lacking = "are not in the store" if row.predictions is None else "cannot be compared"
            notes.append(f"{row.hardware.name}: the predictions {lacking}.")
        own = [_processor(row.hardware.device_name, row.hardware.threads)]
        if row.images_per_second_on not in ([], own):
            measured = " and ".join(row.images_per_second_on)
            notes.append(f"{row.hardware.name}: images per second were measured on {measured}.")
        if row.reached_published and row.seconds_to_published is None:
            notes.append(f"{row.hardware.name}: the epochs' times are not in the store.")
    if any(note.endswith("not in the store.") for note in notes):
        notes.append("What is not in the store comes by `digits sync` where the run was made.")
    return notes


def cells(table: Table) -> list[list[str]]:
    """The table's rows as text, a cell for each of `HEADINGS`."""
    return [
        [
            row.hardware.name,
            str(len(row.run_ids)),
            _accuracy(row),
            _predictions(row),
            _seconds(row.train_seconds),
            "not reached" if row.reached_published is False else _seconds(row.seconds_to_published),
            "-" if row.images_per_second is None else f"{row.images_per_second:,.0f}",
            "-" if row.peak_memory_mib is None else f"{row.peak_memory_mib:,.0f} MiB",
        ]
        for row in table.rows
    ]


def _accuracy(row: Row) -> str:
    if row.test_accuracy_low is None or row.test_accuracy_high is None:
        return f"{row.test_accuracy:.2%}"
    interval = f"{row.test_accuracy_low:.2%} to {row.test_accuracy_high:.2%}"
    return f"{row.test_accuracy:.2%} ({interval})"


def _predictions(row: Row) -> str:
    if row.predictions is None:
        return "-"
    if not (differing := row.differing_images):
        return row.predictions
    return f"{row.predictions}, {differing:,} differ{'s' if differing == 1 else ''}"


def _seconds(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    return f"{seconds:,.0f} s" if seconds >= 10 else f"{seconds:.1f} s"


def remarks(table: Table) -> list[str]:
    """What is said under a table, a paragraph each."""
    said = [table.reason, *table.notes]
    if table.published_accuracy is not None:
        said.append(f"The published accuracy is {table.published_accuracy:.2%}.")
    if table.differing:
        said.append(
            f"{len(table.differing):,} of {table.test_images:,} test images are not read the same "
            "everywhere; reports/hardware.json lists them."
        )
    return said


def reasons(refusal: Refusal) -> str:
    """One line that names refused runs and says what differs."""
    return (
        f"{_count(len(refusal.run_ids), 'run')} ({', '.join(refusal.names)}) on "
        f"{' and '.join(refusal.hardware)}: {'; '.join(refusal.differences)}"
    )


def markdown(tables: Sequence[Table]) -> str:
    """All tables, with what was refused and the images that are read differently."""
    parts = ["# Models by hardware"]
    for table in tables:
        parts.append(f"## {table.model} on {table.dataset}")
        parts.append(_grid([list(HEADINGS), *cells(table)]))
        parts += remarks(table)
        if table.differing:
            parts.append(_differing_images(table))
        if table.refused:
            refused = "\n".join(f"- {reasons(refusal)}" for refusal in table.refused)
            parts.append(f"Not put side by side with these, because of what differs:\n\n{refused}")
    parts.append(
        "Same letter, same predicted class for every test image; the number is that of images with "
        "another one than in the first row. Accuracy, with its 95% interval, and predictions are "
        "the latest run's; times, speed and memory are medians over the runs. The time to the "
        "published accuracy ends with the first epoch that has it on the validation set. Images "
        "per second are ONNX Runtime's on the CPU. Memory is that of the training process, without "
        "a GPU's own."
    )
    return "\n\n".join(parts) + "\n"


def _differing_images(table: Table) -> str:
    letters = list(table.differing[0]["predictions"])
    shown = table.differing[:SHOWN_IMAGES]
    rows = [
        [str(row["index"]), str(row["label"])]
        + [str(row["predictions"][letter]) for letter in letters]
        for row in shown
    ]
    grid = _grid([["image", "true class", *letters], *rows])
    rest = len(table.differing) - len(shown)
    return f"{grid}\n\nand {rest:,} more." if rest else grid


def _grid(rows: Sequence[Sequence[str]]) -> str:
    lines = [rows[0], ["---"] * len(rows[0]), *rows[1:]]
    # A bar in a name would end the cell.
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines
    )


def as_json(tables: Sequence[Table]) -> str:
    """The content of hardware.json.

    Returns:
        An object of `by`, always "hardware", and `models`, a list of objects with the fields of
        `Table`, and in it `Row` and `Refusal`; a row's hardware has its `name` beside the fields of
        `Hardware`.  Unknown values are null, times are in seconds, memory in MiB, accuracies
        between 0 and 1.

    """
    models = []
    for table in tables:
        shown = asdict(table)
        for row, source in zip(shown["rows"], table.rows, strict=True):
            row["hardware"] = {"name": source.hardware.name} | row["hardware"]
        models.append(shown)
    return json.dumps({"by": "hardware", "models": models}, indent=2, allow_nan=False) + "\n"
