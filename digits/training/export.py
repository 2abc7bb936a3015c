"""A trained network as ONNX and as a `.keras` file, without a trace of time or process."""

import json
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from digits.core import files
from digits.inference.graph import Node, assemble

if TYPE_CHECKING:
    import keras
    import onnx

ONNX_PADDING = {"same": "SAME_UPPER", "valid": "VALID"}
ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest date that a zip file can hold."""


def to_onnx(network: "keras.Sequential") -> "onnx.ModelProto":
    """The network as an ONNX graph from `images` (n, h, w, 1) to `logits` (n, classes), float32.

    Written layer by layer: Keras's own export of VGG16, through tf2onnx, takes 3.5 GB of memory,
    and gives its nodes names that vary between processes.

    Raises:
        TypeError: if the network has a layer that this function does not know.

    """
    nodes = [Node("Transpose", "images", "channels_first", {"perm": [0, 3, 1, 2]})]
    constants: dict[str, np.ndarray] = {}
    for layer in network.layers:
        value, name = nodes[-1].output, layer.name
        weights = [f"{name}.{weight.name}" for weight in layer.weights]
        numbers = dict(zip(weights, layer.get_weights(), strict=True))
        match type(layer).__name__:
            case "Dropout":
                continue
            case "Conv2D":
                numbers[weights[0]] = numbers[weights[0]].transpose(3, 2, 0, 1)
                padding = {"auto_pad": ONNX_PADDING[layer.padding]}
                nodes.append(Node("Conv", " ".join([value, *weights]), name, padding))
            case "BatchNormalization":
                settings = {"epsilon": layer.epsilon}
                nodes.append(
                    Node("BatchNormalization", " ".join([value, *weights]), name, settings)
                )
            case "ReLU":
                nodes.append(Node("Relu", value, name))
            case "MaxPooling2D":
                window = {"kernel_shape": layer.pool_size, "strides": layer.strides}
                padding = {"auto_pad": ONNX_PADDING[layer.padding]}
                nodes.append(Node("MaxPool", value, name, window | padding))
            case "Flatten":
                channels_last = f"{name}.channels_last"
                nodes.append(Node("Transpose", value, channels_last, {"perm": [0, 2, 3, 1]}))
                nodes.append(Node("Flatten", channels_last, name))
            case "Dense":
                linear = f"{name}.linear" if layer.activation.__name__ == "relu" else name
                nodes.append(Node("Gemm", " ".join([value, *weights]), linear))
                if linear != name:
                    nodes.append(Node("Relu", linear, name))
            case kind:
                raise TypeError(f"to_onnx does not know the layer {kind}; add it")
        constants |= numbers
    return assemble(nodes, constants, network.input_shape[1:], network.output_shape[-1])


def _reproducible(value: Any, objects: dict[int, int]) -> Any:
    """The JSON value without its date, its objects numbered as they appear, not by address."""
    if isinstance(value, list):
        return [_reproducible(part, objects) for part in value]
    if not isinstance(value, dict):
        return value
    kept = {}
    for key, part in value.items():
        if key == "shared_object_id":
            kept[key] = objects.setdefault(part, len(objects))
        elif key != "date_saved":
            kept[key] = _reproducible(part, objects)
    return kept


def save_keras(network: "keras.Model", path: Path) -> None:
    """Write the network as a `.keras` file, for further training, without dates and addresses."""
    with files.atomic(path) as temporary:
        stamped = temporary.with_suffix(".keras")
        try:
            network.save(stamped)
            with zipfile.ZipFile(stamped) as source, zipfile.ZipFile(temporary, "w") as target:
                for name in sorted(source.namelist()):
                    content = source.read(name)
                    if name.endswith(".json"):
                        content = json.dumps(_reproducible(json.loads(content), {})).encode()
                    target.writestr(zipfile.ZipInfo(name, ZIP_EPOCH), content)
        finally:
            stamped.unlink(missing_ok=True)
