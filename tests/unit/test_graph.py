"""A graph is opened and gives what it promises, or is refused with one message."""

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from digits.core.errors import UserError
from digits.inference.graph import BATCH, Graph

IMAGES = ["n", 4, 4, 1]
LOGITS = ["n", 2]


def content(nodes=None, constants=None, images=IMAGES, logits=LOGITS, kinds=(1, 1), names=()):
    """A graph of ones: the ink of a 4 x 4 image, twice; or anything else."""
    read, written = names or ("images", "logits")
    if nodes is None:
        nodes = [
            helper.make_node("Reshape", [read, "row"], ["flat"]),
            helper.make_node("MatMul", ["flat", "weights"], [written]),
        ]
    known = {"row": np.array([-1, 16]), "weights": np.ones((16, 2), np.float32)}
    model = helper.make_model(
        helper.make_graph(
            nodes,
            "test",
            [helper.make_tensor_value_info(read, kinds[0], images)],
            [helper.make_tensor_value_info(written, kinds[1], logits)],
            [numpy_helper.from_array(v, k) for k, v in (known | (constants or {})).items()],
        ),
        opset_imports=[helper.make_opsetid("", 18)],
        ir_version=10,
    )
    return model.SerializeToString()


def outside(location, folder):
    """A graph whose weights lie in a file beside it."""
    np.ones(32, np.float32).tofile(folder / "weights.bin")
    weights = TensorProto(name="weights", data_type=1, dims=[16, 2], data_location=1)
    entries = {"location": location, "offset": "0", "length": "128"}
    for key, value in entries.items():
        weights.external_data.add(key=key, value=value)
    model = helper.make_model(
        helper.make_graph(
            [
                helper.make_node("Reshape", ["images", "row"], ["flat"]),
                helper.make_node("MatMul", ["flat", "weights"], ["logits"]),
            ],
            "test",
            [helper.make_tensor_value_info("images", 1, IMAGES)],
            [helper.make_tensor_value_info("logits", 1, LOGITS)],
            [numpy_helper.from_array(np.array([-1, 16]), "row"), weights],
        ),
        opset_imports=[helper.make_opsetid("", 18)],
        ir_version=10,
    )
    return model.SerializeToString()


def node(kind, inputs, output, **attributes):
    return helper.make_node(kind, inputs.split(), [output], **attributes)


FLAT = node("Reshape", "images row", "flat")
WEIGHED = node("MatMul", "flat weights", "ink")

REFUSED = {
    "no model": b"x" * 100,
    "nothing": b"",
    "half a model": content()[:-60],
    "an unknown operator": content([node("Conjure", "images", "logits")]),
    "an input that nobody gives": content([node("Relu", "nothing", "logits")]),
    "other names": content(names=("picture", "scores")),
    "images in three axes": content(images=["n", 4, 4]),
    "images in colour": content(images=["n", 4, 4, 3]),
    "sides that are left open": content(images=["n", "h", "w", 1]),
    "one image a call": content(images=[1, 4, 4, 1], logits=[1, 2]),
    "sides that do not fit": content(constants={"row": np.array([-1, 15])}),
    "logits in one axis": content(logits=["n"]),
    "logits of another type": content(
        [FLAT, WEIGHED, node("Cast", "ink", "logits", to=TensorProto.INT64)],
        kinds=(TensorProto.FLOAT, TensorProto.INT64),
    ),
    "images of another type": content(
        [
            node("Cast", "images", "real", to=TensorProto.FLOAT),
            node("Reshape", "real row", "flat"),
            node("MatMul", "flat weights", "logits"),
        ],
        kinds=(TensorProto.DOUBLE, TensorProto.FLOAT),
    ),
}

FAILING = {
    "a pixel that is not there": content(
        [FLAT, node("Gather", "flat place", "logits", axis=1)], {"place": np.array([0, 99])}
    ),
    "more rows than images": content([FLAT, WEIGHED, node("Concat", "ink ink", "logits", axis=0)]),
    "not a number": content(constants={"weights": np.full((16, 2), np.nan, np.float32)}),
    "infinity": content(constants={"weights": np.full((16, 2), np.inf, np.float32)}),
    "minus infinity for one class": content(
        constants={"weights": np.array([[1, -np.inf]] * 16, np.float32)}
    ),
    "an overflow": content(constants={"weights": np.full((16, 2), 3e38, np.float32)}),
}


def test_all_images_are_scored_in_batches():
    images = np.zeros((BATCH + 3, 4, 4, 1), np.float32)
    images[-1] = 1
    graph = Graph(content(), threads=1)
    assert (graph.image_side, graph.classes) == ((4, 4), 2)
    answers = graph.run(images)
    np.testing.assert_array_equal(answers[:-1], 0)
    np.testing.assert_array_equal(answers[-1], 16)
    assert graph.run(images[:0]).shape == (0, 2)


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_graph_from_images_to_logits_is_refused(kind):
    with pytest.raises(UserError) as caught:
        Graph(REFUSED[kind])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", FAILING)
def test_an_answer_that_is_not_promised_is_an_error(kind):
    graph = Graph(FAILING[kind], threads=1)
    with pytest.raises(UserError) as caught:
        graph.run(np.ones((3, 4, 4, 1), np.float32))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("location", ["weights.bin", "../weights.bin", "{folder}/weights.bin"])
def test_weights_outside_the_graph_are_never_read(location, tmp_path, monkeypatch):
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below" if ".." in location else tmp_path)
    with pytest.raises(UserError, match="refuses"):
        Graph(outside(location.format(folder=tmp_path), tmp_path))
