"""A sweep in MLflow: its run, and below it each trial that has ended, once."""

import subprocess
import sys

import pytest

from digits.core import paths
from digits.tracking import journal, sweeps
from digits.tracking.run import KIND
from tests.unit import sweeps as made


def children(store):
    found = store.search(f"tags.`{KIND}` = 'trial'")
    return sorted(found, key=lambda run: int(run.data.tags[sweeps.NUMBER]))


@pytest.fixture
def folder(tmp_path):
    trials = [
        made.trial(0, 0.9),
        made.trial(1, 0.8, state="stopped"),
        made.trial(2, state="failed"),
    ]
    return made.written(tmp_path / "sweep", made.sweep(), *trials)


def test_every_trial_is_a_run_below_the_sweep_s(store, folder):
    projection = sweeps.Projection(folder)
    assert projection.update() == 3
    assert projection.update() == 0
    (own,) = store.search(f"tags.`{KIND}` = 'sweep'")
    runs = children(store)
    assert {run.data.tags["mlflow.parentRunId"] for run in runs} == {own.info.run_id}
    assert [run.info.status for run in runs] == ["FINISHED", "FINISHED", "FAILED"]
    assert [run.data.tags[sweeps.STATE] for run in runs] == ["finished", "stopped", "failed"]
    first = runs[0]
    assert first.data.params["optimizer"] == "sgd"
    assert first.data.params["kernel_sizes"] == "[3, 3, 3]"
    assert first.data.metrics["validation_accuracy"] == 0.9
    assert first.data.tags["hardware.node"] == "here"
    assert runs[2].data.tags["digits.error"] == "it diverged"
    points = store.client.get_metric_history(first.info.run_id, "epoch/validation_accuracy")
    assert [point.step for point in points] == [1, 2]
    assert own.data.metrics["trials"] == 3
    assert own.data.metrics["best/validation_accuracy"] == 0.9
    assert sweeps.counts("0" * 32) == {"finished": 1, "stopped": 1, "failed": 1}


def test_who_goes_on_repeats_nothing_and_completes_what_was_cut_off(store, folder):
    sweeps.Projection(folder).update()
    store.client.update_run(children(store)[1].info.run_id, status="RUNNING")
    writer = journal.Writer(folder)
    writer.end(made.trial(3, 0.95), 1.0)
    writer.close()
    assert sweeps.Projection(folder).update() == 2
    assert [run.info.status for run in children(store)].count("FINISHED") == 3
    assert len(children(store)) == 4
    assert len(store.search(f"tags.`{KIND}` = 'sweep'")) == 1


def test_what_the_store_lacks_is_written_later_once(store, folder):
    assert sweeps.sync(folder.parent) == (3, 0)
    (folder / journal.OUTCOME).write_text("{}")
    assert sweeps.sync(folder.parent) == (0, 3)
    (own,) = store.search(f"tags.`{KIND}` = 'sweep'")
    assert own.info.status == "FINISHED"
    running = journal.Writer(folder)
    assert sweeps.sync(folder.parent) == (0, 0)
    running.close()


def test_trials_are_no_trainings(store, folder):
    sweeps.Projection(folder).update()
    assert store.trainings() == []


@pytest.mark.parametrize(("word", "status"), [("FINISHED\n", "FINISHED"), ("", "KILLED")])
def test_the_second_process_closes_the_sweep_whatever_becomes_of_the_first(
    store, folder, word, status
):
    (folder / "report.md").write_text("# tried")
    done = subprocess.run(
        [sys.executable, "-m", "digits.tracking.sweep_session", str(folder)],
        input=word,
        text=True,
        capture_output=True,
        cwd=paths.ROOT,
    )
    assert done.returncode == 0, done.stderr
    (own,) = store.search(f"tags.`{KIND}` = 'sweep'")
    assert own.info.status == status
    assert len(children(store)) == 3
    assert "report.md" in {item.path for item in store.client.list_artifacts(own.info.run_id)}


def test_a_store_out_of_reach_is_a_warning(folder, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:////proc/no/store.db")
    done = subprocess.run(
        [sys.executable, "-m", "digits.tracking.sweep_session", str(folder)],
        input="FINISHED\n",
        text=True,
        capture_output=True,
        cwd=paths.ROOT,
    )
    assert done.returncode == 1
    assert "warning: " in done.stderr
    assert "--resume" in done.stderr
