"""params.yaml as frozen, typed sections, checked as a whole before any computing.

A section's class stands beside the code that it configures (`models/cnn.py` owns
`train.cnn`).  This module knows the sections by name only and imports their classes to check the
file, so that a mistake in one section is found before another model trains for minutes.
"""

import difflib
import importlib
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from digits.core import document, paths
from digits.core.errors import UserError

SECTIONS = {
    "dataset": "digits.datasets.download:Params",
    "preprocess": "digits.data.preprocess:Params",
    "split": "digits.data.split:Params",
    "synthesis": "digits.synthesis.vary:Params",
    "hardware": "digits.hardware.selection:Params",
    "train.ann": "digits.models.ann:Params",
    "train.cnn": "digits.models.cnn:Params",
    "train.vgg16": "digits.models.vgg16:Params",
    "train.svc": "digits.models.svc:Params",
    "train.reader": "digits.models.reader:Params",
    "promotion": "digits.team.standards:Params",
    "recommendation": "digits.evaluation.recommendation:Params",
}
"""Where params.yaml's sections are defined, as `module:class`."""

MODELS = tuple(name.removeprefix("train.") for name in SECTIONS if name.startswith("train."))
"""The models, in the order in which tables and figures show them."""

Fraction = Annotated[float, Field(ge=0, lt=1)]
Positive = Annotated[float, Field(gt=0, le=1e12)]
"""float32, in which all is computed, still holds the product of three of them."""
Count = Annotated[int, Field(ge=1, le=10**9)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]


def model_named(command: Sequence[str]) -> str:
    """The model that stands behind a stage's command, as `sys.argv` has it.

    Raises:
        UserError: if none of the models does.

    """
    if len(command) != 2 or command[1] not in MODELS:
        raise UserError(f"expected one of {', '.join(MODELS)} after the command")
    return command[1]


class Section(BaseModel):
    """A section of params.yaml: frozen, without unknown keys, without silent conversions."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


S = TypeVar("S", bound=Section)


def load(name: str, kind: type[S], path: Path = paths.PARAMS) -> S:
    """Check the whole of `path` and return its section `name`.

    Raises:
        UserError: naming every wrong key, what was expected there and what was received.

    """
    section = check(read(path), path.name)[name]
    assert isinstance(section, kind)
    return section


def read(path: Path) -> dict[str, Any]:
    """Read a YAML 1.2 file (in which `1e-3` is a number) into plain values.

    Raises:
        UserError: as `document.parse`, and if the file cannot be read.

    """
    try:
        if path.exists() and not path.is_file():
            raise UserError(f"{path}: expected a file, received something else of this name")
        with path.open("rb") as source:
            content = source.read(document.LARGEST_FILE + 1)
    except FileNotFoundError:
        raise UserError(f"{path} is missing; restore it with `git checkout {path.name}`") from None
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror})") from None
    return document.parse(content, path.name)


def check(tree: dict[str, Any], source: str = "params.yaml") -> dict[str, Section]:
    """Turn the parsed file into its typed sections, keyed as in `SECTIONS`.

    Raises:
        UserError: with one line for each fault that was found in the file `source`.

    """
    flat = _sections(tree, source)
    sections: dict[str, Section] = {}
    faults: list[str] = []
    for name, place in SECTIONS.items():
        module, kind = place.split(":")
        section_class: type[Section] = getattr(importlib.import_module(module), kind)
        try:
            # JSON's strict mode takes a list for a tuple, but still no quoted number.
            sections[name] = section_class.model_validate_json(json.dumps(flat[name]), strict=True)
        except ValidationError as error:
            faults += [_describe(name, section_class, fault) for fault in error.errors()]
    if not faults:
        faults = _contradictions(sections)
    if faults:
        raise UserError(document.listed(f"{source} has {len(faults)} wrong value(s):", faults))
    return sections


def _sections(tree: dict[str, Any], source: str) -> dict[str, Any]:
    """The file's sections by their dotted names; refuses missing and unknown ones."""
    flat = {key: value for key, value in tree.items() if key != "train"}
    train = tree.get("train", {})
    if not isinstance(train, dict):
        raise UserError(
            f"{source}: train: expected the sections {', '.join(MODELS)}, received "
            f"{document.shown(train)}"
        )
    flat |= {f"train.{key}": value for key, value in train.items()}
    faults = [
        f"{key}: unknown section{_nearest(key, SECTIONS)}" for key in flat if key not in SECTIONS
    ]
    faults += [f"{name}: this section is missing" for name in SECTIONS if name not in flat]
    if faults:
        raise UserError(document.listed(f"{source} has wrong sections:", faults))
    return flat


def _describe(section: str, kind: type[Section], fault: Any) -> str:
    """One line for one pydantic fault: the key, what was expected, what was received."""
    key = ".".join([section, *(str(part) for part in fault["loc"])])
    if fault["type"] == "extra_forbidden":
        known = kind.model_fields
        for part in fault["loc"][:-1]:
            annotation = known[str(part)].annotation if str(part) in known else None
            known = getattr(annotation, "model_fields", {})
        return f"{key}: unknown key{_nearest(str(fault['loc'][-1]), known)}"
    if fault["type"] == "missing":
        return f"{key}: this key is missing"
    message = fault["msg"].removeprefix("Value error, ")
    received = fault["input"]
    if isinstance(received, str) and _is_number(received):
        return f"{key}: {message}, received the text {received!r}: remove the quotes"
    return f"{key}: {message}, received {document.shown(received)}"


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _nearest(key: str, known: Any) -> str:
    matches = difflib.get_close_matches(str(key), list(known), n=1, cutoff=0.5)
    return f"; did you mean '{matches[0]}'?" if matches else f"; known are {', '.join(known)}"


def _contradictions(sections: dict[str, Any]) -> list[str]:
    """Values that are right alone and wrong together."""
    faults = []
    dataset, split = sections["dataset"], sections["split"]
    if dataset.published_size is not None and split.total != dataset.published_size:
        faults.append(
            f"split: train + validation + test + left_out must be {dataset.published_size}, the "
            f"size of {dataset.name}, received {split.train} + {split.validation} + {split.test}"
            f" + {split.left_out} = {split.total}"
        )
    if dataset.published_test_size is not None and split.test > dataset.published_test_size:
        faults.append(
            f"split.test: {dataset.name} has {dataset.published_test_size} official test images, "
            f"received {split.test}"
        )
    for model in MODELS:
        section = sections[f"train.{model}"]
        patience = getattr(section, "early_stopping_patience", 0)
        if split.validation == 0 and (patience or getattr(section, "restore_best", False)):
            faults.append(
                f"train.{model}: early_stopping_patience and restore_best choose by the validation "
                "set, but split.validation is 0; set them to 0 and false"
            )
    return faults
