"""What a run is, as its files tell it."""

import pytest

from digits.core.errors import UserError
from digits.tracking import run as runs
from tests.trained import MODEL, PARAMS, begun, finished, not_evaluated, training_files


def test_a_run_holds_the_whole_section_and_the_few_metrics():
    run = finished()
    assert run.parameters["learning_rate"] == "0.001"
    assert run.parameters["augmentation.shift"] == "1.5"
    assert run.parameters["hardware.used_device_name"] == "Test CPU"
    assert run.metrics["test_accuracy"] == 0.99
    assert run.metrics["images_per_second"] == 9000
    assert run.metrics["bundle_mib"] == 3
    assert run.tags["digits.model"] == "e" * 64
    assert run.curves[1] == {
        "epoch": 2,
        "train_loss": 0.1,
        "validation_accuracy": 0.98,
        "seconds": 20.0,
    }
    assert run.tags["evaluation.cpu"] == "Test CPU"
    assert run.tags["digits.kind"] == "training"
    assert set(run.artifacts) == {"figures/confusion.png", "predictions.csv"}


def test_the_settings_of_the_working_tree_are_those_of_its_training():
    files = training_files()
    without_split = {name: data for name, data in files.items() if "split.json" not in name}
    recorded = finished().parameters
    for read in (files.get, without_split.get):
        settings = runs.settings(MODEL, read)
        assert settings.parameters.items() <= recorded.items()
        assert all(key.startswith("hardware.used") for key in recorded.keys() - settings.parameters)
        assert settings.splits == finished().splits


def test_nothing_trained_is_no_run():
    assert runs.finished(MODEL, {"params.yaml": PARAMS}.get, {}) is None


def test_files_of_another_version_are_an_error():
    files = training_files() | {"metrics/cnn/train.json": b'{"model": "cnn"}'}
    with pytest.raises(UserError, match=r"metrics/cnn/train\.json does not hold"):
        runs.finished(MODEL, files.get, {})


def test_an_evaluation_of_another_model_does_not_count():
    run = finished(training_files(model_sha256="f" * 64))
    assert "test_accuracy" not in run.metrics
    assert not run.artifacts


def test_an_evaluation_on_other_images_is_a_run_of_its_own():
    corrections = {"dataset": "folder", "images": 7, "correct": 3, "test_sha256": "d" * 64}
    apart, training = finished(training_files(**corrections)), finished()
    assert apart.is_evaluation
    assert not training.is_evaluation
    assert apart.training != training.training
    assert apart.parameters["dataset.used"] == "folder"
    assert apart.splits == {"test": {"images": 7, "sha256": "d" * 64}}
    assert "train_seconds" not in apart.metrics
    assert not apart.curves


def test_a_run_is_found_by_the_values_that_it_began_with():
    assert begun().inputs == finished().inputs == finished(not_evaluated(training_files())).inputs
    as_float = training_files() | {"params.yaml": PARAMS.replace(b"epochs: 2", b"epochs: 2.0")}
    assert begun(as_float).inputs == begun().inputs
    more = training_files() | {"params.yaml": PARAMS.replace(b"epochs: 2", b"epochs: 3")}
    assert begun(more).inputs != begun().inputs
