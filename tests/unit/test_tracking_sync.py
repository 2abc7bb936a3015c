"""`digits sync`: every training once, under the name of the experiment in which it ran."""

import pytest

from digits.tracking import git, provenance, sync
from digits.tracking import run as runs
from tests.trained import CLEAN, LOCK, PARAMS, training_files

BASELINE = "b" * 40


@pytest.fixture
def project(monkeypatch):
    """Working tree, experiments by name, and the commit that they began at, as far as made."""
    places: dict[str, dict[str, bytes]] = {"working tree": {}, BASELINE: {}}

    def experiments():
        names = [name for name in places if name not in ("working tree", BASELINE)]
        return [git.Experiment(name, BASELINE, name) for name in names]

    def in_workspace(path):
        return places["working tree"].get(path)

    def of_training(model, lock, revision, experiment=None):
        named = {provenance.EXPERIMENT: experiment} if experiment else {}
        return CLEAN | named

    monkeypatch.setattr(git, "experiments", experiments)
    monkeypatch.setattr(git, "at_revision", lambda revision: places[revision].get)
    monkeypatch.setattr(runs, "in_workspace", in_workspace)
    monkeypatch.setattr(provenance, "of_training", of_training)
    monkeypatch.setattr(provenance, "recording", lambda model: "HEAD")
    return places


def files(seconds, epochs=2):
    """A training of so many epochs, told from others by how long it took."""
    changed = (f"epochs: {epochs}".encode(), b"epochs: 2")
    return training_files(seconds=seconds) | {
        "params.yaml": PARAMS.replace(*reversed(changed)),
        "dvc.lock": LOCK.encode().replace(*reversed(changed)),
    }


def names():
    return sorted(run.name for run in sync.trainings())


def test_a_training_belongs_to_the_experiment_in_which_it_ran(project):
    project[BASELINE] = files(1.0)
    project["working tree"] = files(1.0)
    project["wide"] = files(2.0, epochs=3)
    assert names() == ["cnn", "cnn wide"]


def test_an_experiment_is_not_given_what_it_began_with(project):
    project[BASELINE] = files(1.0)
    project["c5"] = files(1.0)  # it trained another model only
    assert names() == ["cnn"]


def test_nor_what_was_not_yet_committed_where_it_began(project):
    project[BASELINE] = files(1.0)
    project["working tree"] = files(2.0)
    project["c5"] = files(2.0)
    assert names() == ["cnn", "cnn"]


def test_an_experiment_that_was_run_in_the_working_tree_keeps_its_name(project):
    project[BASELINE] = files(1.0)
    project["working tree"] = project["wide"] = files(2.0, epochs=3)
    assert names() == ["cnn", "cnn wide"]


def test_what_does_not_follow_from_the_parameters_beside_it_is_left_alone(project):
    project["working tree"] = files(1.0)
    project["stale"] = files(2.0) | {"params.yaml": files(2.0, epochs=3)["params.yaml"]}
    assert names() == ["cnn"]


def test_files_of_another_version_are_left_out_and_named(project, capsys):
    project["working tree"] = files(1.0)
    project["old"] = files(2.0) | {"metrics/cnn/train.json": b"{}"}
    assert names() == ["cnn"]
    said = capsys.readouterr().err
    assert "warning: old is left out: metrics/cnn/train.json does not hold" in said


def test_sync_writes_what_is_missing(project, store):
    project["working tree"] = files(1.0)
    assert sync.sync() == (1, 0)
    assert sync.sync() == (0, 1)
    assert store.count() == 1
