"""A data set made of corrections."""

import base64
import hashlib
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from digits.core import files, paths
from digits.core.errors import UserError
from digits.serve import png
from digits.serve.feedback import ABANDONED_SECONDS, NO_DIGIT, Record

PREFIX = "feedback-"
"""Begins the name of every image that is written, and of those alone that are removed."""


@dataclass(frozen=True)
class Exported:
    """What `export` made of the records."""

    counts: dict[str, int]
    """Images of each class."""
    records: int
    no_digit: int
    """Images that were said to show no digit: in no class."""
    unreadable: tuple[str, ...]
    """Names of files that are no records."""


def export(source: Path, target: Path) -> Exported:
    """Make of all records a data set folder: one sub-folder of images a class.

    Of several corrections of the same image the last one counts.  Images that an earlier export
    wrote and that no longer belong there are removed; all other files in `target` stay.

    Args:
        source: Folder of the records.
        target: Folder of the data set, for `dataset.path`.

    Raises:
        UserError: if there is no record.

    """
    latest: dict[str, tuple[str, bytes]] = {}
    unreadable = []
    found = sorted(source.glob("*.json"))
    for path in found:
        try:
            record = Record.model_validate_json(path.read_bytes(), strict=True)
            image = png.decode(base64.b64decode(record.image, validate=True))
        except FileNotFoundError:  # withdrawn just now
            continue
        except (ValueError, OSError):  # no JSON, not these keys, no base64, no file
            image = None
        if image is None or not record.label or record.label.startswith("."):
            unreadable.append(path.name)
            continue
        # "T-shirt/top" is one of Fashion-MNIST's classes.
        label = record.label.replace("/", "-")
        latest[hashlib.sha256(image.tobytes()).hexdigest()] = label, png.encode(image)
    if not latest:
        raise UserError(
            f"expected corrections in {paths.relative(source)}, found none; start "
            "`digits ui --feedback`, click a digit that is misclassified and say what it is"
        )
    wanted = {
        target / label / f"{PREFIX}{digest[:32]}.png": content
        for digest, (label, content) in latest.items()
        if label != NO_DIGIT
    }
    for path, content in wanted.items():
        with files.atomic(path) as temporary:
            temporary.write_bytes(content)
    for path in target.glob(f"*/{PREFIX}*.png"):
        if path not in wanted:
            path.unlink()
    for path in target.glob(f"*/.{PREFIX}*"):  # what a killed export left
        if path.stat().st_mtime < time.time() - ABANDONED_SECONDS:
            path.unlink()
    counts = Counter(path.parent.name for path in wanted)
    return Exported(
        counts=dict(sorted(counts.items())),
        records=len(found) - len(unreadable),
        no_digit=len(latest) - len(wanted),
        unreadable=tuple(unreadable),
    )
