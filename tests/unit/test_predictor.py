"""The one way from raw images to probabilities."""

import numpy as np
import pytest

from digits.core.errors import UserError
from digits.inference import bundle, predictor
from tests.tiny import HALVES, left_or_right


@pytest.fixture
def saved(tmp_path):
    bundle.save(tmp_path / "svc", left_or_right(), HALVES)
    return tmp_path / "svc"


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


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"classes": ["0", "1", "2"]}, r"to 3 classes.*received .* to 2"),
        ({"raw_side": [4, 5]}, r"images of \(4, 5\) pixels"),
        ({"preprocess": HALVES["preprocess"] | {"size": "28"}}, r"images of \(28, 28\) pixels"),
    ],
)
def test_a_graph_of_another_kind_than_described_is_refused(tmp_path, changes, words):
    bundle.save(tmp_path / "svc", left_or_right(), HALVES | changes)
    with pytest.raises(UserError, match=words) as caught:
        predictor.Predictor.load(tmp_path / "svc")
    assert "dvc repro train_svc" in str(caught.value)


def forged(folder, change):
    """A bundle whose weights were changed, with its hashes."""
    graph = left_or_right()
    weights = next(part for part in graph.graph.initializer if part.name == "weights")
    changed = change(np.frombuffer(weights.raw_data, np.float32).reshape(weights.dims))
    weights.raw_data = changed.astype(np.float32).tobytes()
    bundle.save(folder / "svc", graph, HALVES)
    return folder / "svc"


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf, 3e38])
def test_an_answer_that_is_not_finite_is_an_error(tmp_path, number):
    ready = predictor.Predictor.load(forged(tmp_path, lambda weights: weights * 0 + number))
    with pytest.raises(UserError, match="not finite") as caught:
        ready.read(np.full((3, 4, 4), 255, np.uint8))
    assert "dvc repro train_svc" in str(caught.value)


def test_a_graph_that_onnx_runtime_refuses_is_said_with_its_bundle(tmp_path):
    graph = left_or_right()
    graph.graph.node[1].op_type = "Conjure"
    bundle.save(tmp_path / "svc", graph, HALVES)
    with pytest.raises(UserError, match=r"svc: model\.onnx: ONNX Runtime refuses it .*train_svc"):
        predictor.Predictor.load(tmp_path / "svc")
