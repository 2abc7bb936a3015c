"""Tiny models that read drawn rings and bars: bundles and rules as the pipeline would save them."""

from typing import Any

import cv2
import numpy as np
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from digits.evaluation import abstention, examples
from digits.inference import bundle
from digits.inference.predictor import Predictor
from digits.scan.page.find import find_digits

DESCRIPTION: dict[str, Any] = {
    "model": "svc",
    "dataset": "drawn",
    "classes": ["0", "1"],
    "raw_side": [28, 28],
    "white": 255,
    "preprocess": {
        "scale": "unit",
        "denoise": "none",
        "deskew": True,
        "center": False,
        "size": "28",
    },
    "temperature": 1.0,
    "calibrated": True,
    "parameters": 784,
    "trained_with": {"device": "cpu", "precision": "float32", "library": "none"},
}


def ink_in_the_middle(side=28, weight=1.0):
    """A graph whose second output is the ink in the middle: a 1 has some, a 0 has none."""
    weights = np.zeros((side, side, 2), np.float32)
    middle = slice(side // 2 - side // 14, side // 2 + side // 14)
    weights[middle, middle, 1] = weight
    nodes = [
        helper.make_node("Reshape", ["images", "row"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weights"], ["ink"]),
        helper.make_node("Add", ["ink", "bias"], ["logits"]),
    ]
    constants = {
        "row": np.array([-1, side * side]),
        "weights": weights.reshape(-1, 2),
        "bias": np.array([4, 0], np.float32),
    }
    return helper.make_model(
        helper.make_graph(
            nodes,
            "test",
            [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["n", side, side, 1])],
            [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 2])],
            [numpy_helper.from_array(value, name) for name, value in constants.items()],
        ),
        opset_imports=[helper.make_opsetid("", 18)],
        ir_version=10,
    )


HALVES: dict[str, Any] = DESCRIPTION | {
    "raw_side": [4, 4],
    "preprocess": DESCRIPTION["preprocess"] | {"deskew": False, "size": "native"},
    "temperature": 2.0,
    "parameters": 32,
}
"""Of `left_or_right`."""


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


def ring(canvas, x, y, tall, ink=0):
    cv2.ellipse(canvas, (x, y), (tall // 3, tall // 2), 0, 0, 360, ink, max(tall // 8, 1), 16)


def bar(canvas, x, y, tall, ink=0):
    cv2.line(canvas, (x, y - tall // 2), (x, y + tall // 2), ink, max(tall // 8, 1), 16)


def cross(canvas, x, y, tall, ink=0):
    half = tall // 2
    for rise in (-half, half):
        cv2.line(canvas, (x - half, y - rise), (x + half, y + rise), ink, tall // 8, 16)


def page(*rows, tall=70):
    """Dark shapes on white, 110 pixels apart: "0" a ring, "1" a bar, "x" a cross."""
    canvas = np.full((120 * len(rows) + 40, 110 * max(map(len, rows)) + 40), 255, np.uint8)
    for row, shapes in enumerate(rows):
        for column, shape in enumerate(shapes):
            draw = {"0": ring, "1": bar, "x": cross}[shape]
            draw(canvas, 75 + 110 * column, 80 + 120 * row, tall)
    return canvas


def save_rule(folder, model):
    """A rule to which rings and bars are digits, and nothing else, and an example of each."""
    images = np.stack([find_digits(page(shape))[0].image for shape in "01"])
    predictor = Predictor.load(folder / model, threads=1)
    prepared = predictor.prepare(images)
    vectors = abstention.features(prepared)
    subspaces = abstention.fit(vectors, np.arange(2), 2)
    abstention.save(abstention.Rule(0.9, 0.5, subspaces), model, predictor.bundle.digest, folder)
    examples.save(images, np.arange(2), prepared, model, folder)


def save_models(folder):
    for model, weight in (("svc", 1.0), ("cnn", 2.0), ("reader", 2.0)):
        graph = ink_in_the_middle(weight=weight)
        bundle.save(folder / model, graph, DESCRIPTION | {"model": model})
        save_rule(folder, model)
    return folder


def saved(path, grey):
    Image.fromarray(grey).save(path)
    return path
