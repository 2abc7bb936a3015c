"""What 24 short trainings cost as a sweep, beside the same in one process one after the other.

Run as `python -m benchmarks.trainings [IMAGES]`, after `dvc pull` or `dvc repro`; 6,000 images take
some minutes on two cores.  It measures the sweep without ASHA, and one with it, whose best accuracy
is to be within the interval of the best of all.
"""

import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from digits.core import config, errors, paths
from digits.core.errors import UserError
from digits.data.split import Part, TrainingData
from digits.report import text
from digits.search import definition, objective, outcome, running
from digits.search.objective import Task
from digits.search.plan import duration
from digits.tracking import journal

IMAGES, VALIDATION, TRIALS = 6_000, 2_000, 24
RATES = [0.0003, 0.0006, 0.001, 0.002, 0.003, 0.005, 0.008, 0.012]
SPACE = {
    "train": {
        "cnn": {
            "learning_rate": {"choice": RATES},
            "dropout": {"choice": [0.0, 0.3, 0.6]},
            "filters": [8, 16, 32],
            "epochs": 4,
        }
    }
}
EARLY = {"after": 1, "keep": 3}


def smaller(data: TrainingData, images: int) -> TrainingData:
    """The first images of both sets."""

    def first(part: Part, count: int) -> Part:
        return Part(part.images[:count], part.labels[:count], part.index[:count])

    sets = dict(data.description.sets)
    sets["validation"] = sets["validation"].model_copy(update={"images": VALIDATION})
    description = data.description.model_copy(update={"sets": sets})
    return TrainingData(first(data.train, images), first(data.validation, VALIDATION), description)


def sweep(early: dict[str, int] | None) -> definition.Sweep:
    """All combinations, with or without ASHA."""
    given = {"title": "Short trainings", "model": "cnn", "search": "grid", "space": SPACE}
    given |= {"stop_early": early} if early else {}
    return definition.Sweep("short", definition.parse(given, "short"), config.read(paths.PARAMS))


def measured(work: Callable[[], None]) -> tuple[float, float]:
    """Seconds that some work takes, and seconds of CPU of this process and all that it starts."""
    done, used = threading.Event(), dict[int, float]()
    me = psutil.Process()

    def watch() -> None:
        while not done.wait(0.3):
            for one in [me, *me.children(recursive=True)]:
                try:
                    used[one.pid] = sum(one.cpu_times()[:2])
                except psutil.Error:
                    continue

    watcher = threading.Thread(target=watch)
    before = sum(me.cpu_times()[:2])
    watcher.start()
    began = time.perf_counter()
    work()
    seconds = time.perf_counter() - began
    done.set()
    watcher.join()
    return seconds, sum(used.values()) - before


def one_after_the_other(wanted: definition.Sweep, data: TrainingData) -> list[float]:
    """The validation accuracies of all trials, trained in this process with all cores."""
    found = []
    for values in wanted.space.grid():
        params = wanted.space.tree(wanted.base, values)
        task = Task("cnn", params, ("validation_accuracy",), cores=os.cpu_count() or 1, gpus=0)
        found.append(objective.train(task, data, lambda row: None).measures["validation_accuracy"])
    return found


def as_sweep(wanted: definition.Sweep, data: TrainingData, folder: Path) -> None:
    """The same on Ray, with its journal."""
    running.begin(wanted, data, folder)
    setting = running.Setting(folder)
    with running.resources(wanted, data, setting):
        running.run(wanted, data, setting, lambda trial: None)


def main(images: int = IMAGES) -> None:
    """Train three times over; print what each took."""
    data = smaller(TrainingData.read(), images)
    whole, early = sweep(None), sweep(EARLY)
    rows: dict[str, tuple[float, float, str]] = {}
    with tempfile.TemporaryDirectory() as place:
        for name, wanted in (("sweep", whole), ("sweep with ASHA", early)):
            folder = Path(place) / name

            def work(wanted: Any = wanted, folder: Path = folder) -> None:
                as_sweep(wanted, data, folder)

            seconds, cpu = measured(work)
            found = outcome.of(wanted, journal.read(folder))
            highest = found.front[0].measures["validation_accuracy"]
            assert found.interval
            told = (
                f"{found.epochs} epochs, best {text.percent(highest)} "
                f"({text.interval(*found.interval)}), {found.counts}"
            )
            rows[name] = (seconds, cpu, told)
    accuracies: list[float] = []
    seconds, cpu = measured(lambda: accuracies.extend(one_after_the_other(whole, data)))
    print(f"{TRIALS} trainings of the CNN on {images:,} images")
    best = text.percent(max(accuracies))
    print(f"  one process       {duration(seconds)}, {cpu:.0f} s of CPU; best {best}")
    for name, (time_, cpu_, told) in rows.items():
        print(f"  {name:16}  {duration(time_)}, {cpu_:.0f} s of CPU; {told}")
    for name in ("sweep", "sweep with ASHA"):
        by_time, by_cpu = rows[name][0] / seconds, rows[name][1] / cpu
        print(f"  {name} / one process: {by_time:.2f} of the time, {by_cpu:.2f} of the CPU")


if __name__ == "__main__":
    with errors.reported():
        if len(sys.argv) > 2 or not all(one.isdigit() for one in sys.argv[1:]):
            raise UserError("expected a number of images after the command")
        main(*map(int, sys.argv[1:]))
