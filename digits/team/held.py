"""Files by the digest under which DVC holds them: in its cache, the working tree or a remote."""

import hashlib
from pathlib import Path

from digits.core.errors import UserError
from digits.tracking.models import Reference


def find(reference: Reference, root: Path) -> Path:
    """Where the bytes of a reference are on this machine; a remote is asked where they are not.

    Args:
        reference: The file.
        root: A checkout of the project.

    Raises:
        UserError: if nobody has it, or if what is there has another digest.

    """
    here = (root / reference.path).resolve()
    if here.is_relative_to(root.resolve()) and here.is_file() and _is_it(here, reference):
        return here
    cached = _cached(reference, root)
    if cached is None or not _is_it(cached, reference):
        raise UserError(
            f"{reference.path} with the MD5 {reference.md5} is neither in the working tree {root} "
            "nor in DVC's cache nor in its remote. Run this in the checkout that has it, or ask "
            "whoever trained it for `dvc push`; what was promoted needs neither"
        )
    return cached


def _is_it(file: Path, reference: Reference) -> bool:
    with file.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest() == reference.sha256


def _cached(reference: Reference, root: Path) -> Path | None:
    """The file in DVC's cache, brought there from its remote if need be."""
    try:
        from dvc.exceptions import DvcException
        from dvc.repo import Repo
        from dvc_data.hashfile.hash_info import HashInfo
    except ImportError:
        return None
    try:
        with Repo(str(root)) as repo:
            file = Path(repo.cache.local.oid_to_path(reference.md5))
            if not file.is_file() and repo.config["core"].get("remote"):
                repo.cloud.pull([HashInfo("md5", reference.md5)])
            return file if file.is_file() else None
    except DvcException:
        return None
