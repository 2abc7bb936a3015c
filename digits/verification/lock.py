"""What a dvc.lock records: every stage with the digests of what it read and wrote."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from digits.core import config, document, paths
from digits.core.errors import UserError
from digits.verification.compare import is_timed


class _Part(BaseModel):
    """A part of the file; what DVC writes there besides is left alone."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", strict=True, use_attribute_docstrings=True
    )


class Dependency(_Part):
    """A file or folder that a stage read."""

    path: str
    md5: str | None = None


class Written(_Part):
    """A file or folder that a stage wrote."""

    path: str
    md5: str
    size: Annotated[int, Field(ge=0)] = 0
    """In bytes."""


class Stage(_Part):
    """One stage."""

    deps: tuple[Dependency, ...] = ()
    params: dict[str, Any] = Field(default_factory=dict)
    """By file, the parameters that it read."""
    outs: tuple[Written, ...] = ()

    @property
    def read(self) -> dict[str, Any]:
        """The MD5 of every dependency, and the parameters, by path."""
        return {dep.path: dep.md5 for dep in self.deps} | self.params


class Lock(_Part):
    """A dvc.lock."""

    stages: dict[str, Stage]

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read the dvc.lock of a project.

        Raises:
            UserError: if there is none, or none that DVC writes.

        """
        return cls._checked(config.read(folder / paths.DVC_LOCK.name))

    @classmethod
    def parse(cls, content: bytes) -> Self:
        """Read the dvc.lock of a commit; raises UserError as `load` does."""
        return cls._checked(document.parse(content, paths.DVC_LOCK.name))

    @classmethod
    def _checked(cls, tree: dict[str, Any]) -> Self:
        try:
            return cls.model_validate_json(json.dumps(tree), strict=True)
        except ValidationError as error:
            faults = [
                f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()
            ]
        name = paths.DVC_LOCK.name
        opening = f"{name} is not as DVC writes it; restore it with `git checkout {name}`:"
        raise UserError(document.listed(opening, faults))

    def only(self, names: Iterable[str]) -> Self:
        """The same of some stages alone; one that is not recorded has read and written nothing."""
        return self.model_copy(
            update={"stages": {name: self.stages.get(name, Stage()) for name in names}}
        )

    @property
    def outputs(self) -> dict[str, Written]:
        """Every output, by its path."""
        return {out.path: out for stage in self.stages.values() for out in stage.outs}

    @property
    def digests(self) -> dict[str, str]:
        """MD5 of every output, by its path."""
        return {path: out.md5 for path, out in self.outputs.items()}

    def showing_times(self, order: Iterable[str]) -> list[str]:
        """The stages, of those in `order`, that read times, directly or as others show them."""
        showing: list[str] = []
        shown: set[str] = set()
        for name in order:
            stage = self.stages.get(name, Stage())
            if any(is_timed(dep.path) or dep.path in shown for dep in stage.deps):
                showing.append(name)
                shown |= {out.path for out in stage.outs}
        return showing

    def changed_inputs(self, found: "Lock") -> dict[str, list[str]]:
        """What was recorded here from other code or parameters than were run.

        Args:
            found: What running the same stages gave.

        Returns:
            The changed files, and params.yaml if a parameter changed, by the stage that reads them.

        """
        changed = {}
        for name, stage in found.stages.items():
            before = self.stages.get(name, Stage()).read
            inputs = sorted(
                path
                for path in stage.read | before
                if path not in found.outputs and stage.read.get(path) != before.get(path)
            )
            if inputs:
                changed[name] = inputs
        return changed
