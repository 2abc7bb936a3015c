"""The same training on different hardware, side by side; what is not the same is refused by name.

Two runs are put side by side where model, parameters (but those of the section hardware) and the
SHA-256 of training, validation and test set are the same.  Everything here is a function of the
runs that `tracking.store` reads; `report.by_hardware` writes it down.
"""

import csv
import io
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass
from statistics import median
from typing import Any

from digits.tracking import parameters
from digits.tracking.run import Settings, StoredRun, hardware_name, processor

SETS = ("train", "validation", "test")
UNKNOWN = "not recorded"


@dataclass(frozen=True)
class Hardware:
    """What a run is told apart by."""

    device: str
    device_name: str
    label: str
    precision: str
    threads: int
    cores: int | None
    """Of the CPU that trained, that the process might use; None for a GPU."""
    fingerprint: str | None
    """Of the CPU that trained: virtual machines give different processors the same name."""


def names(found: Iterable[Hardware]) -> dict[Hardware, str]:
    """A name of each hardware; where several would have the same, with what tells them apart."""
    alike: dict[str, list[Hardware]] = defaultdict(list)
    for hardware in dict.fromkeys(found):
        alike[hardware_name(asdict(hardware))].append(hardware)
    return {
        hardware: ", ".join([name, *_distinction(hardware, same)])
        for name, same in alike.items()
        for hardware in same
    }


def _distinction(hardware: Hardware, same: Sequence[Hardware]) -> list[str]:
    told = []
    if len({other.cores for other in same}) > 1:
        told.append(f"of {hardware.cores or UNKNOWN} cores")
    if len({other.fingerprint for other in same}) > 1:
        told.append(f"processor {hardware.fingerprint or UNKNOWN}")
    return told


@dataclass(frozen=True)
class Difference:
    """What keeps a run out of the table: a parameter, or a set of images."""

    name: str
    here: Any
    """A parameter's text; of a set the number of images and the SHA-256; None if unknown."""
    shown: Any
    """The same, of the runs in the table."""


@dataclass(frozen=True)
class Refusal:
    """Runs of the model that are no rows of the table, and why."""

    names: list[str]
    hardware: list[str]
    run_ids: list[str]
    differences: list[Difference]


@dataclass(frozen=True)
class Selection:
    """What to put side by side for one model."""

    model: str
    rows: dict[Hardware, list[StoredRun]]
    """The runs on each hardware, the latest first."""
    refused: list[Refusal]
    fits: bool
    """Whether these runs have the parameters and the data of the working tree; no run has if not,
    and these are those on most kinds of hardware."""

    @property
    def runs(self) -> list[StoredRun]:
        return [run for runs in self.rows.values() for run in runs]

    @property
    def latest(self) -> list[StoredRun]:
        return [runs[0] for runs in self.rows.values()]


@dataclass(frozen=True)
class Row:
    """One model on one hardware.  Times and memory are medians over the runs."""

    hardware: Hardware
    name: str
    """Of the hardware, different in every row."""
    run_ids: list[str]
    """The latest first: accuracies and predictions are its."""
    validation_accuracy: float | None
    """What to choose by; None where there is no validation set."""
    test_accuracy: float
    test_accuracy_low: float | None
    test_accuracy_high: float | None
    predictions: str | None
    """A letter, the same for the same predicted classes; None where the store lacks them."""
    differing_images: int | None
    """Test images with another prediction than on the hardware of the first row."""
    train_seconds: float | None
    images_per_second: float | None
    images_per_second_on: list[str]
    """The CPUs that ONNX Runtime used for them: not the device of the training if that is a GPU."""
    seconds_to_published: float | None
    """To the end of the first epoch with that accuracy on the validation set, or, of a model
    without epochs, of the training."""
    reached_published: bool | None
    """None where the published accuracy or the epochs are unknown."""
    peak_memory_mib: float | None
    models: int
    """Different models that the runs gave."""
    packages: dict[str, dict[str, int]]
    """Of every library the runs by its version; Python is among them."""


@dataclass(frozen=True)
class Table:
    """One model on all its hardware."""

    model: str
    dataset: str
    published_accuracy: float | None
    rows: list[Row]
    test_images: int | None
    differing: list[dict[str, Any]]
    """Of every test image whose prediction is not the same everywhere: its index in the data set,
    label, and the predicted class by the letter of the predictions."""
    fits: bool
    """As in `Selection`."""
    refused: list[Refusal]


def select(
    runs: Iterable[StoredRun], settings: Mapping[str, Settings], models: Iterable[str]
) -> list[Selection]:
    """Choose, for each model that has runs, those that may stand side by side.

    They are the runs with the parameters and the data of the working tree where the store has
    any, otherwise those that were made on most kinds of hardware, the latest first.

    Args:
        runs: What the store holds.
        settings: What each model would be trained with in the working tree.
        models: The models to look at, in this order.

    """
    groups: dict[str, dict[Any, list[StoredRun]]] = defaultdict(lambda: defaultdict(list))
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
        rows = defaultdict(list)
        for run in chosen:
            rows[_hardware(run)].append(run)
        refused = [_refuse(group, chosen[0]) for group in candidates if group is not chosen]
        refused.sort(key=lambda refusal: len(refusal.differences))
        selections.append(
            Selection(
                model,
                dict(sorted(rows.items(), key=lambda row: _order(row[0]))),
                refused,
                bool(fitting),
            )
        )
    return selections


def _own(given: Mapping[str, str]) -> dict[str, str]:
    """The parameters without those of the hardware."""
    return {key: text for key, text in given.items() if not key.startswith("hardware.")}


def _values(given: Mapping[str, str]) -> dict[str, str]:
    """The same by their values: one run's C is 10, another's 10.0."""
    return {key: parameters.canonical(text) for key, text in _own(given).items()}


def _sameness(run: StoredRun) -> Any:
    """Equal for runs that may stand side by side; a run whose data are unknown stands alone."""
    digests = tuple(run.splits[part]["sha256"] if part in run.splits else None for part in SETS)
    alone = run.run_id if None in digests else ""
    return tuple(sorted(_values(run.parameters).items())), digests, alone


def _fits(run: StoredRun, settings: Settings) -> bool:
    return _values(run.parameters) == _values(settings.parameters) and all(
        run.splits.get(part, {}).get("sha256") == members["sha256"]
        for part, members in settings.splits.items()
    )


def _hardware(run: StoredRun) -> Hardware:
    tags = run.tags
    on_cpu = tags.get("hardware.device") != "gpu"
    return Hardware(
        device=tags.get("hardware.device", UNKNOWN),
        device_name=tags.get("hardware.device_name", UNKNOWN),
        label=tags.get("hardware.label", ""),
        precision=tags.get("hardware.precision", UNKNOWN),
        threads=int(tags.get("hardware.threads", 0)),
        cores=int(tags["hardware.cores"]) if on_cpu and "hardware.cores" in tags else None,
        fingerprint=tags.get("hardware.cpu_fingerprint") if on_cpu else None,
    )


def _order(hardware: Hardware) -> Any:
    # CPUs before GPUs: the first row is what the others' predictions are compared with.
    return [(part is not None, part) for part in astuple(hardware)]


def _refuse(group: list[StoredRun], shown: StoredRun) -> Refusal:
    return Refusal(
        names=sorted({run.name for run in group}),
        hardware=list(names(sorted({_hardware(run) for run in group}, key=_order)).values()),
        run_ids=[run.run_id for run in group],
        differences=_differences(group[0], shown),
    )


def _differences(refused: StoredRun, shown: StoredRun) -> list[Difference]:
    """What keeps a run out of the table: first sets of images, then parameters."""
    found = []
    for part in SETS:
        here, there = refused.splits.get(part), shown.splits.get(part)
        if here is None or there is None or here["sha256"] != there["sha256"]:
            found.append(Difference(f"{part} images", here, there))
    values, others = _values(refused.parameters), _values(shown.parameters)
    return found + [
        Difference(key, refused.parameters.get(key), shown.parameters.get(key))
        for key in sorted(values.keys() | others.keys())
        if values.get(key) != others.get(key)
    ]


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
    named = names(selection.rows)
    rows = [
        _row(
            hardware,
            named[hardware],
            runs,
            epochs,
            published,
            letter,
            _differing(first, read[runs[0].run_id]),
        )
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
        differing=_with_other_predictions(versions),
        fits=selection.fits,
        refused=selection.refused,
    )


def _row(
    hardware: Hardware,
    name: str,
    runs: list[StoredRun],
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
        name=name,
        run_ids=[run.run_id for run in runs],
        validation_accuracy=metrics.get("validation_accuracy"),
        test_accuracy=metrics["test_accuracy"],
        test_accuracy_low=metrics.get("test_accuracy_low"),
        test_accuracy_high=metrics.get("test_accuracy_high"),
        predictions=letter,
        differing_images=differing,
        train_seconds=middle("train_seconds"),
        images_per_second=middle("images_per_second"),
        images_per_second_on=sorted(
            {
                processor(run.tags["evaluation.cpu"], int(run.tags["evaluation.threads"]))
                for run in runs
                if run.tags.keys() >= {"evaluation.cpu", "evaluation.threads"}
            }
        ),
        seconds_to_published=round(time, 3) if math.isfinite(time) else None,
        reached_published=None if reached.count(None) == len(runs) else time != math.inf,
        peak_memory_mib=middle("peak_memory_mib"),
        models=len({run.tags.get("digits.model") for run in runs}),
        packages=_packages(runs),
    )


def _packages(runs: Sequence[StoredRun]) -> dict[str, dict[str, int]]:
    """Of every library the runs by its version."""
    versions: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for run in runs:
        for key, version in run.tags.items():
            if key.startswith("hardware.packages.") or key == "hardware.python":
                package = key.removeprefix("hardware.").removeprefix("packages.")
                versions[package][version] += 1
    return {package: dict(found) for package, found in versions.items()}


def _reached(
    run: StoredRun, epochs: Sequence[Mapping[str, float]], published: float | None
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


def _with_other_predictions(
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
