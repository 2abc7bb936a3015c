"""Figures, the report."""

import io
import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from digits.core.errors import UserError
from digits.report import comparison, plots
from tests import made_records

CLASSES = list("0123456789")


def scored(rng, count=300):
    labels = np.arange(count) % 10
    probabilities = rng.random((count, 10)) + 3 * np.eye(10)[labels] * (
        rng.random((count, 1)) > 0.2
    )
    return labels, probabilities / probabilities.sum(1, keepdims=True)


def drawings(rng):
    labels, probabilities = scored(rng)
    images = rng.random((300, 28, 28, 1)).astype(np.float32)
    history = pd.DataFrame({"epoch": [1, 2], "train_loss": [1, 0.5], "validation_loss": [1, 0.6]})
    history = history.assign(train_accuracy=[0.8, 0.9], validation_accuracy=[0.8, 0.9])
    nothing_wrong = np.eye(10)[labels]
    return {
        "confusion": plots.confusion(labels, probabilities.argmax(1), CLASSES, "title"),
        "curves": plots.curves(history, 2, "title"),
        "one epoch": plots.curves(history[:1].drop(columns="validation_loss"), 1, "title"),
        "misread": plots.misread(images, labels, probabilities, CLASSES, "title"),
        "none misread": plots.misread(images, labels, nothing_wrong, CLASSES, "title"),
    }


def test_figures_are_pictures_and_the_same_again():
    first, second = (
        {name: plots.png(figure) for name, figure in drawings(np.random.default_rng(0)).items()}
        for _ in range(2)
    )
    assert first == second
    for content in first.values():
        pixels = np.asarray(Image.open(io.BytesIO(content)).convert("L"))
        assert pixels.std() > 5


def test_the_confusion_figure_counts_right(rng):
    labels, probabilities = scored(rng)
    predictions = probabilities.argmax(1)
    figure = plots.confusion(labels, predictions, CLASSES, "title")
    numbers = {
        (round(text.get_position()[1]), round(text.get_position()[0])): int(text.get_text())
        for text in figure.axes[0].texts
    }
    assert sum(numbers.values()) == 300
    assert numbers[3, 3] == ((labels == 3) & (predictions == 3)).sum()


def test_the_report_puts_files_side_by_side(tmp_path):
    for model, wrong in (("ann", 1), ("svc", 0)):
        labels = np.zeros(1000, int)
        probabilities = np.tile([0.75, 0.25], (1000, 1))
        probabilities[:wrong] = [0.25, 0.75]
        tested = made_records.tested(model, labels, probabilities, ["0", "1"])
        tested.write(tmp_path / model / "test.json")
        made_records.train(model, parameters=1234).write(tmp_path / model / "train.json")
        made_records.timing(61.4).write(tmp_path / model / "timing.json")
        made_records.speed(0.123, 12345.6).write(tmp_path / model / "speed.json")
    table = comparison.table(tmp_path, ("ann", "svc"))
    text = comparison.markdown(table)
    assert "| ann | 99.90% | 99.44% to 99.98% | 61 s | 12,346 | 0.12 ms | 1,234 | 1.0 MiB |" in text
    assert "clothes, 1,000 test images" in text
    assert plots.png(plots.comparison(table, "title"))[:4] == b"\x89PNG"
    json.dumps(table.to_dict("records"), allow_nan=False)
    with pytest.raises(UserError, match=r"train\.json is missing"):
        comparison.table(tmp_path, ("cnn",))


def predicted(labels, answers):
    table = pd.DataFrame({"index": range(len(labels)), "label": labels, "prediction": answers})
    scores = np.eye(3)[answers] * 0.9 + 0.1 / 3
    return table.join(pd.DataFrame(scores, columns=["score_0", "score_1", "score_2"]))


def test_the_models_are_tested_on_the_same_images():
    labels = [0, 1, 2] * 20
    half = [label if place < 30 else 0 for place, label in enumerate(labels)]
    tests = comparison.tests({"ann": predicted(labels, half), "svc": predicted(labels, labels)})
    (pair,) = tests["pairs"]
    assert (pair["only_first_right"], pair["only_second_right"]) == (0, 20)
    assert tests["calibration"]["svc"]["expected_calibration_error"] == pytest.approx(1 / 15)
    text = comparison.tests_markdown(tests)
    assert "| ann, svc | +33.33% | 0, 20 | 1.9e-06 | 1.9e-06 | yes |" in text
    assert "Misread by all models: 0 images" in text
    json.dumps(tests, allow_nan=False)


def test_models_are_not_tested_on_different_images():
    one, other = predicted([0, 1], [0, 1]), predicted([0, 2], [0, 1])
    with pytest.raises(UserError, match=r"svc/predictions\.csv is of other test images"):
        comparison.tests({"ann": one, "svc": other})
