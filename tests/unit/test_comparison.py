"""The models side by side, as records and as tables."""

import numpy as np
import pandas as pd
import pytest

from digits.core.errors import UserError
from digits.report import comparison
from tests import made_records


def test_the_files_of_the_models_are_put_side_by_side(tmp_path):
    for model, wrong in (("ann", 1), ("svc", 0)):
        labels = np.zeros(1000, int)
        probabilities = np.tile([0.75, 0.25], (1000, 1))
        probabilities[:wrong] = [0.25, 0.75]
        tested = made_records.tested(model, labels, probabilities, ["0", "1"])
        tested.write(tmp_path / model / "test.json")
        made_records.train(model, parameters=1234).write(tmp_path / model / "train.json")
        made_records.timing(61.4).write(tmp_path / model / "timing.json")
        made_records.speed(0.123, 12345.6).write(tmp_path / model / "speed.json")
    compared = comparison.read(tmp_path, ("ann", "svc"))
    assert list(compared.root) == ["ann", "svc"]
    assert compared.root["ann"].test_accuracy == 0.999
    text = comparison.markdown(compared)
    line = (
        "| ann | 99.50% | 75.75% to 100.00% | 99.90% | 99.44% to 99.98% | 61 s | 12,346 "
        "| 0.123 ms | 1,234 | 1.0 MiB | 10.0 MiB |"
    )
    assert f"{line} A processor, 2 threads, float32 |" in text
    assert "clothes; choose by its 12 validation images, the 1,000 test images were" in text
    with pytest.raises(UserError, match=r"train\.json is missing"):
        comparison.read(tmp_path, ("cnn",))


def test_a_model_without_validation_set_stays_without_one(tmp_path):
    for model, validation in (("ann", None), ("svc", 0.9)):
        train = made_records.train(model, validation)
        tested = made_records.tested(model, np.array([0, 1]), np.eye(2), ["0", "1"])
        row = comparison.row(train, tested, made_records.timing(), made_records.speed())
        assert row.validation_accuracy == validation


def predicted(labels, answers):
    table = pd.DataFrame({"index": range(len(labels)), "label": labels, "prediction": answers})
    scores = np.eye(3)[answers] * 0.9 + 0.1 / 3
    return table.join(pd.DataFrame(scores, columns=["score_0", "score_1", "score_2"]))


def test_the_models_are_tested_on_the_same_images():
    labels = [0, 1, 2] * 20
    half = [label if place < 30 else 0 for place, label in enumerate(labels)]
    tests = comparison.tests({"ann": predicted(labels, half), "svc": predicted(labels, labels)})
    (pair,) = tests.pairs
    assert (pair.only_first_correct, pair.only_second_correct) == (0, 20)
    assert tests.calibration["svc"].expected_calibration_error == pytest.approx(1 / 15)
    text = comparison.tests_markdown(tests)
    assert "| ann, svc | +33.33 | +3,333 | 0, 20 | < 0.001 | < 0.001 | yes |" in text
    assert "Misclassified by all models: 0 images" in text


def test_models_that_agree_on_every_image_are_said_to():
    labels = [0, 1, 2]
    tests = comparison.tests({model: predicted(labels, labels) for model in ("ann", "svc")})
    text = comparison.tests_markdown(tests)
    assert "| ann, svc | +0.00 | +0 | 0, 0 | 1.00 | 1.00 | no | \N{EN DASH} |" in text
    assert "All models predict every image alike" in text


def test_models_are_not_tested_on_different_images():
    one, other = predicted([0, 1], [0, 1]), predicted([0, 2], [0, 1])
    with pytest.raises(UserError, match=r"svc/predictions\.csv is of other images"):
        comparison.tests({"ann": one, "svc": other})


def test_what_abstaining_buys_is_a_table():
    shown = comparison.abstention_markdown(
        {
            "ann": made_records.confidence(),
            "svc": made_records.confidence("svc", bought=None),
        }
    )
    assert "| ann | 90.00% | 10.00% | 5.00% to 20.00% | 30.0% | 20.00% to 40.00% |" in shown
    assert "svc" not in shown
    assert "20 letters" in shown
    assert not comparison.abstention_markdown({"a": made_records.confidence(bought=None)})


def test_a_model_without_predictions_is_not_tested():
    labels = [0, 1, 2]
    none = predicted([], np.empty(0, int))
    tests = comparison.tests({"ann": predicted(labels, labels), "svc": none})
    assert (tests.images, tests.pairs, list(tests.calibration)) == (3, (), ["ann"])
    assert comparison.tests({"svc": none}).images == 0
