"""A project that is moved or copied takes its store along."""

import shutil
import sqlite3

import pytest

from digits.core import paths
from digits.tracking import connection
from digits.tracking.store import Store
from tests.trained import finished, training_files


@pytest.fixture
def project(empty_store, monkeypatch, tmp_path):
    """Makes a folder the project's root, with a store of its own."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)

    def settle(folder):
        folder.mkdir(exist_ok=True)
        if not (folder / "mlflow.db").exists():
            shutil.copy(empty_store, folder / "mlflow.db")
        monkeypatch.setattr(paths, "STORE", folder / "mlflow.db")
        monkeypatch.setattr(paths, "ARTIFACTS", folder / "mlartifacts")
        monkeypatch.setattr(connection, "LOCAL", f"sqlite:///{folder}/mlflow.db")
        return Store()

    return settle


def texts(path):
    """Every text in a SQLite file."""
    with sqlite3.connect(path) as opened:
        tables = [
            name
            for (name,) in opened.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        return [
            value
            for table in tables
            for row in opened.execute(f'SELECT * FROM "{table}"')
            for value in row
            if isinstance(value, str)
        ]


@pytest.mark.parametrize("names", [("here", "there"), ("a", "a b%c"), ("é", "plain")])
@pytest.mark.parametrize("take", [shutil.move, shutil.copytree])
def test_no_place_of_artifacts_points_into_the_former_folder(take, names, project, tmp_path):
    before, now = (tmp_path / name for name in names)
    store = project(before)
    store.publish(finished())
    kept = sorted(path.name for path in before.rglob("*") if path.is_file())
    take(before, now)

    store = project(now)
    store.publish(finished(training_files(seconds=5.0)))
    written = {training.metrics["train_seconds"]: training for training in store.trainings()}
    for training in written.values():
        assert store.predictions(training.run_id) == training_files()["metrics/cnn/predictions.csv"]
        (uri,) = {store.client.get_run(training.run_id).info.artifact_uri}
        assert uri.startswith(f"{now.as_uri()}/")
    if take is shutil.copytree:
        assert sorted(path.name for path in before.rglob("*") if path.is_file()) == kept
    else:
        assert not before.exists()
    assert not [text for text in texts(now / "mlflow.db") if f"{before.as_uri()}/" in text]


def test_what_a_person_put_elsewhere_stays_there(project, tmp_path):
    store = project(tmp_path / "here")
    store.client.create_experiment("shared", artifact_location="s3://bucket/mlartifacts")
    elsewhere = (tmp_path / "elsewhere").as_uri()
    store.client.create_experiment("other", artifact_location=elsewhere)
    shutil.move(tmp_path / "here", tmp_path / "there")
    store = project(tmp_path / "there")
    places = {one.name: one.artifact_location for one in store.client.search_experiments()}
    assert places["shared"] == "s3://bucket/mlartifacts"
    assert places["other"] == elsewhere
    assert places["digits"] == (tmp_path / "there" / "mlartifacts").as_uri()
