"""A sweep on Ray: every trial ends once, and one that is resumed repeats none that has ended."""

import pytest

pytest.importorskip("ray")
pytest.importorskip("optuna")

from digits.core.errors import UserError
from digits.search import cluster, running
from digits.tracking import journal
from tests.unit import sweeps

SPACE = """
train:
  cnn:
    learning_rate: {choice: [0.001, 0.0015, 0.0025, 0.005, 0.007, 0.01]}
    epochs: 4
"""


def conducted(one, folder):
    """Run a sweep with the stub, from the package so that workers can load it."""
    data, told = sweeps.data(), list[journal.Trial | None]()
    setting = running.Setting(folder, train=sweeps.stub)
    with running.resources(one, data, setting):
        running.run(one, data, setting, told.append)
    return [trial for trial in told if trial]


@pytest.fixture
def alone(monkeypatch, tmp_path):
    """Workers that find the tests, and none of the machine's clusters."""
    from digits.core import paths

    monkeypatch.setenv("PYTHONPATH", str(paths.ROOT))
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    return tmp_path / "sweep"


def test_a_sweep_ends_every_trial_once_and_goes_on_after_a_kill(alone, monkeypatch):
    # With this seed, the order of the first three and of the last is the grid's.
    early = {"after": 1, "keep": 2}
    one = sweeps.sweep(SPACE, search="grid", budget={}, stop_early=early, seed=244)
    running.begin(one, sweeps.data(), alone)
    writer = journal.Writer(alone)
    writer.begin(0, {"train.cnn.learning_rate": 0.001})
    writer.end(sweeps.trial(0, 0.2, values={"train.cnn.learning_rate": 0.001}, epochs=4), 1.0)
    writer.begin(1, {"train.cnn.learning_rate": 0.0015})
    writer.close()  # here it was killed
    monkeypatch.setattr(running, "ROUND", 4)
    monkeypatch.setattr(running, "ROUND_EACH", 1)
    told = conducted(one, alone)
    contents = journal.read(alone)
    assert sorted(trial.number for trial in contents.ended) == list(range(6))
    assert sorted(trial.number for trial in told) == list(range(1, 6))
    assert not contents.interrupted
    by_number = {trial.number: trial for trial in contents.ended}
    assert by_number[2].state == "failed"
    assert by_number[2].error == "ValueError: it diverged"
    assert by_number[1].measures["validation_accuracy"] == 0.985
    # Worse than others after the first epoch.
    assert by_number[5].state == "stopped"
    assert by_number[5].epochs == 1
    # Two rounds.
    assert len({trial.hardware["worker"] for trial in told if trial.hardware}) <= 4
    assert not (alone / running.TUNE).exists()


def test_a_cluster_that_is_not_there_is_named():
    with (
        pytest.raises(UserError, match=r"--address: expected .* received ray://there:10001"),
        cluster.connected("ray://there:10001", 0),
    ):
        pass
