"""The same training on different hardware: what stands side by side, and what is refused."""

from dataclasses import replace

import pytest

from digits.tracking.by_hardware import Difference
from digits.tracking.run import Settings
from tests.stored import EPOCHS, PARAMETERS, SPLITS, predictions, select, table, training


def test_the_same_training_on_two_machines_makes_two_rows():
    shown = table(training("gpu", "G", "gpu"), training("cpu"))
    # The CPU comes first: predictions are compared with its.
    assert [row.hardware.device_name for row in shown.rows] == ["A", "G"]
    assert not shown.refused


def test_equal_values_are_the_same_parameter_however_they_are_written():
    runs = [
        training("int", "A", parameters={"C": "10", "learning_rate": "1e-3", "units": "[8, 16]"}),
        training(
            "float", "B", parameters={"C": "10.0", "learning_rate": "0.001", "units": "[8,16]"}
        ),
    ]
    shown = table(*runs)
    assert len(shown.rows) == 2
    assert not shown.refused
    other = training(
        "other", "C", parameters={"C": "10.5", "learning_rate": "1e-3", "units": "[8, 16]"}
    )
    (refusal,) = table(*runs, other).refused
    assert refusal.differences == [Difference("C", "10.5", "10.0")]


def test_the_settings_of_the_working_tree_are_compared_by_value_too():
    run = training("one", parameters={"C": "10"})
    settings = {"cnn": Settings(PARAMETERS | {"C": "10.0"}, SPLITS)}
    assert select(run, settings=settings).fits


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        (
            {"hardware.cpu_fingerprint": "12345678"},
            {"hardware.cpu_fingerprint": "abcdef01"},
            ["processor 12345678", "processor abcdef01"],
        ),
        ({"hardware.cores": "2"}, {"hardware.cores": "64"}, ["of 2 cores", "of 64 cores"]),
        ({}, {"hardware.cpu_fingerprint": "1a"}, ["processor not recorded", "processor 1a"]),
    ],
)
def test_processors_of_one_name_are_told_apart(first, second, told):
    shown = table(training("one", tags=first), training("two", tags=second))
    assert [row.name for row in shown.rows] == [f"A, 2 threads, float32, {what}" for what in told]


def test_a_gpu_is_itself_whatever_processor_is_beside_it():
    prints = ({"hardware.cpu_fingerprint": name, "hardware.cores": name} for name in "12")
    runs = [training(tags["hardware.cores"], "G", "gpu", tags=tags) for tags in prints]
    (row,) = table(*runs).rows
    assert row.name == "G, 2 threads, float32"


def test_runs_whose_data_are_not_recorded_stand_alone():
    unknown = [replace(training(run_id, "B"), splits={}) for run_id in ("one", "two")]
    selection = select(training("known"), *unknown)
    assert [run.run_id for run in selection.runs] == ["known"]
    assert [refusal.run_ids for refusal in selection.refused] == [["one"], ["two"]]
    assert selection.refused[0].differences[0] == Difference("train images", None, SPLITS["train"])


def test_the_working_tree_decides_what_is_shown():
    other = {"parameters": {"epochs": "9"}}
    runs = [
        training("ours"),
        training("theirs", "B", started=5.0, **other),
        training("theirs too", "C", started=6.0, **other),
    ]
    assert [run.run_id for run in select(*runs).runs] == ["ours"]
    elsewhere = {"cnn": Settings(PARAMETERS | {"epochs": "1"}, SPLITS)}
    selection = select(*runs, settings=elsewhere)
    assert [run.run_id for run in selection.runs] == ["theirs", "theirs too"]
    assert not selection.fits


def test_the_working_trees_data_decide_too():
    split = {"test": {"images": 5, "sha256": "d" * 64}}
    runs = [training("ours", started=0.0), training("theirs", splits=split, started=1.0)]
    assert [run.run_id for run in select(*runs).runs] == ["ours"]
    settings = {"cnn": Settings(PARAMETERS, SPLITS | split)}
    assert [run.run_id for run in select(*runs, settings=settings).runs] == ["theirs"]


def test_repeated_runs_give_medians_of_times_and_the_latest_accuracy():
    runs = [
        training("first", started=1.0, train_seconds=10.0, test_accuracy=0.97),
        training("third", started=3.0, train_seconds=30.0, test_accuracy=0.99),
        training("second", started=2.0, train_seconds=50.0, tags={"digits.model": "n"}),
    ]
    shown = table(*runs, files={"third": predictions(7)})
    (row,) = shown.rows
    assert row.run_ids == ["third", "second", "first"]
    assert (row.train_seconds, row.test_accuracy) == (30.0, 0.99)
    assert row.models == 2


def test_what_tells_hardware_apart():
    runs = [
        training("plain"),
        training("threads", tags={"hardware.threads": "1"}),
        training("precision", tags={"hardware.precision": "bfloat16"}),
        training("label", tags={"hardware.label": "laptop"}),
    ]
    assert {row.name for row in table(*runs).rows} == {
        "A, 2 threads, float32",
        "A, 1 thread, float32",
        "A, 2 threads, bfloat16",
        "A, 2 threads, float32 (laptop)",
    }


def test_predictions_are_compared_image_by_image():
    runs = [training("a", "A"), training("b", "B"), training("c", "C"), training("d", "D")]
    files = {
        "a": predictions(7, 7, 7),
        "b": predictions(7, 7, 7),
        "c": predictions(7, 1, 2),
        "d": None,
    }
    shown = table(*runs, files=files)
    assert [row.predictions for row in shown.rows] == ["A", "A", "B", None]
    assert [row.differing_images for row in shown.rows] == [0, 0, 2, None]
    assert shown.differing == [
        {"index": 60001, "label": 7, "predictions": {"A": 7, "B": 1}},
        {"index": 60002, "label": 7, "predictions": {"A": 7, "B": 2}},
    ]


def test_predictions_of_other_images_are_not_counted():
    files = {"a": predictions(7, 7), "b": predictions(7)}
    shown = table(training("a", "A"), training("b", "B"), files=files)
    assert shown.rows[1].differing_images is None


def test_a_run_that_never_gets_there_takes_forever():
    never = [{"epoch": 1, "validation_accuracy": 0.5, "seconds": 1.0}]
    runs = [training("a"), training("b"), training("c")]
    shown = table(*runs, epochs={"a": EPOCHS, "b": never, "c": EPOCHS}, published=0.95)
    assert shown.rows[0].seconds_to_published == 20.0
    shown = table(*runs, epochs={"a": EPOCHS, "b": never, "c": never}, published=0.95)
    assert (shown.rows[0].seconds_to_published, shown.rows[0].reached_published) == (None, False)


def test_what_has_no_epochs_is_there_at_its_end():
    run = training("a", validation_accuracy=0.98, train_seconds=23.0)
    shown = table(run, epochs={"a": [{"epoch": 1, "seconds": 23.0}]}, published=0.95)
    assert shown.rows[0].seconds_to_published == 23.0
