"""MLflow's store as a projection of the files: whole, idempotent, and never in the way."""

import json
import os

import pytest

from digits import tracking
from digits.tracking import facts as facts_of
from digits.tracking import git

MODEL = "cnn"
HARDWARE = {
    "device": "cpu",
    "device_name": "Test CPU",
    "precision": "float32",
    "threads": 2,
    "gpu": None,
    "label": "",
    "packages": {"keras": "3"},
}
PARAMS = b"""
dataset: {name: mnist, path: data/own, fallback: optdigits}
preprocess: {scale: unit}
split: {seed: 0}
hardware: {device: auto}
train: {cnn: {epochs: 2, learning_rate: 1e-3, augmentation: {shift: 1.5}}}
"""


def training_files(seconds=20.0, **test) -> dict[str, bytes]:
    """What a stage of two epochs leaves, and its evaluation."""
    sets = {
        part: {"images": 5, "per_class": [5], "sha256": letter * 64}
        for part, letter in (("train", "a"), ("validation", "b"), ("test", "c"))
    }
    train = {
        "dataset": "mnist",
        "model_sha256": "m" * 64,
        "train_accuracy": 0.97,
        "train_loss": 0.1,
        "validation_accuracy": 0.98,
        "validation_loss": 0.08,
        "parameters": 100,
        "bundle_bytes": 1000,
        "split": sets,
    }
    timing = {
        "started": "2026-01-01T00:00:00.000+00:00",
        "train_seconds": seconds,
        "epoch_seconds": [12.0, 8.0],
        "peak_memory_mib": 500,
        "hardware": HARDWARE,
    }
    return {
        "params.yaml": PARAMS,
        "data/split/split.json": json.dumps({"name": "mnist", "sets": sets}).encode(),
        "metrics/cnn/train.json": json.dumps(train).encode(),
        "metrics/cnn/timing.json": json.dumps(timing).encode(),
        "metrics/cnn/history.csv": b"epoch,train_loss,validation_accuracy\n1,0.5,0.9\n2,0.1,0.98\n",
        "metrics/cnn/test.json": json.dumps(
            {"dataset": "mnist", "model_sha256": "m" * 64, "test_sha256": "c" * 64, **test}
        ).encode(),
        "metrics/cnn/summary.json": b'{"accuracy": 0.99, "validation_accuracy": 0.98}',
        "metrics/cnn/speed.json": json.dumps(
            {
                "images_per_second": 9000.0,
                "latency_ms": 0.2,
                "hardware": {"cpu": "Test CPU", "threads": 2},
            }
        ).encode(),
        "metrics/cnn/predictions.csv": b"index,label,prediction\n60000,7,7\n60001,2,2\n",
        "reports/figures/cnn/confusion.png": b"\x89PNG",
    }


def done(files=None):
    facts = facts_of.done(MODEL, (files or training_files()).get, {"git.dirty": "false"})
    assert facts is not None
    return facts


@pytest.fixture
def store(monkeypatch, tmp_path):
    from digits.tracking import publisher

    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/store.db")
    monkeypatch.chdir(tmp_path)
    yield publisher.Store()
    os.environ.pop("MLFLOW_TRACKING_URI", None)


def runs(store):
    return store.client.search_runs([store.experiment])


def test_facts_hold_the_whole_section_and_the_few_metrics():
    facts = done()
    assert facts.parameters["learning_rate"] == "0.001"
    assert facts.parameters["augmentation.shift"] == "1.5"
    assert facts.parameters["hardware.used_device_name"] == "Test CPU"
    assert facts.metrics["test_accuracy"] == 0.99
    assert facts.metrics["images_per_second"] == 9000
    assert facts.tags["digits.model"] == "m" * 64
    assert facts.curves[1] == {
        "epoch": 2,
        "train_loss": 0.1,
        "validation_accuracy": 0.98,
        "seconds": 20.0,
    }
    assert facts.tags["evaluation.cpu"] == "Test CPU"
    assert set(facts.artifacts) == {"figures/confusion.png", "predictions.csv"}


def test_the_settings_of_the_working_tree_are_those_of_its_training():
    files = training_files()
    without_split = {name: data for name, data in files.items() if "split.json" not in name}
    recorded = done().parameters
    for read in (files.get, without_split.get):
        settings = facts_of.settings(MODEL, read)
        assert settings.parameters.items() <= recorded.items()
        assert all(key.startswith("hardware.used") for key in recorded.keys() - settings.parameters)
        assert settings.splits == done().splits


def test_nothing_trained_is_no_facts():
    assert facts_of.done(MODEL, {"params.yaml": PARAMS}.get, {}) is None


def test_an_evaluation_of_another_model_does_not_count():
    facts = done(training_files(model_sha256="other"))
    assert "test_accuracy" not in facts.metrics
    assert not facts.artifacts


LOCK = """
stages:
  split:
    params: {params.yaml: {split: {seed: 0}}}
    outs: [{path: data/split/train.npz, md5: s1}]
  train_cnn:
    deps: [{path: data/split/train.npz, md5: s1}, {path: stages/train_cnn.py, md5: c}]
    params:
      params.yaml:
        train.cnn: {epochs: 2, learning_rate: 1e-3, augmentation: {shift: 1.5}}
    outs: [{path: models/cnn, md5: m1}]
  evaluate@cnn:
    deps: [{path: models/cnn, md5: m1}]
"""


@pytest.mark.parametrize(
    ("change", "follow"),
    [
        (("x", "x"), {"train_cnn", "evaluate@cnn"}),
        (("epochs: 2", "epochs: 3"), set()),  # params.yaml was edited since
        (("split: {seed: 0}", "split: {seed: 1}"), set()),  # so was what it was trained on
        (("md5: s1}, {", "md5: s2}, {"), set()),  # other data
        (("deps: [{path: models/cnn, md5: m1", "deps: [{path: models/cnn, md5: m2"), {"train_cnn"}),
    ],
)  # fmt: skip
def test_what_follows_from_the_parameters_beside_it(change, follow):
    files = {"params.yaml": PARAMS, "dvc.lock": LOCK.replace(*change).encode()}
    stages = ["train_cnn", "evaluate@cnn", "train_ann"]
    assert facts_of.followed(stages, files.get) == follow


def test_sync_leaves_alone_what_an_experiment_left_alone(store, monkeypatch):
    from digits.tracking import publisher

    monkeypatch.setattr(git, "experiments", lambda: [git.Experiment("e", "b", "wide")])
    monkeypatch.setattr(facts_of, "git_context", lambda *_: {})
    made = training_files() | {"dvc.lock": LOCK.encode()}
    of_others = made | {"params.yaml": PARAMS.replace(b"epochs: 2", b"epochs: 3")}
    monkeypatch.setattr(git, "at_revision", lambda _: of_others.get)
    monkeypatch.setattr(facts_of, "in_workspace", made.get)
    assert publisher.sync() == (1, 0)
    (run,) = runs(store)
    assert run.data.params["epochs"] == "2"


def test_data_that_somebody_else_wrote_into_the_store_are_not_recorded(store):
    from mlflow.entities import Dataset, DatasetInput, InputTag

    store.publish(done())
    (run,) = runs(store)
    for profile in (None, "[]", "{}", '{"images": 5, "sha256": "x"}'):
        planted = Dataset("mnist test", "d" * 36, "local", "{}", profile=profile)
        tag = InputTag("mlflow.data.context", "test")
        store.client.log_inputs(run.info.run_id, datasets=[DatasetInput(planted, tags=[tag])])
        (training,) = store.trainings()
        assert set(training.splits) <= {"train", "validation", "test"}


def test_an_evaluation_on_other_images_is_a_run_of_its_own(store):
    store.publish(done())
    corrections = {"dataset": "folder", "images": 7, "test_sha256": "d" * 64}
    files = training_files(**corrections)
    files["metrics/cnn/summary.json"] = b'{"accuracy": 0.5}'
    assert store.publish(done(files))
    assert not store.publish(done(files))
    assert not store.publish(done())
    by_dataset = {run.data.tags["dataset"]: run for run in runs(store)}
    assert by_dataset["mnist"].data.metrics["test_accuracy"] == 0.99
    apart = by_dataset["folder"]
    assert apart.data.metrics["test_accuracy"] == 0.5
    assert "train_seconds" not in apart.data.metrics
    assert [item.dataset.name for item in apart.inputs.dataset_inputs] == ["folder test"]
    assert [training.run_id for training in store.trainings()] == [by_dataset["mnist"].info.run_id]


def test_publishing_twice_makes_one_run(store):
    assert store.publish(done())
    assert not store.publish(done())
    (run,) = runs(store)
    assert run.info.status == "FINISHED"
    assert run.info.end_time - run.info.start_time == 20_000
    assert run.data.metrics["test_accuracy"] == 0.99
    assert run.data.params["epochs"] == "2"
    assert run.data.tags["git.dirty"] == "false"
    datasets = {(item.dataset.name, item.dataset.digest) for item in run.inputs.dataset_inputs}
    assert len(datasets) == 3
    assert ("mnist train", "a" * 36) in datasets
    history = store.client.get_metric_history(run.info.run_id, "epoch/validation_accuracy")
    assert [(point.step, point.value) for point in history] == [(1, 0.9), (2, 0.98)]
    artifacts = store.client.list_artifacts(run.info.run_id, "figures")
    assert [item.path for item in artifacts] == ["figures/confusion.png"]
    content = training_files()["metrics/cnn/predictions.csv"]
    assert store.predictions(run.info.run_id) == content


def test_a_later_evaluation_finds_its_run(store):
    files = training_files()
    before = {name: data for name, data in files.items() if "test" not in name}
    assert store.publish(done(before))
    assert store.publish(done(files))
    (run,) = runs(store)
    assert run.data.metrics["test_accuracy"] == 0.99


def test_another_training_of_the_same_model_is_another_run(store):
    store.publish(done())
    store.publish(done(training_files(seconds=5.0)))
    assert len(runs(store)) == 2


def test_a_run_that_is_watched_live_is_completed_not_repeated(store):
    begun = facts_of.begun(MODEL, training_files().get, HARDWARE, {})
    run_id = store.open(begun)
    store.curve(run_id, {"epoch": 1, "train_loss": 0.5, "validation_accuracy": 0.9}, 1e9)
    assert store.client.get_run(run_id).info.status == "RUNNING"
    store.publish(done(), run_id)
    (run,) = runs(store)
    assert run.info.status == "FINISHED"
    history = store.client.get_metric_history(run_id, "epoch/train_loss")
    assert [point.step for point in history] == [1, 2]
    history = store.client.get_metric_history(run_id, "epoch/seconds")
    assert [(point.step, point.value) for point in history] == [(1, 12.0), (2, 20.0)]


def test_an_epoch_is_written_once_whatever_its_columns(store):
    files = training_files() | {"metrics/cnn/history.csv": b"epoch,train_accuracy\n1,0.9\n2,1.0\n"}
    before = {name: data for name, data in files.items() if "test" not in name}
    store.publish(done(before))
    store.publish(done(files))
    (run,) = runs(store)
    history = store.client.get_metric_history(run.info.run_id, "epoch/train_accuracy")
    assert [point.step for point in history] == [1, 2]


def test_a_run_whose_store_died_is_taken_up_again(store):
    begun = facts_of.begun(MODEL, training_files().get, HARDWARE, {})
    assert begun.inputs == done().inputs
    run_id = store.open(begun)  # and then the store was gone
    store.publish(done())
    (run,) = runs(store)
    assert run.info.run_id == run_id
    assert run.info.status == "FINISHED"


def publish_from_a_stage(uri, monkeypatch, work):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    with tracking.Publisher() as publisher:
        publisher.open(MODEL, HARDWARE)
        publisher.epoch({"epoch": 1, "train_loss": 0.5})
        work(publisher)


def test_a_stage_that_dies_leaves_no_running_run(store, monkeypatch):
    uri = os.environ["MLFLOW_TRACKING_URI"]

    def die_without_a_word(publisher):
        publisher._process.stdin.close()
        publisher._process.wait()

    publish_from_a_stage(uri, monkeypatch, die_without_a_word)

    def interrupt(publisher):
        raise KeyboardInterrupt

    def fail(publisher):
        raise ZeroDivisionError

    with pytest.raises(KeyboardInterrupt):
        publish_from_a_stage(uri, monkeypatch, interrupt)
    with pytest.raises(ZeroDivisionError):
        publish_from_a_stage(uri, monkeypatch, fail)
    assert [run.info.status for run in runs(store)] == ["FAILED", "KILLED", "KILLED"]
    assert all("epoch/train_loss" in run.data.metrics for run in runs(store))


@pytest.mark.parametrize(
    "uri", ["http://127.0.0.1:9", "sqlite:////proc/no/store.db", "nonsense://store"]
)
def test_a_store_out_of_reach_is_a_warning(uri, monkeypatch, capfd):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    publish_from_a_stage(uri, monkeypatch, lambda publisher: None)
    said = capfd.readouterr().err
    assert "warning: MLflow's store was not brought up to date" in said
    assert "digits sync" in said


def test_the_reader_gives_evaluated_trainings_over_all_pages(store, monkeypatch):
    from digits.tracking import publisher

    monkeypatch.setattr(publisher, "PAGE", 2)
    for seconds in (1.0, 2.0, 3.0, 4.0, 5.0):
        store.publish(done(training_files(seconds=seconds)))
    store.publish(done(training_files(seconds=6.0, model_sha256="other")))  # not evaluated
    store.open(facts_of.begun(MODEL, training_files().get, HARDWARE, {}))  # not finished
    assert store.keep_comparison("hardware", {MODEL: ["one"]}, {"hardware.json": b"{}"})

    trainings = store.trainings()
    assert sorted(training.metrics["train_seconds"] for training in trainings) == [1, 2, 3, 4, 5]
    assert {training.model for training in trainings} == {MODEL}
    assert trainings[0].splits == done().splits
    assert trainings[0].parameters == done().parameters
    assert trainings[0].tags["hardware.device_name"] == "Test CPU"
    assert store.epochs(trainings[0].run_id) == [
        {"epoch": 1, "validation_accuracy": 0.9, "seconds": 12.0},
        {"epoch": 2, "validation_accuracy": 0.98, "seconds": 20.0},
    ]
    assert store.count() == 8


def test_a_run_without_predictions_has_none(store):
    files = training_files()
    del files["metrics/cnn/predictions.csv"]
    store.publish(done(files))
    (training,) = store.trainings()
    assert store.predictions(training.run_id) is None


def test_the_same_comparison_is_kept_once(store):
    def keep(text, picture=b"png"):
        made = {"hardware.json": text, "hardware.png": picture}
        return store.keep_comparison("hardware", {MODEL: ["one", "two"]}, made)

    assert keep(b"1")
    assert not keep(b"1", b"drawn with other fonts")
    assert keep(b"2")
    latest, _ = runs(store)
    assert (latest.info.run_name, latest.info.status) == ("comparison by hardware", "FINISHED")
    assert latest.data.tags["digits.kind"] == "comparison"
    assert latest.data.tags["digits.compared.cnn"] == "one,two"
    artifacts = store.client.list_artifacts(latest.info.run_id)
    assert {item.path for item in artifacts} == {"hardware.json", "hardware.png"}


def test_a_comparison_that_is_cut_off_is_made_again(store, monkeypatch):
    def full(*arguments):
        raise OSError("disk full")

    made = {"hardware.json": b"1"}
    with monkeypatch.context() as patched:
        patched.setattr(store.client, "log_artifacts", full)
        with pytest.raises(OSError, match="disk full"):
            store.keep_comparison("hardware", {}, made)
    assert [run.info.status for run in runs(store)] == ["FAILED"]
    assert store.keep_comparison("hardware", {}, made)


def compare(monkeypatch, tmp_path, *arguments):
    """`digits compare --by hardware`, writing its reports to a folder of the test."""
    from typer.testing import CliRunner

    from digits import cli
    from digits.core import paths

    monkeypatch.setattr(paths, "REPORTS", tmp_path / "reports")
    return CliRunner().invoke(cli.app, ["compare", "--by", "hardware", *arguments])


def test_compare_refuses_another_split_and_writes_its_reports_once(store, monkeypatch, tmp_path):
    store.publish(done())
    other = training_files(seconds=5.0)
    # Neither is the working tree's, so the later one is shown.
    timing = other["metrics/cnn/timing.json"].replace(b"2026-01-01", b"2025-01-01")
    other["metrics/cnn/timing.json"] = timing
    other["params.yaml"] = PARAMS.replace(b"seed: 0", b"seed: 1")
    other["metrics/cnn/train.json"] = other["metrics/cnn/train.json"].replace(b"a" * 64, b"d" * 64)
    store.publish(done(other))

    shown = compare(monkeypatch, tmp_path)
    assert shown.exit_code == 0, shown.output
    text = (tmp_path / "reports" / "hardware.md").read_text()
    assert "split.seed: " in text
    assert "train images: " in text
    (model,) = json.loads((tmp_path / "reports" / "hardware.json").read_text())["models"]
    assert [row["train_seconds"] for row in model["rows"]] == [20.0]
    assert [len(refusal["run_ids"]) for refusal in model["refused"]] == [1]
    assert (tmp_path / "reports" / "hardware.png").read_bytes().startswith(b"\x89PNG")
    assert "a new run in MLflow" in shown.output
    assert "the same run in MLflow" in compare(monkeypatch, tmp_path).output
    assert len(runs(store)) == 3


def test_compare_without_a_training_says_what_to_run(store, monkeypatch, tmp_path):
    store.publish(done())
    shown = compare(monkeypatch, tmp_path, "--model", "svc")
    assert "training of svc" in str(shown.exception)
    assert "dvc repro" in str(shown.exception)
    assert not (tmp_path / "reports").exists()


@pytest.mark.parametrize("uri", ["http://127.0.0.1:9", "nonsense://store"])
def test_compare_says_in_one_line_that_the_store_is_out_of_reach(uri, monkeypatch, tmp_path):
    from digits.core import errors

    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    shown = compare(monkeypatch, tmp_path)
    assert isinstance(shown.exception, errors.UserError)
    assert uri in str(shown.exception)
    assert "\n" not in str(shown.exception)
