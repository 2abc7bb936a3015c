"""A saved model: its graph, and all that is needed to feed it and to read its answer.

A bundle is a folder with `model.onnx`, `bundle.json` and, for a network, `network.keras` for
further training.  Nothing in it is unpickled.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from digits.core import files, paths
from digits.core.config import Section
from digits.core.errors import UserError
from digits.data import preprocess

if TYPE_CHECKING:
    import onnx

GRAPH, DESCRIPTION, NETWORK = "model.onnx", "bundle.json", "network.keras"


class Description(Section):
    """What bundle.json says."""

    model: str
    """ann, cnn, vgg16 or svc."""
    dataset: str
    """The data set that the model was trained on, by its true name."""
    classes: tuple[str, ...]
    """Name of each output, in order."""
    raw_side: tuple[int, int]
    """Height and width of the raw images."""
    white: int
    """Grey level of full ink in the raw images: bright ink on a dark ground, uint8."""
    preprocess: preprocess.Params
    """From raw images to the graph's input."""
    temperature: float
    """Softmax(outputs / temperature) are probabilities; chosen on the validation set."""
    calibrated: bool
    """False if there was no validation set to choose the temperature on."""
    parameters: int
    """Trained numbers in the model."""
    trained_with: dict[str, str]
    """Device, precision and library of the training."""
    sha256: str
    """Of the graph file."""


@dataclass(frozen=True)
class Bundle:
    """A bundle that was read and found whole."""

    description: Description
    graph: bytes
    """The ONNX graph, from `images` (n, h, w, 1) to `logits` (n, classes), float32."""
    digest: str
    """SHA-256 of bundle.json, which holds the graph's: it names the model for good."""
    size: int
    """Bytes that a service needs: graph and description."""


def save(
    folder: Path,
    graph: "onnx.ModelProto",
    description: dict[str, Any],
    save_network: Callable[[Path], None] | None = None,
) -> str:
    """Write a bundle; bundle.json comes last, so that an interrupted one is not taken for whole.

    Args:
        folder: Where the bundle goes.
        graph: The ONNX graph.
        description: The fields of `Description` but `sha256`.
        save_network: Writes the network for further training to the path that it is given.

    Returns:
        The bundle's digest.

    """
    content = graph.SerializeToString(deterministic=True)
    with files.atomic(folder / GRAPH) as temporary:
        temporary.write_bytes(content)
    if save_network:
        save_network(folder / NETWORK)
    described = Description.model_validate_json(
        json.dumps({**description, "sha256": hashlib.sha256(content).hexdigest()})
    )
    files.write_json(folder / DESCRIPTION, described.model_dump(mode="json"))
    return _digest(folder / DESCRIPTION)


def load(folder: Path) -> Bundle:
    """Read a bundle and check that its graph is the one that was saved.

    Raises:
        UserError: if a file is missing, damaged or of another version of the project.

    """
    shown = paths.relative(folder)
    again = f"make it with `dvc repro train_{folder.name}` or fetch it with `dvc checkout {shown}`"
    if not (folder / DESCRIPTION).is_file() or not (folder / GRAPH).is_file():
        raise UserError(f"there is no trained model in {shown}; {again}")
    try:
        description = Description.model_validate_json(
            (folder / DESCRIPTION).read_bytes(), strict=True
        )
    except ValidationError as error:
        raise UserError(
            f"{shown}/{DESCRIPTION} is damaged or of another version ({error.error_count()} "
            f"wrong value(s), the first at {'.'.join(map(str, error.errors()[0]['loc']))}); {again}"
        ) from None
    graph = (folder / GRAPH).read_bytes()
    if hashlib.sha256(graph).hexdigest() != description.sha256:
        raise UserError(f"{shown}/{GRAPH} is damaged: its SHA-256 is not the saved one; {again}")
    size = len(graph) + (folder / DESCRIPTION).stat().st_size
    return Bundle(description, graph, _digest(folder / DESCRIPTION), size)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
