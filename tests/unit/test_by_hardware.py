"""The hardware table: what stands side by side, what is refused, and what is said of it."""

import json
from dataclasses import replace

import pytest

from digits.report.figures import comparison
from digits.tracking import by_hardware
from digits.tracking.facts import Recorded, Settings

PARAMETERS = {"epochs": "2", "split.seed": "0", "dataset.used": "mnist"}
SPLITS = {
    part: {"images": 5, "sha256": letter * 64}
    for part, letter in (("train", "a"), ("validation", "b"), ("test", "c"))
}
SETTINGS = {"cnn": Settings(PARAMETERS, SPLITS), "svc": Settings({}, {})}
EPOCHS = [
    {"epoch": 1, "validation_accuracy": 0.9, "seconds": 12.0},
    {"epoch": 2, "validation_accuracy": 0.98, "seconds": 20.0},
]


def training(
    run_id, device_name="A", device="cpu", started=0.0, parameters=None, splits=None, **rest
):
    """A run of the CNN; `rest` are its metrics, and `tags`."""
    tags = {
        "model": "cnn",
        "dataset": "mnist",
        "digits.model": "m",
        "hardware.device": device,
        "hardware.device_name": device_name,
        "hardware.precision": "float32",
        "hardware.threads": "2",
        "hardware.packages.keras": "3",
        "evaluation.cpu": "A",
        "evaluation.threads": "2",
    }
    return Recorded(
        run_id=run_id,
        name=f"cnn {run_id}",
        model="cnn",
        parameters=PARAMETERS | {"hardware.used_device_name": device_name} | (parameters or {}),
        tags=tags | rest.pop("tags", {}),
        splits=SPLITS | (splits or {}),
        metrics={
            "test_accuracy": 0.99,
            "test_accuracy_low": 0.98,
            "test_accuracy_high": 0.995,
            "train_seconds": 20.0,
            "images_per_second": 9000.0,
            "peak_memory_mib": 500.0,
        }
        | rest,
        started=started,
    )


def predictions(*classes):
    """predictions.csv for images 60000, 60001, ..., all of class 7."""
    rows = [f"{60000 + place},7,{read}" for place, read in enumerate(classes)]
    return "\n".join(["index,label,prediction", *rows, ""]).encode()


def select(*runs, settings=SETTINGS):
    (selection,) = by_hardware.select(runs, settings, ["cnn"])
    return selection


def table(*runs, files=None, epochs=None, published=None):
    return by_hardware.table(select(*runs), files or {}, epochs or {}, published)


def test_the_same_training_on_two_machines_makes_two_rows():
    shown = table(training("gpu", "G", "gpu"), training("cpu"))
    # The CPU comes first: predictions are compared with its.
    assert [row.hardware.device_name for row in shown.rows] == ["A", "G"]
    assert not shown.refused
    assert by_hardware.cells(shown)[0] == [
        "A, 2 threads, float32",
        "1",
        "99.00% (98.00% to 99.50%)",
        "-",
        "20 s",
        "-",
        "9,000",
        "500 MiB",
    ]


@pytest.mark.parametrize(
    ("planted", "said"),
    [
        (
            {"splits": {"train": {"images": 6, "sha256": "d" * 64}}},
            "train images: 6 with SHA-256 dddddddddddd instead of 5 with SHA-256 aaaaaaaaaaaa",
        ),
        ({"splits": {"test": {"images": 5, "sha256": "d" * 64}}}, "test images: 5 with SHA-256 d"),
        ({"parameters": {"split.seed": "1"}}, "split.seed: 1 instead of 0"),
        ({"parameters": {"epochs": "3"}}, "epochs: 3 instead of 2"),
        ({"parameters": {"dropout": "0.5"}}, "dropout: 0.5 instead of not set"),
    ],
)
def test_a_planted_difference_is_refused_by_name(planted, said):
    shown = table(training("one"), training("other", "B", started=1.0, **planted))
    assert [row.run_ids for row in shown.rows] == [["one"]]
    (refusal,) = shown.refused
    assert refusal.run_ids == ["other"]
    (difference,) = refusal.differences
    assert said in difference
    assert f"- 1 run (cnn other) on B, 2 threads, float32: {difference}" in by_hardware.markdown(
        [shown]
    )


def test_runs_whose_data_are_not_recorded_stand_alone():
    unknown = [replace(training(run_id, "B"), splits={}) for run_id in ("one", "two")]
    selection = select(training("known"), *unknown)
    assert [run.run_id for run in selection.runs] == ["known"]
    assert [refusal.run_ids for refusal in selection.refused] == [["one"], ["two"]]
    assert selection.refused[0].differences[0].startswith("train images: not recorded instead of 5")


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
    assert selection.reason.startswith("No run in the store")


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
    assert any("3 runs gave 2 different models" in note for note in shown.notes)


def test_what_tells_hardware_apart():
    runs = [
        training("plain"),
        training("threads", tags={"hardware.threads": "1"}),
        training("precision", tags={"hardware.precision": "bfloat16"}),
        training("label", tags={"hardware.label": "laptop"}),
    ]
    assert {row.hardware.name for row in table(*runs).rows} == {
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
    assert [line[3] for line in by_hardware.cells(shown)] == ["A", "A", "B, 2 differ", "-"]
    assert any(note.startswith("D, ") and "not in the store" in note for note in shown.notes)
    text = by_hardware.markdown([shown])
    assert "2 of 3 test images are not read the same everywhere" in text
    assert "| 60002 | 7 | 7 | 2 |" in text


def test_predictions_of_other_images_are_not_counted():
    files = {"a": predictions(7, 7), "b": predictions(7)}
    shown = table(training("a", "A"), training("b", "B"), files=files)
    assert shown.rows[1].differing_images is None
    assert any("cannot be compared" in note for note in shown.notes)


@pytest.mark.parametrize(
    ("published", "cell", "reached"),
    [(0.9, "12 s", True), (0.95, "20 s", True), (0.99, "not reached", False), (None, "-", None)],
)
def test_time_to_the_published_accuracy(published, cell, reached):
    shown = table(training("a"), epochs={"a": EPOCHS}, published=published)
    assert by_hardware.cells(shown)[0][5] == cell
    assert shown.rows[0].reached_published is reached


def test_a_run_that_never_gets_there_takes_forever():
    never = [{"epoch": 1, "validation_accuracy": 0.5, "seconds": 1.0}]
    runs = [training("a"), training("b"), training("c")]
    shown = table(*runs, epochs={"a": EPOCHS, "b": never, "c": EPOCHS}, published=0.95)
    assert shown.rows[0].seconds_to_published == 20.0
    shown = table(*runs, epochs={"a": EPOCHS, "b": never, "c": never}, published=0.95)
    assert (shown.rows[0].seconds_to_published, shown.rows[0].reached_published) == (None, False)


def test_missing_epoch_seconds_are_said_not_guessed():
    bare = [{"epoch": 1, "validation_accuracy": 0.98}]
    shown = table(training("a"), epochs={"a": bare}, published=0.95)
    assert by_hardware.cells(shown)[0][5] == "-"
    assert any("epochs' times are not in the store" in note for note in shown.notes)
    assert any("digits sync" in note for note in shown.notes)


def test_what_has_no_epochs_is_there_at_its_end():
    run = training("a", validation_accuracy=0.98, train_seconds=23.0)
    shown = table(run, epochs={"a": [{"epoch": 1, "seconds": 23.0}]}, published=0.95)
    assert shown.rows[0].seconds_to_published == 23.0


def test_other_software_is_said():
    other = {"hardware.packages.keras": "2"}
    shown = table(training("a"), training("c", "C"), training("b", "B", tags=other))
    assert len(shown.rows) == 3
    assert (
        "Not the same software: keras 2 in 1 run on B, 2 threads, float32; 3 in all others."
        in shown.notes
    )


def test_the_json_holds_the_table():
    shown = table(training("a"), epochs={"a": EPOCHS}, published=0.99, files={"a": predictions(7)})
    content = json.loads(by_hardware.as_json([shown]))
    assert content["by"] == "hardware"
    (row,) = content["models"][0]["rows"]
    assert row["hardware"]["name"] == "A, 2 threads, float32"
    assert row["hardware"]["threads"] == 2
    assert (row["seconds_to_published"], row["reached_published"]) == (None, False)


def test_a_bar_in_a_name_does_not_break_the_table():
    text = by_hardware.markdown([table(training("a", "A|B"))])
    assert "| A\\|B, 2 threads, float32 |" in text


def test_the_figure_has_a_band_a_model_and_a_line_a_hardware():
    slow = training("a", "A|B", train_seconds=100.0)
    runs = [slow, training("b", "B", train_seconds=1.0)]
    del slow.metrics["images_per_second"], slow.metrics["test_accuracy_low"]
    figure = comparison.by_hardware([table(*runs)])
    names = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert [name[0] for name in names] == ["A", "B"]
    said = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert {"100.0", "1.0", "\N{EN DASH}"} <= set(said)
