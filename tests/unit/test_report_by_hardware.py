"""How the comparison of hardware is written: cells, remarks, Markdown, JSON, the figure."""

import json
from dataclasses import replace

import pytest

from digits.report import by_hardware, text
from digits.report.figures import comparison
from tests.stored import EPOCHS, predictions, table, training

DASH = text.UNKNOWN


def test_a_row_is_written_in_cells():
    assert by_hardware.cells(table(training("one")))[0] == [
        "A, 2 threads, float32",
        "1",
        text.UNKNOWN,
        "99.00% (98.00% to 99.50%)",
        text.UNKNOWN,
        "20 s",
        text.UNKNOWN,
        "9,000",
        "500.0 MiB",
    ]


def test_what_is_shown_is_explained():
    fitting = table(training("ours"))
    assert by_hardware.remarks(fitting)[0].startswith("These runs have the parameters")
    other = table(training("theirs", parameters={"epochs": "9"}))
    assert by_hardware.remarks(other)[0].startswith("No run in the store has the parameters")


def test_different_models_of_one_hardware_are_said():
    runs = [training("one"), training("two", tags={"digits.model": "n"})]
    (note,) = [note for note in by_hardware.notes(table(*runs)) if "models" in note]
    assert "2 runs gave 2 different models" in note


def test_predictions_are_lettered_and_listed():
    files = {"a": predictions(7, 7, 7), "b": predictions(7, 1, 2), "c": predictions(7), "d": None}
    shown = table(*(training(name, name.upper()) for name in "abcd"), files=files)
    written = [line[4] for line in by_hardware.cells(shown)]
    assert written == ["A", "B, 2 differ", "C", text.UNKNOWN]
    notes = by_hardware.notes(shown)
    assert any(note.startswith("C, ") and "cannot be compared" in note for note in notes)
    assert any(note.startswith("D, ") and "not in the store" in note for note in notes)
    page = by_hardware.markdown([shown])
    assert "2 of 3 test images do not have the same prediction everywhere" in page
    assert "| 60002 | 7 | 7 | 2 |" in page


def test_a_set_of_unknown_images_is_said():
    known, unknown = training("known"), replace(training("unknown", "B"), splits={})
    (refusal,) = table(known, unknown).refused
    assert by_hardware.differences(refusal)[0].startswith("train images: not recorded instead of 5")


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
    (difference,) = by_hardware.differences(refusal)
    assert said in difference
    assert f"- 1 run (cnn other) on B, 2 threads, float32: {difference}" in by_hardware.markdown(
        [shown]
    )


@pytest.mark.parametrize(
    ("published", "cell", "reached"),
    [
        (0.9, "12 s", True),
        (0.95, "20 s", True),
        (0.99, "not reached", False),
        (None, DASH, None),
    ],
)
def test_time_to_the_published_accuracy(published, cell, reached):
    shown = table(training("a"), epochs={"a": EPOCHS}, published=published)
    assert by_hardware.cells(shown)[0][6] == cell
    assert shown.rows[0].reached_published is reached


def test_missing_epoch_seconds_are_said_not_guessed():
    bare = [{"epoch": 1, "validation_accuracy": 0.98}]
    shown = table(training("a"), epochs={"a": bare}, published=0.95)
    assert by_hardware.cells(shown)[0][6] == text.UNKNOWN
    assert any("epochs' times are not in the store" in note for note in by_hardware.notes(shown))
    assert any("digits sync" in note for note in by_hardware.notes(shown))


def test_other_software_is_said():
    other = {"hardware.packages.keras": "2"}
    shown = table(training("a"), training("c", "C"), training("b", "B", tags=other))
    assert len(shown.rows) == 3
    assert (
        "Not the same software: keras 2 in 1 run on B, 2 threads, float32; 3 in all others."
        in by_hardware.notes(shown)
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
    written = by_hardware.markdown([table(training("a", "A|B"))])
    assert "| A\\|B, 2 threads, float32 |" in written


def test_the_figure_has_a_band_a_model_and_a_line_a_hardware():
    slow = training("a", "A|B", train_seconds=100.0)
    runs = [slow, training("b", "B", train_seconds=1.0)]
    del slow.metrics["images_per_second"], slow.metrics["test_accuracy_low"]
    figure = comparison.by_hardware([table(*runs)])
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert [name[0] for name in names] == ["A", "B"]
    said = [label.get_text() for axes in figure.axes for label in axes.texts]
    assert {"100.0", "1.0", "\N{EN DASH}"} <= set(said)
