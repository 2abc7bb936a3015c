"""ONNX graphs from images to logits: how they are put together, and how they are run."""

import os
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from digits.core.errors import UserError

if TYPE_CHECKING:
    import onnx

OPSET, IR_VERSION = 18, 10
BATCH = 500
"""Images a call of the graph; more would only take more memory."""
LARGEST = 2**31
"""Bytes that a file of ONNX, a single protocol buffer, may have."""
SHOWN = 200
"""Characters of ONNX Runtime's own words in a message."""


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

    Raises:
        UserError: if the constants are more than one file can hold.

    """
    from onnx import TensorProto, checker, helper, numpy_helper

    size = sum(np.asarray(value).nbytes for value in constants.values())
    if size >= LARGEST:
        raise UserError(
            f"the model's numbers take {size / 2**30:.1f} GiB, and an ONNX file holds "
            f"{LARGEST / 2**30:.0f}; make layers smaller, or train on fewer or smaller images"
        )
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
        """Open the graph.

        Args:
            content: An ONNX model, whole: nothing is read from other files.
            threads: Cores to use; 0 for all.

        Raises:
            UserError: if ONNX Runtime refuses the graph, or if it is none from `images` (n, height,
                width, 1) to `logits` (n, classes), float32, for any n.

        """
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 4
        # Weights in files beside the model would be out of the bundle's digest.
        options.add_session_config_entry(
            "session.model_external_initializers_file_folder_path", os.devnull
        )
        try:
            self._session = onnxruntime.InferenceSession(
                content, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # ONNX Runtime has a dozen kinds without one of their own
            raise UserError(f"ONNX Runtime refuses it ({_first_line(error)})") from None
        described = [
            [(part.name, part.type, part.shape) for part in parts]
            for parts in (self._session.get_inputs(), self._session.get_outputs())
        ]
        match described:
            case [
                [("images", "tensor(float)", [None | str(), int(height), int(width), 1])],
                [("logits", "tensor(float)", [None | str(), int(classes)])],
            ]:
                self.image_side, self.classes = (height, width), classes
            case _:
                raise UserError(
                    "expected a graph from images (n, height, width, 1) to logits (n, classes), "
                    f"float32, received one from {_shown(described[0])} to {_shown(described[1])}"
                )

    def run(self, prepared: np.ndarray) -> np.ndarray:
        """Outputs (n, classes) float32, all finite, for (n, height, width, 1) float32, all n of it.

        Raises:
            UserError: if the graph cannot be run, or gives what it does not promise.

        """
        answers = np.empty((len(prepared), self.classes), np.float32)
        for start in range(0, len(prepared), BATCH):
            part = prepared[start : start + BATCH]
            try:
                (found,) = self._session.run(["logits"], {"images": part})
            except Exception as error:
                raise UserError(f"ONNX Runtime cannot run it ({_first_line(error)})") from None
            if found.shape != (len(part), self.classes):
                raise UserError(
                    f"expected {(len(part), self.classes)} numbers, received {found.shape}"
                )
            answers[start : start + BATCH] = found
        if bad := int((~np.isfinite(answers).all(axis=1)).sum()):
            raise UserError(f"its answer to {bad} of {len(prepared)} images is not finite")
        return answers


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:SHOWN]


def _shown(parts: Sequence[tuple[str, str, list[Any]]]) -> str:
    return ", ".join(f"{name} {kind} {shape}" for name, kind, shape in parts)[:SHOWN] or "nothing"
