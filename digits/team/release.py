"""A release: what reads digits elsewhere, as a folder that any static web server can hold."""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

from digits.core import config, files, paths
from digits.core.errors import UserError
from digits.inference import bundle
from digits.team.fetch import INDEX, Index, Member, digest, stored
from digits.tracking import git
from digits.verification import doctor

SUMS, SBOM = "SHA256SUMS", "sbom.json"
"""For `sha256sum --check`, and the bill of materials."""


def make(folder: Path) -> Index:
    """Write a release; the folder is there whole or not at all.

    Args:
        folder: A new or an empty folder.

    Raises:
        UserError: if there is something in the folder, if no model is there, or if one of those
            that are cannot be used.

    """
    if os.path.lexists(folder) and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(f"{folder}: expected a new or an empty folder, received one with files")
    models = [name for name in config.MODELS if (paths.MODELS / name).is_dir()]
    if not models:
        raise UserError("there is no trained model; run `dvc repro`, `dvc pull` or `digits fetch`")
    for model in models:
        doctor.answer(model, paths.MODELS)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as made:
        place = Path(made) / "release"
        place.mkdir()
        members = dict(_members(models))
        for name, source in members.items():
            shutil.copyfile(source, place / stored(name))
        lock = paths.PIPELINE_LOCK.with_name("base.lock").read_text(encoding="utf-8")
        files.write_json(place / SBOM, bill(lock))
        index = Index(
            version=metadata.version("digits"),
            commit=git.commit(),
            models={model: bundle.load(paths.MODELS / model).digest for model in models},
            files={
                name: Member(
                    sha256=digest(place / stored(name)), size=(place / stored(name)).stat().st_size
                )
                for name in sorted([*members, SBOM])
            },
        )
        index.write(place / INDEX)
        sums = {stored(name): member.sha256 for name, member in index.files.items()}
        sums[INDEX] = digest(place / INDEX)
        text = "".join(f"{sum_}  {name}\n" for name, sum_ in sorted(sums.items()))
        files.write_text(place / SUMS, text)
        if folder.is_dir():
            folder.rmdir()
        place.rename(folder)
    return index


def _members(models: list[str]) -> Iterator[tuple[str, Path]]:
    """The files of a release by their paths in the checkout."""
    found = [paths.PARAMS, paths.DVC_LOCK, paths.PAGE, *paths.PIPELINE_LOCK.parent.glob("*.lock")]
    found += (paths.REPORTS / "cards").rglob("*")
    for model in models:
        # What further training needs is of no use to who reads digits.
        found += (one for one in (paths.MODELS / model).iterdir() if one.name != bundle.NETWORK)
        found += (paths.MODELS / "confidence").glob(f"{model}.*")
    for file in sorted(found):
        if file.is_file():
            yield file.relative_to(paths.ROOT).as_posix(), file


def bill(lock: str) -> dict[str, Any]:
    """What a lock file installs, as CycloneDX 1.6 has it.

    Args:
        lock: The content of a file as `uv pip compile` writes it.

    """
    components = []
    for name, version in re.findall(r"^([A-Za-z0-9._-]+)==([^ ;\\\n]+)", lock, re.MULTILINE):
        address = f"pkg:pypi/{name.lower()}@{version}"
        components.append(
            {
                "type": "library",
                "bom-ref": address,
                "name": name,
                "version": version,
                "purl": address,
            }
        )
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "name": "digits",
                "version": metadata.version("digits"),
            }
        },
        "components": components,
    }
