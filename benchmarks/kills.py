"""A sweep on two nodes that die: every trial ends, none is lost, none counted twice.

Run as `python -m benchmarks.kills [TRIALS]`; 20 trials of twelve seconds take some minutes.  Two
raylets of this machine with a core each are the cluster.  One is killed with what runs on it, one
is added late, then the sweep's process is killed with `kill -9`, the head after it, and the sweep
is resumed on a new head.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks import sweeps as stubs
from digits.core import config, errors, paths
from digits.core.errors import UserError
from digits.data.split import TrainingData
from digits.report import text
from digits.search import definition, running
from digits.search.objective import OnEpoch, Outcome, Task
from digits.tracking import journal, sweeps

TRIALS = 20
EPOCHS, EPOCH_SECONDS = 4, 3.0
PATIENCE_SECONDS = 300


def sleeper(task: Task, data: TrainingData, on_epoch: OnEpoch) -> Outcome:
    """Takes twelve seconds; the accuracy is a function of the values."""
    accuracy = 1 - task.params["train"]["cnn"]["dropout"] / 2
    for epoch in range(1, EPOCHS + 1):
        time.sleep(EPOCH_SECONDS)
        on_epoch({"epoch": float(epoch), "validation_accuracy": accuracy * epoch / EPOCHS})
    return Outcome({"validation_accuracy": accuracy}, {"device": "cpu", "device_name": "stub"})


def sweep(trials: int) -> definition.Sweep:
    """So many trials, none of which is stopped."""
    given = {
        "title": "Trials on nodes that die",
        "model": "cnn",
        "search": "random",
        "budget": {"trials": trials},
        "space": stubs.SPACE,
    }
    return definition.Sweep("kills", definition.parse(given, "kills"), config.read(paths.PARAMS))


def drive(trials: int, folder: Path, address: str) -> None:
    """Run the sweep on a cluster until it ends or is killed."""
    data, setting = stubs.empty(), running.Setting(folder, address, train=sleeper)
    with running.published(folder), running.resources(sweep(trials), data, setting):
        running.run(sweep(trials), data, setting, lambda trial: None)


def _driver(trials: int, folder: Path, address: str) -> subprocess.Popen[bytes]:
    words = ["drive", str(trials), str(folder), address]
    return subprocess.Popen([sys.executable, "-m", "benchmarks.kills", *words], cwd=paths.ROOT)


def _wait(folder: Path, ended: int, driver: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while len(journal.read(folder).ended) < ended:
        if time.monotonic() > end or driver.poll() is not None:
            have = len(journal.read(folder).ended)
            raise UserError(f"expected {ended} ended trials of a sweep that runs, received {have}")
        time.sleep(0.2)


def _workers(contents: journal.Contents) -> set[str]:
    """The processes that have ended trials."""
    return {trial.hardware["worker"] for trial in contents.ended if "worker" in trial.hardware}


def main(trials: int = TRIALS) -> None:
    """Kill and resume; print what the journal and MLflow count."""
    os.environ["PYTHONPATH"] = str(paths.ROOT)
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_BACKEND_LOG_LEVEL": "fatal"}
    from ray.cluster_utils import Cluster

    one_core: Any = {"num_cpus": 1, "include_dashboard": False}
    with tempfile.TemporaryDirectory() as place:
        os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{place}/store.db"
        folder = Path(place) / "sweep"
        running.begin(sweep(trials), stubs.empty(), folder)
        cluster = Cluster(initialize_head=True, head_node_args=one_core)
        second = cluster.add_node(num_cpus=1)
        driver = _driver(trials, folder, cluster.address)
        _wait(folder, trials // 5, driver)
        cluster.remove_node(second, allow_graceful=False)
        print(f"a node killed after {len(journal.read(folder).ended)} trials", flush=True)
        _wait(folder, 2 * trials // 5, driver)
        known = _workers(journal.read(folder))
        cluster.add_node(num_cpus=1)
        print(f"a node added after {len(journal.read(folder).ended)} trials", flush=True)
        while not _workers(journal.read(folder)) - known:
            _wait(folder, 1 + len(journal.read(folder).ended), driver)
        print(f"it had ended one after {len(journal.read(folder).ended)}", flush=True)
        _wait(folder, 3 * trials // 5, driver)
        driver.send_signal(signal.SIGKILL)
        driver.wait()
        cluster.shutdown()
        before = journal.read(folder)
        print(
            f"sweep and head killed after {len(before.ended)} trials, "
            f"{text.count(len(before.interrupted), 'trial')} running",
            flush=True,
        )
        cluster = Cluster(initialize_head=True, head_node_args=one_core)
        cluster.add_node(num_cpus=1)
        driver = _driver(trials, folder, cluster.address)
        driver.wait()
        cluster.shutdown()
        contents = journal.read(folder)
        _tell(trials, folder, contents, before, sweeps.counts(contents.header.sweep))


def _tell(
    trials: int,
    folder: Path,
    contents: journal.Contents,
    before: journal.Contents,
    stored: dict[str, int],
) -> None:
    numbers = Counter(trial.number for trial in contents.ended)
    begun = Counter(line["begun"] for line in journal.lines(folder) if "begun" in line)
    states = Counter(trial.state for trial in contents.ended)
    repeated = {number for number, count in begun.items() if count > 1}
    print(f"asked for         {trials}")
    print(f"journal           {len(contents.ended)} ended ({dict(states)})")
    print(f"MLflow            {sum(stored.values())} ended ({stored})")
    print(f"lost              {len(set(range(trials)) - set(numbers))}")
    print(f"counted twice     {sum(count > 1 for count in numbers.values())}")
    print(f"repeated at resumption: {sorted(repeated)}; running then: {sorted(before.interrupted)}")
    again = sum(trial.attempts > 1 for trial in contents.ended)
    print(f"begun again by a dead node: {again}")
    print(f"workers           {len(_workers(contents))}")


if __name__ == "__main__":
    with errors.reported():
        match sys.argv[1:]:
            case ["drive", count, folder, address]:
                drive(int(count), Path(folder), address)
            case []:
                main()
            case [count] if count.isdigit():
                main(int(count))
            case _:
                raise UserError("expected a number of trials after the command")
