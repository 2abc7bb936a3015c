"""ONNX graphs from images to logits: how they are put together, and how they are run."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import onnx

OPSET, IR_VERSION = 18, 10
BATCH = 500
"""Images a call of the graph; more would only take more memory."""


class Node(NamedTuple):
    """One operation."""

    kind: str
    """ONNX's name of the operator."""
    inputs: str
    """Names of its inputs, with spaces between them."""
    output: str
    """Name of its output, and of the node."""
    attributes: Mapping[str, Any] = MappingProxyType({})


def assemble(
    nodes: Sequence[Node],
    constants: dict[str, np.ndarray],
    image_shape: tuple[int, ...],
    classes: int,
) -> "onnx.ModelProto":
    """A checked model from `images` (n, *image_shape) to `logits` (n, classes), float32.

    The same arguments give the same bytes.

    Args:
        nodes: The operations, in order; one reads `images`, the last one writes `logits`.
        constants: Trained numbers and settings, by the names that the nodes use.
        image_shape: (height, width, 1).
        classes: Width of the output.

    """
    from onnx import TensorProto, checker, helper, numpy_helper

    model = helper.make_model(
        helper.make_graph(
            [
                helper.make_node(
                    node.kind, node.inputs.split(), [node.output], node.output, **node.attributes
                )
                for node in nodes
            ],
            "digits",
            [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["n", *image_shape])],
            [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", classes])],
            [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
    )
    checker.check_model(model)
    return model


class Graph:
    """An ONNX graph from `images` to `logits`, run by ONNX Runtime on the CPU."""

    def __init__(self, content: bytes, threads: int = 0) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            content, options, providers=["CPUExecutionProvider"]
        )

    def run(self, prepared: np.ndarray) -> np.ndarray:
        """Outputs (n, classes) float32 for (n, height, width, 1) float32, all n of them."""
        parts = [
            self._session.run(["logits"], {"images": prepared[start : start + BATCH]})[0]
            for start in range(0, len(prepared), BATCH)
        ]
        if not parts:
            classes = self._session.get_outputs()[0].shape[1]
            return np.empty((0, classes), np.float32)
        return np.concatenate(parts)
