"""What the workers report becomes the journal: each trial once, whatever becomes of them."""

import errno

import pytest

from digits.search import worker
from digits.search.recorder import Recorder
from digits.tracking import journal
from tests.unit import sweeps

VALUES = {"train.cnn.optimizer": "sgd", "train.cnn.learning_rate": 0.002}


class Learner:
    """Stands for the proposals."""

    def __init__(self, sweep):
        self.sweep, self.epochs, self.told = sweep, 0, []

    def tell(self, trial):
        self.told.append(trial)


@pytest.fixture
def learner():
    return Learner(sweeps.sweep())


@pytest.fixture
def writer(tmp_path, learner):
    sweeps.written(tmp_path, learner.sweep)
    writer = journal.Writer(tmp_path)
    yield writer
    writer.close()


@pytest.fixture
def recorder(writer, learner):
    return Recorder(writer, learner, lambda trial: None)


def epoch(number, accuracy=0.9):
    row = {"epoch": float(number), "validation_accuracy": accuracy, "seconds": float(number)}
    return {worker.ROWS: [row]}


def outcome(accuracy=0.95):
    told = {"measures": {"validation_accuracy": accuracy}, "hardware": {"node": "here"}}
    return epoch(2, accuracy) | {worker.OUTCOME: told}


def ended(tmp_path):
    return journal.read(tmp_path).ended


def test_a_trial_that_comes_to_its_end_is_finished(recorder, learner, tmp_path):
    recorder.begin(0, VALUES)
    recorder.hear(0, epoch(1))
    recorder.hear(0, outcome())
    recorder.complete(0)
    (trial,) = ended(tmp_path)
    assert (trial.state, trial.epochs, trial.attempts) == ("finished", 2, 1)
    assert trial.measures == {"validation_accuracy": 0.95}
    assert learner.told == [trial]
    assert learner.epochs == 2


def test_one_that_is_stopped_keeps_its_last_epoch(recorder, tmp_path):
    recorder.begin(0, VALUES)
    recorder.hear(0, epoch(1, 0.5))
    recorder.complete(0)
    (trial,) = ended(tmp_path)
    assert (trial.state, trial.measures) == ("stopped", {"validation_accuracy": 0.5})


def test_a_fault_of_the_training_is_a_failure_without_another_try(recorder, tmp_path):
    recorder.begin(0, VALUES)
    recorder.hear(0, epoch(1))
    recorder.hear(0, {worker.FAILED: "training diverged", "hardware": {"node": "here"}})
    recorder.complete(0)
    (trial,) = ended(tmp_path)
    assert (trial.state, trial.error, trial.measures) == ("failed", "training diverged", {})
    assert trial.hardware == {"node": "here"}


def test_a_dead_worker_s_trial_begins_again_and_counts_once(recorder, learner, tmp_path):
    recorder.begin(0, VALUES)
    recorder.hear(0, epoch(1))
    recorder.begin(0, VALUES)
    recorder.hear(0, epoch(1))
    recorder.hear(0, outcome())
    recorder.complete(0)
    (trial,) = ended(tmp_path)
    assert (trial.epochs, trial.attempts) == (2, 2)
    assert learner.epochs == 2
    assert sum("begun" in line for line in sweeps.lines(tmp_path)) == 1


def test_a_trial_whose_last_worker_died_has_failed(recorder, tmp_path):
    recorder.begin(0, VALUES)
    recorder.lose(0, "The actor\ndied: out of memory")
    (trial,) = ended(tmp_path)
    assert trial.error == "1 workers died: The actor died: out of memory"


def test_an_objective_that_is_no_number_is_a_failure(recorder, tmp_path):
    recorder.begin(0, VALUES)
    recorder.hear(0, outcome(float("nan")))
    recorder.complete(0)
    (trial,) = ended(tmp_path)
    assert (trial.state, trial.error) == (
        "failed",
        "validation_accuracy: not a finite number",
    )


def test_what_runs_at_the_end_of_the_time_is_stopped_or_left(recorder, tmp_path):
    recorder.begin(0, VALUES)
    recorder.hear(0, epoch(1))
    recorder.begin(1, VALUES)
    recorder.close()
    assert [(trial.number, trial.state) for trial in ended(tmp_path)] == [(0, "stopped")]
    assert list(journal.read(tmp_path).interrupted) == [1]


def test_time_ends_a_sweep(writer, learner):
    assert Recorder(writer, learner, print, seconds=0.0).is_over
    assert not Recorder(writer, learner, print, seconds=100.0).is_over


def test_a_full_disk_ends_a_sweep(recorder, writer, monkeypatch):
    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device", "trials.jsonl")

    monkeypatch.setattr(writer, "begin", full)
    recorder.begin(0, VALUES)
    assert recorder.is_over
    assert isinstance(recorder.failure, OSError)
