"""A saved model: its graph, and all that is needed to feed it and to read its answer.

A bundle is a folder with `model.onnx`, `bundle.json` and, for a network, `network.keras` for
further training.  Nothing in it is unpickled.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, ValidationError, field_validator

from digits.core import files, paths
from digits.core.config import Section
from digits.core.errors import UserError
from digits.data import preprocess
from digits.inference.scoring import COLDEST, HOTTEST

if TYPE_CHECKING:
    import onnx

GRAPH, DESCRIPTION, NETWORK = "model.onnx", "bundle.json", "network.keras"


Side = Annotated[int, Field(ge=1, le=4096)]
Name = Annotated[str, Field(min_length=1)]
LONGEST_DESCRIPTION = 2**20
"""Bytes of a bundle.json; a whole one has some hundreds."""


class Description(Section):
    """What bundle.json says."""

    model: Name
    """ann, cnn, vgg16 or svc."""
    dataset: Name
    """The data set that the model was trained on, by its true name."""
    classes: Annotated[tuple[Name, ...], Field(min_length=1)]
    """Name of each output, in order."""
    raw_side: tuple[Side, Side]
    """Height and width of the raw images."""
    white: Annotated[int, Field(ge=1, le=preprocess.FULL)]
    """Grey level of full ink in the raw images: bright ink on a dark background, uint8."""
    preprocess: preprocess.Params
    """From raw images to the graph's input."""
    temperature: Annotated[float, Field(ge=COLDEST, le=HOTTEST)]
    """Softmax(outputs / temperature) are probabilities; chosen on the validation set."""
    calibrated: bool
    """False if there was no validation set to choose the temperature on."""
    parameters: Annotated[int, Field(ge=0)]
    """Trained numbers in the model."""
    trained_with: dict[str, str]
    """Device, precision and library of the training."""
    sha256: str
    """Of the graph file."""

    @field_validator("classes")
    @classmethod
    def _distinct(cls, classes: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(classes)) < len(classes):
            raise ValueError("expected another name for each class")
        return classes


@dataclass(frozen=True)
class Bundle:
    """A bundle that was read and found whole."""

    folder: Path
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
    if not (folder / DESCRIPTION).is_file() or not (folder / GRAPH).is_file():
        raise unusable(folder, "there is no trained model in it")
    try:
        with (folder / DESCRIPTION).open("rb") as source:
            described = source.read(LONGEST_DESCRIPTION + 1)
        graph = (folder / GRAPH).read_bytes()
    except OSError as error:
        raise unusable(folder, f"it cannot be read ({error.strerror})") from None
    if len(described) > LONGEST_DESCRIPTION:
        raise unusable(folder, f"{DESCRIPTION} is damaged: it has over {LONGEST_DESCRIPTION} bytes")
    try:
        description = Description.model_validate_json(described, strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        raise unusable(
            folder,
            f"{DESCRIPTION} is damaged or of another version ({error.error_count()} wrong "
            f"value(s), the first at {'.'.join(map(str, first['loc']))}: {first['msg']})",
        ) from None
    if hashlib.sha256(graph).hexdigest() != description.sha256:
        raise unusable(folder, f"{GRAPH} is damaged: its SHA-256 is not the saved one")
    digest = hashlib.sha256(described).hexdigest()
    return Bundle(folder, description, graph, digest, len(graph) + len(described))


def unusable(folder: Path, reason: str) -> UserError:
    """The error of a bundle that cannot be used, which says how to get one that can."""
    shown = paths.relative(folder)
    return UserError(
        f"{shown}: {reason}; make it with `dvc repro train_{folder.name}` or fetch it with "
        f"`dvc checkout {shown}`"
    )


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
