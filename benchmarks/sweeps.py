"""What a sweep costs beside its trainings: time, memory of its process, bytes in MLflow.

Run as `python -m benchmarks.sweeps [TRIALS [tpe|random]]`; 10,000 random trials take some minutes.
The objective is a stub that takes no time, so that all the time is overhead.  The last lines say
what a sweep of 100,000 trials on 1,000 nodes would need, if all grows as it was measured.
"""

import os
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil

from digits.core import config, errors, paths, records
from digits.core.errors import UserError
from digits.data.split import Part, TrainingData
from digits.report import text
from digits.search import definition, running
from digits.search.objective import OnEpoch, Outcome, Task
from digits.search.plan import duration
from digits.tracking import journal, sweeps

TRIALS = 10_000
EPOCHS = 5
"""Rows of the curve that every trial reports, as a short training would."""
MARKS = 10
"""How often the memory is measured."""
TRIAL_SECONDS = 1.0
"""Of a training, of which the overhead is to be a small part."""
LARGE_TRIALS, LARGE_NODES, LARGE_TRIAL_SECONDS = 100_000, 1_000, 600.0
MIB = 2**20
SPACE = {
    "train": {
        "cnn": {
            "optimizer": {"choice": ["adam", "sgd", "rmsprop"]},
            "learning_rate": {"log_range": [0.0001, 0.1]},
            "dropout": {"range": [0.0, 0.9]},
            "batch_size": {"choice": [32, 64, 128, 256]},
            "epochs": EPOCHS,
        }
    }
}


def stub(task: Task, data: TrainingData, on_epoch: OnEpoch) -> Outcome:
    """Trains nothing; the accuracy is a smooth function of the values."""
    section = task.params["train"]["cnn"]
    distance = abs(np.log10(section["learning_rate"]) + 2.5) + abs(section["dropout"] - 0.3)
    accuracy = float(1 / (1 + distance))
    for epoch in range(1, EPOCHS + 1):
        row = {"train_loss": 1 / epoch, "train_accuracy": accuracy, "validation_loss": 1 / epoch}
        on_epoch({"epoch": float(epoch), "validation_accuracy": accuracy * epoch / EPOCHS} | row)
    measured = {"validation_accuracy": accuracy, "train_seconds": 0.0, "parameters": 1e6}
    return Outcome(measured, {"device": "cpu", "device_name": "stub", "threads": "1"})


def empty() -> TrainingData:
    """A split without images."""
    part = Part(np.zeros((1, 28, 28, 1), np.float32), np.zeros(1, np.uint8), np.zeros(1, np.int32))
    images = records.Images(images=1, per_class=(1,), sha256="0" * 64)
    split = records.Split(
        name="stub",
        classes=("0",),
        raw_side=(28, 28),
        white=255,
        image_shape=(28, 28, 1),
        sets=dict.fromkeys(("train", "validation", "test"), images),
        in_two_sets=records.SharedImages(count=0, first=()),
    )
    return TrainingData(part, part, split)


def main(trials: int = TRIALS, search: str = "random") -> None:
    """Run the sweep in a temporary folder and print what it took."""
    given = {
        "title": "Overhead of a sweep",
        "model": "cnn",
        "search": search,
        "budget": {"trials": trials},
        "space": SPACE,
    }
    wanted = definition.Sweep(
        "overhead", definition.parse(given, "overhead"), config.read(paths.PARAMS)
    )
    data, process = empty(), psutil.Process()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{folder}/store.db"
        place = Path(folder) / "sweep"
        running.begin(wanted, data, place)
        memory: list[float] = []
        ended = 0

        def tell(trial: journal.Trial | None) -> None:
            nonlocal ended
            ended += trial is not None
            if trial is not None and ended % max(1, trials // MARKS) == 0:
                memory.append(process.memory_info().rss / MIB)

        setting = running.Setting(place, train=stub)
        with running.published(place):
            with running.resources(wanted, data, setting) as there:
                at_once = there.at_once(1, 0)
                cpu, began = process.cpu_times(), time.perf_counter()
                running.run(wanted, data, setting, tell)
                seconds = time.perf_counter() - began
                used = sum(process.cpu_times()[:2]) - sum(cpu[:2])
            waited = time.perf_counter()
        behind = time.perf_counter() - waited
        mlflow_cpu = sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])
        stored = (Path(folder) / "store.db").stat().st_size / trials
        logged = (place / journal.TRIALS).stat().st_size / trials
        counted = sweeps.counts(journal.read(place).header.sweep)
        states = [trial.state for trial in journal.read(place).ended]
    each = seconds / trials
    print(f"{trials:,} trials ({search}), {at_once} at once: {duration(seconds)}")
    print(f"  overhead          {each * 1000:.1f} ms a trial, {used / trials * 1000:.1f} ms of CPU")
    shares = [text.percent(one / TRIAL_SECONDS, 1) for one in (each, used / trials)]
    print(f"  at one trial a second, {shares[0]} of the time, {shares[1]} of a core")
    print(f"  memory            {', '.join(f'{one:.0f}' for one in memory)} MiB, at every tenth")
    print(f"  journal           {logged:,.0f} bytes a trial")
    print(f"  MLflow            {stored:,.0f} bytes a trial, {behind:.1f} s behind at the end")
    print(f"                    {mlflow_cpu / trials * 1000:.1f} ms of CPU a trial, at most")
    print(f"  counted           journal {len(states):,}, MLflow {sum(counted.values()):,}")
    _extrapolate(used / trials, stored, logged)


def _extrapolate(each: float, stored: float, logged: float) -> None:
    """On paper: the sweep that no machine here can run, by the CPU of the leading process."""
    computing = LARGE_TRIALS * LARGE_TRIAL_SECONDS / LARGE_NODES
    leading = LARGE_TRIALS * each
    print(f"{LARGE_TRIALS:,} trials of {duration(LARGE_TRIAL_SECONDS)} on {LARGE_NODES:,} nodes:")
    print(f"  computing         {duration(computing)}")
    print(f"  leading           {duration(leading)} of one core: {leading / computing:.1%} of it")
    print(f"  shortest trial that keeps all nodes busy: {each * LARGE_NODES:.0f} s")
    print(f"  MLflow            {stored * LARGE_TRIALS / 2**30:.1f} GiB")
    print(f"  journal           {logged * LARGE_TRIALS / 2**30:.2f} GiB")


if __name__ == "__main__":
    with errors.reported():
        if len(sys.argv) > 3 or not all(one.isdigit() for one in sys.argv[1:2]):
            raise UserError("expected a number of trials and tpe or random after the command")
        main(int(sys.argv[1]) if sys.argv[1:] else TRIALS, *sys.argv[2:])
