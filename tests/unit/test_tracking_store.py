"""MLflow's store as a projection of the files: whole and idempotent."""

import pytest

from digits.tracking import store as stores
from tests.trained import MODEL, begun, finished, not_evaluated, training_files

AT = 1767225600.0
"""The training of `tests.trained` began then, in seconds since 1970."""


def stored(store):
    return store.client.search_runs([store.experiment])


def test_data_that_somebody_else_wrote_into_the_store_are_not_recorded(store):
    from mlflow.entities import Dataset, DatasetInput, InputTag

    store.publish(finished())
    (run,) = stored(store)
    for profile in (None, "[]", "{}", '{"images": 5, "sha256": "x"}'):
        planted = Dataset("mnist test", "d" * 36, "local", "{}", profile=profile)
        tag = InputTag("mlflow.data.context", "test")
        store.client.log_inputs(run.info.run_id, datasets=[DatasetInput(planted, tags=[tag])])
        (training,) = store.trainings()
        assert set(training.splits) <= {"train", "validation", "test"}


def test_an_evaluation_on_other_images_is_a_run_of_its_own(store):
    store.publish(finished())
    corrections = {"dataset": "folder", "images": 7, "test_sha256": "d" * 64}
    files = training_files(**corrections)
    files["metrics/cnn/summary.json"] = files["metrics/cnn/summary.json"].replace(
        b'"test_accuracy": 0.99', b'"test_accuracy": 0.5'
    )
    assert store.publish(finished(files))
    assert not store.publish(finished(files))
    assert not store.publish(finished())
    by_dataset = {run.data.tags["dataset"]: run for run in stored(store)}
    assert by_dataset["mnist"].data.metrics["test_accuracy"] == 0.99
    apart = by_dataset["folder"]
    assert apart.data.metrics["test_accuracy"] == 0.5
    assert "train_seconds" not in apart.data.metrics
    assert [item.dataset.name for item in apart.inputs.dataset_inputs] == ["folder test"]
    assert [training.run_id for training in store.trainings()] == [by_dataset["mnist"].info.run_id]


def test_publishing_twice_makes_one_run(store):
    assert store.publish(finished())
    assert not store.publish(finished())
    (run,) = stored(store)
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


def test_artifacts_lie_beside_the_file_that_is_the_store(store, tmp_path):
    store.publish(finished())
    (run,) = stored(store)
    assert run.info.artifact_uri.startswith((tmp_path / "mlartifacts").as_uri())


def test_a_later_evaluation_finds_its_run(store):
    files = training_files()
    assert store.publish(finished(not_evaluated(files)))
    assert store.publish(finished(files))
    (run,) = stored(store)
    assert run.data.metrics["test_accuracy"] == 0.99


def test_a_measurement_that_is_repeated_takes_the_place_of_the_former(store):
    files = training_files()
    store.publish(finished(files))
    for latency in (b"0.3", b"0.1"):
        speed = files["metrics/cnn/speed.json"].replace(
            b'"latency_ms": 0.2', b'"latency_ms": ' + latency
        )
        store.publish(finished(files | {"metrics/cnn/speed.json": speed}))
        (run,) = stored(store)
        assert run.data.metrics["latency_ms"] == float(latency)


def test_another_training_of_the_same_model_is_another_run(store):
    store.publish(finished())
    store.publish(finished(training_files(seconds=5.0)))
    assert len(stored(store)) == 2


def test_a_run_that_is_watched_live_is_completed_not_repeated(store):
    run_id = store.open(begun(), AT)
    store.curve(run_id, {"epoch": 1, "train_loss": 0.5, "validation_accuracy": 0.9}, AT + 12)
    assert store.client.get_run(run_id).info.status == "RUNNING"
    store.publish(finished(), run_id)
    (run,) = stored(store)
    assert run.info.status == "FINISHED"
    history = store.client.get_metric_history(run_id, "epoch/train_loss")
    assert [point.step for point in history] == [1, 2]
    history = store.client.get_metric_history(run_id, "epoch/seconds")
    assert [(point.step, point.value) for point in history] == [(1, 12.0), (2, 20.0)]


def test_an_epoch_is_written_once_whatever_its_columns(store):
    files = training_files() | {"metrics/cnn/history.csv": b"epoch,train_accuracy\n1,0.9\n2,1.0\n"}
    store.publish(finished(not_evaluated(files)))
    store.publish(finished(files))
    (run,) = stored(store)
    history = store.client.get_metric_history(run.info.run_id, "epoch/train_accuracy")
    assert [point.step for point in history] == [1, 2]


def test_a_run_whose_store_died_is_taken_up_again(store):
    run_id = store.open(begun(), AT)  # and then the store was gone
    store.publish(finished())
    (run,) = stored(store)
    assert run.info.run_id == run_id
    assert run.info.status == "FINISHED"


def double(store, run_id, start):
    """A second run of the same training, as two writers at once made it in an earlier version."""
    tags = store.client.get_run(run_id).data.tags
    made = store.client.create_run(store.experiment, start_time=start, tags=tags)
    return made.info.run_id


def test_doubles_are_removed_and_the_same_one_is_kept_by_all(store):
    store.publish(finished())
    (first,) = stored(store)
    start = first.info.start_time
    for begun_at in (start, start + 5):
        double(store, first.info.run_id, begun_at)
    same = min(run.info.run_id for run in stored(store) if run.info.start_time == start)
    store.publish(finished())
    (kept,) = stored(store)
    assert kept.info.run_id == same
    assert not store.publish(finished())


def test_a_live_run_stays_where_a_sync_was_quicker(store):
    run_id = store.open(begun(), AT - 1)
    tags = {"digits.publisher": "1", "digits.host": "elsewhere"}
    for key, value in tags.items():
        store.client.set_tag(run_id, key, value)
    store.publish(finished())
    assert len(stored(store)) == 2
    store.publish(finished(), run_id)
    (kept,) = stored(store)
    assert kept.info.run_id == run_id
    assert kept.info.status == "FINISHED"


def test_a_run_that_another_machine_removes_while_it_is_written_is_left_for_the_kept_one(
    store, monkeypatch
):
    write = store.client.log_artifact
    removed: list[str] = []

    def slow(run_id, *arguments):
        if not removed:
            removed.append(run_id)
            # It began earlier on the other machine.
            double(store, run_id, round(AT * 1000) - 5)
            store.client.delete_run(run_id)
            store.client.set_tag(run_id, "digits.slow", "yes")  # refused: the run is gone
        return write(run_id, *arguments)

    monkeypatch.setattr(store.client, "log_artifact", slow)
    assert store.publish(finished())
    (kept,) = stored(store)
    assert kept.info.run_id not in removed
    assert kept.info.status == "FINISHED"
    assert kept.data.metrics["test_accuracy"] == 0.99


def test_a_commit_that_holds_the_files_is_named_where_none_held_the_code(store):
    before = {"mlflow.source.git.commit": "0" * 40, "git.dirty": "true"}
    store.publish(finished(context=before))
    assert not store.publish(finished())  # a stage does not know of a commit that came later
    assert store.publish(finished(), recorded=True)
    assert not store.publish(finished(), recorded=True)
    (run,) = stored(store)
    assert run.data.tags["mlflow.source.git.commit"] == "1" * 40
    assert run.data.tags["git.dirty"] == "false"


def test_the_reader_gives_evaluated_trainings_over_all_pages(store, monkeypatch):
    monkeypatch.setattr(stores, "PAGE", 2)
    for seconds in (1.0, 2.0, 3.0, 4.0, 5.0):
        store.publish(finished(training_files(seconds=seconds)))
    store.publish(finished(training_files(seconds=6.0, model_sha256="f" * 64)))  # not evaluated
    store.open(begun(), AT)  # not finished
    assert store.keep_comparison("hardware", {MODEL: ["one"]}, {"hardware.json": b"{}"})

    trainings = store.trainings()
    assert sorted(training.metrics["train_seconds"] for training in trainings) == [1, 2, 3, 4, 5]
    assert {training.model for training in trainings} == {MODEL}
    assert trainings[0].splits == finished().splits
    assert trainings[0].parameters == finished().parameters
    assert trainings[0].tags["hardware.device_name"] == "Test CPU"
    assert store.epochs(trainings[0].run_id) == [
        {"epoch": 1, "validation_accuracy": 0.9, "seconds": 12.0},
        {"epoch": 2, "validation_accuracy": 0.98, "seconds": 20.0},
    ]
    assert store.count() == 8


def test_a_run_without_predictions_has_none(store):
    files = training_files()
    del files["metrics/cnn/predictions.csv"]
    store.publish(finished(files))
    (training,) = store.trainings()
    assert store.predictions(training.run_id) is None


def test_the_same_comparison_is_kept_once(store):
    def keep(text, picture=b"png"):
        made = {"hardware.json": text, "hardware.png": picture}
        return store.keep_comparison("hardware", {MODEL: ["one", "two"]}, made)

    assert keep(b"1")
    assert not keep(b"1", b"drawn with other fonts")
    assert keep(b"2")
    latest, _ = stored(store)
    assert (latest.info.run_name, latest.info.status) == ("comparison by hardware", "FINISHED")
    assert latest.data.tags["digits.kind"] == "comparison"
    assert latest.data.tags["digits.compared.cnn"] == "one,two"
    artifacts = store.client.list_artifacts(latest.info.run_id)
    assert {item.path for item in artifacts} == {"hardware.json", "hardware.png"}


def test_a_comparison_that_is_cut_off_is_completed(store, monkeypatch):
    def full(*arguments):
        raise OSError("disk full")

    made = {"hardware.json": b"1"}
    with monkeypatch.context() as patched:
        patched.setattr(store.client, "log_artifact", full)
        with pytest.raises(OSError, match="disk full"):
            store.keep_comparison("hardware", {}, made)
    assert [run.info.status for run in stored(store)] == ["FAILED"]
    assert store.keep_comparison("hardware", {}, made)
    assert [run.info.status for run in stored(store)] == ["FINISHED"]


def test_it_is_counted_how_often_a_test_set_was_opened(store):
    assert not store.test_sets_opened()
    store.publish(finished(not_evaluated(training_files())))
    assert not store.test_sets_opened()
    for _ in range(2):
        store.publish(finished())
    other = training_files(dataset="folder", images=7, test_sha256="d" * 64)
    store.publish(finished(other))
    assert store.test_sets_opened() == {("mnist", "c" * 64): 1, ("folder", "d" * 64): 1}
