"""The logged model of a run: found by MLflow, without the bytes that DVC holds, replaced whole."""

import hashlib
import json
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest

from digits.core import paths
from digits.core.errors import UserError
from digits.inference.predictor import Predictor
from digits.tracking import models
from tests.trained import MODEL, finished, training_files

RULE = f"models/confidence/{MODEL}.json"


def with_model(folder):
    """The files of a training whose model is the tiny one of this name in `folder`."""
    trained = {
        place: (folder.parent / place).read_bytes() for place in models.places(MODEL).values()
    }
    digest = models.sha256(trained[f"models/{MODEL}/bundle.json"])
    described = {
        name: content.replace(b"e" * 64, digest.encode())
        for name, content in training_files().items()
    }
    return described | trained


@pytest.fixture
def checkout(models, monkeypatch):
    """A folder of models that is the checkout's."""
    monkeypatch.setattr(paths, "HOME", models.parent)
    return models


def opened(store):
    """What MLflow loads of the only run, and the folder of its logged model."""
    import mlflow

    (run,) = store.search("")
    (logged,) = models.of_run(store.client, store.experiment, run.info.run_id)
    place = logged.artifact_location
    loaded = mlflow.pyfunc.load_model(f"runs:/{run.info.run_id}/model")
    return loaded, Path(urlsplit(place).path)


def test_a_run_has_its_model_which_answers_as_the_predictor_does(store, checkout, monkeypatch, rng):
    assert store.publish(finished(with_model(checkout)))
    assert not store.publish(finished(with_model(checkout)))
    loaded, folder = opened(store)
    images = rng.integers(0, 255, (3, 28, 28)).astype(np.uint8)
    said = loaded.predict(images)
    expected = Predictor.load(checkout / MODEL).read(images)
    assert np.array_equal(np.array(said.scores.tolist()), expected)
    assert list(said.label) == [str(place) for place in expected.argmax(axis=1)]
    assert said.confident.dtype == bool
    signature = loaded.metadata.signature
    assert signature.inputs.numpy_types() == [np.dtype("uint8")]
    assert [column.name for column in signature.outputs] == ["label", "scores", "confident"]
    assert list(loaded.predict(loaded.input_example).label) == ["1"]
    held = {file.name for file in folder.rglob("*")}
    assert models.DESCRIPTION in held
    assert not held & {models.GRAPH, models.RULE, models.EXAMPLES}


def test_before_its_rule_is_made_a_model_is_confident_of_nothing(store, checkout):
    files = with_model(checkout)
    store.publish(finished({name: files[name] for name in files if name != RULE}))
    loaded, before = opened(store)
    assert not loaded.predict(loaded.input_example).confident.any()
    assert store.publish(finished(files))
    loaded, after = opened(store)
    assert loaded.predict(loaded.input_example).confident.all()
    assert before != after


@pytest.mark.parametrize("name", [f"models/{MODEL}/bundle.json", f"models/{MODEL}/model.onnx"])
def test_the_files_of_another_model_are_not_taken(store, checkout, name):
    files = with_model(checkout)
    other = {name: files[name].replace(b"1", b"2") + b"\n"}
    store.publish(finished(files | other))
    (run,) = store.search("")
    assert not store.client.get_run(run.info.run_id).outputs.model_outputs


def test_bytes_that_are_not_those_that_were_logged_are_refused(store, checkout):
    store.publish(finished(with_model(checkout)))
    (checkout / MODEL / "model.onnx").write_bytes(b"another")
    with pytest.raises(UserError, match="neither in the working tree"):
        opened(store)


def test_a_model_that_has_its_bytes_needs_no_checkout(store, checkout, monkeypatch, tmp_path):
    files = with_model(checkout)
    store.publish(finished(files))
    (run,) = store.search("")
    (logged,) = models.of_run(store.client, store.experiment, run.info.run_id)
    digest = hashlib.sha256(files[f"models/{MODEL}/bundle.json"]).hexdigest()
    members = models.files(MODEL, files.get, digest)
    models.complete(store.client, logged.model_id, members)
    monkeypatch.setattr(paths, "HOME", tmp_path / "elsewhere")
    loaded, folder = opened(store)
    assert list(loaded.predict(loaded.input_example).label) == ["1"]
    assert json.loads(logged.tags[models.FINGERPRINT]) == {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest()
        for file in folder.rglob("data/bundle/*")
        if file.name != models.REFERENCES
    }
