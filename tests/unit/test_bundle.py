"""A saved model, whole or refused, and the one way to its answers."""

import json

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from digits.core.errors import UserError
from digits.inference import bundle, predictor

DESCRIPTION = {
    "model": "svc",
    "dataset": "mnist",
    "classes": ["0", "1"],
    "raw_side": [4, 4],
    "white": 255,
    "preprocess": {
        "scale": "unit",
        "denoise": "none",
        "deskew": False,
        "center": False,
        "size": "native",
    },
    "temperature": 2.0,
    "calibrated": True,
    "parameters": 32,
    "trained_with": {"device": "cpu", "precision": "float32", "library": "none"},
}


def left_or_right():
    """A graph whose first output is the ink on the left, the second that on the right."""
    weights = np.zeros((4, 4, 2), np.float32)
    weights[:, :2, 0] = weights[:, 2:, 1] = 1
    return helper.make_model(
        helper.make_graph(
            [
                helper.make_node("Reshape", ["images", "row"], ["flat"]),
                helper.make_node("MatMul", ["flat", "weights"], ["logits"]),
            ],
            "test",
            [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["n", 4, 4, 1])],
            [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 2])],
            [
                numpy_helper.from_array(np.array([-1, 16]), "row"),
                numpy_helper.from_array(weights.reshape(16, 2), "weights"),
            ],
        ),
        opset_imports=[helper.make_opsetid("", 18)],
        ir_version=10,
    )


@pytest.fixture
def saved(tmp_path):
    bundle.save(tmp_path / "svc", left_or_right(), DESCRIPTION)
    return tmp_path / "svc"


def test_saved_and_loaded(saved):
    loaded = bundle.load(saved)
    assert loaded.description.classes == ("0", "1")
    assert loaded.size == sum(path.stat().st_size for path in saved.iterdir())
    assert sorted(path.name for path in saved.iterdir()) == ["bundle.json", "model.onnx"]


def test_the_same_model_has_the_same_digest(saved, tmp_path):
    again = bundle.save(tmp_path / "other", left_or_right(), DESCRIPTION)
    assert again == bundle.load(saved).digest
    hotter = bundle.save(tmp_path / "hotter", left_or_right(), DESCRIPTION | {"temperature": 3.0})
    assert hotter != again


def test_it_reads_images_whole_batches_or_not(saved):
    ready = predictor.Predictor.load(saved, threads=1)
    images = np.zeros((1001, 4, 4), np.uint8)
    images[:600, :, 0] = 255
    images[600:, :, 3] = 255
    probabilities = ready.read(images)
    assert probabilities.shape == (1001, 2)
    np.testing.assert_allclose(probabilities.sum(1), 1)
    np.testing.assert_array_equal(probabilities.argmax(1), [0] * 600 + [1] * 401)
    # Four full pixels on one side, none on the other, at temperature 2.
    assert probabilities[0, 0] == pytest.approx(1 / (1 + np.exp(-2)))
    assert ready.read(images[:0]).shape == (0, 2)


def test_images_of_another_side_are_refused(saved):
    with pytest.raises(UserError, match=r"\(4, 4\) or \(28, 28\) .* received \(9, 9\)"):
        predictor.Predictor.load(saved).read(np.zeros((1, 9, 9), np.uint8))


def test_images_in_mnists_form_are_read_whatever_the_side(saved):
    images = np.zeros((1, 28, 28), np.uint8)
    images[0, :, :14] = 255
    assert predictor.Predictor.load(saved).read(images)[0, 0] > 0.9


def test_labels_of_other_data_are_renumbered_by_name(saved):
    ready = predictor.Predictor.load(saved)
    swapped = ready.labels(np.array([0, 0, 1], np.uint8), ["1", "0"])
    np.testing.assert_array_equal(swapped, [1, 1, 0])
    assert swapped.dtype == np.uint8
    np.testing.assert_array_equal(ready.labels(np.array([0], np.uint8), ["1"]), [1])
    with pytest.raises(UserError, match="tells 0, 1 apart, the data set has 7 too"):
        ready.labels(np.array([0], np.uint8), ["1", "7"])


def edit(path, **changes):
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda folder: (folder / "model.onnx").unlink(), "no trained model"),
        (lambda folder: (folder / "bundle.json").unlink(), "no trained model"),
        (lambda folder: (folder / "model.onnx").write_bytes(b"x"), "is damaged: its SHA-256"),
        (lambda folder: (folder / "bundle.json").write_text("{"), "damaged or of another version"),
        (lambda folder: edit(folder / "bundle.json", temperature="1"), "temperature"),
        (lambda folder: edit(folder / "bundle.json", news=1), "news"),
    ],
)
def test_a_damaged_bundle_is_refused(saved, damage, words):
    damage(saved)
    with pytest.raises(UserError, match=words) as caught:
        bundle.load(saved)
    assert "dvc repro train_svc" in str(caught.value)
