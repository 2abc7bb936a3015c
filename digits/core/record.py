"""A JSON file, or a part of one, with checked keys, types and ranges."""

import json
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from digits.core import files, paths
from digits.core.errors import UserError

Share = Annotated[float, Field(ge=0, le=1)]
"""Of 1: an accuracy, a probability, a share of images."""
Difference = Annotated[float, Field(ge=-1, le=1)]
"""Of two shares."""
Number = int | float
"""As it was given: a whole number stays one."""
Measure = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=0)]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Record(BaseModel):
    """A JSON file, or a part of one: frozen, without unknown keys."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a file.

        Raises:
            UserError: if the file is missing, is not JSON, or does not fit.

        """
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            raise UserError(
                f"{paths.relative(path)} is missing; make it with `dvc repro` or `dvc checkout`"
            ) from None
        return cls.parse(content, paths.relative(path))

    @classmethod
    def parse(cls, content: bytes | str, source: str) -> Self:
        """Read JSON that stood in the file `source`, for example in a commit.

        Raises:
            UserError: with a line for each key that does not fit.

        """
        try:
            return cls.model_validate_json(content, strict=True)
        except ValidationError as error:
            faults = [_fault(fault) for fault in error.errors(include_url=False)]
        raise UserError(
            "\n  ".join(
                [f"{source} does not hold what this version of digits writes there:", *faults]
            )
            + "\nRemove it and run `dvc repro`; or use the version of digits that wrote it"
        )

    @classmethod
    def of(cls, values: Any, source: str) -> Self:
        """Read plain values that stood as JSON in `source`, as `parse` does."""
        return cls.parse(json.dumps(values), source)

    def as_dict(self) -> dict[str, Any]:
        """Plain values in the order of the file."""
        return self.model_dump(mode="json", exclude_unset=True)

    def write(self, path: Path) -> None:
        """Write the file, whole or not at all."""
        files.write_json(path, self.as_dict())


def _fault(fault: Any) -> str:
    """One line for one of pydantic's faults: the key, what was expected, what was received."""
    key = ".".join(map(str, fault["loc"])) or "the file"
    if fault["type"] == "missing":
        return f"{key}: this key is missing"
    if fault["type"] == "extra_forbidden":
        return f"{key}: unknown key"
    received = json.dumps(fault["input"], default=str)
    shown = received if len(received) <= 80 else f"{received[:77]}..."
    return f"{key}: {fault['msg']}, received {shown}"
