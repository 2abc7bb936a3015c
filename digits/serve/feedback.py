"""Corrections that people make to what the models read, kept until they become a data set.

A record is one JSON file in a folder, complete or not there: it is written under another name,
flushed to the disk and then moved into place.  Records are never changed, so any number of
processes may add to one folder.
"""

import base64
import hashlib
import os
import re
import tempfile
import time
import uuid
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from digits.core import files, paths
from digits.core.config import Section
from digits.core.errors import UserError
from digits.scan.single.normalise import SIDE

FOLDER = paths.HOME / "data" / "feedback"
NO_DIGIT = "none"
"""The label of what is no digit."""
ARRIVING = ".arriving"
"""Sub-folder of what is being written; what a killed process left there was never confirmed."""
NAME = re.compile(r"[0-9]{20}-[0-9a-f]{32}", re.ASCII)
"""Of a record, without its suffix: when it was made, in nanoseconds, and a random part."""
EXPORTED = "feedback-"
"""Begins the name of every image that `export` writes, and of those alone that it removes."""


class Record(Section):
    """One correction."""

    image: str
    """The (28, 28) image that the models saw: PNG, base64."""
    label: str
    """What it shows: a class, or `NO_DIGIT`."""
    predictions: dict[str, str]
    """What each model read."""
    models: dict[str, str]
    """SHA-256 of each model's bundle."""
    time: str
    """UTC, ISO 8601."""


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


def png(image: np.ndarray) -> bytes:
    """Encode (height, width) uint8 as PNG."""
    encoded: bytes = cv2.imencode(".png", image)[1].tobytes()
    return encoded


def from_png(data: bytes) -> np.ndarray | None:
    """Decode a PNG of (28, 28) uint8; None if it is anything else."""
    # The header tells the size: nothing larger is decoded.
    header = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + SIDE.to_bytes(4) * 2
    if not data.startswith(header):
        return None
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
    return image if image is not None and image.shape == (SIDE, SIDE) else None


def prepare(folder: Path) -> None:
    """Make the folder of the records, on the disk for good.

    Raises:
        UserError: if nothing can be written there.

    """
    arriving = folder / ARRIVING
    try:
        arriving.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=arriving):
            pass
        for made in (folder, folder.parent, folder.parent.parent):
            _flush(made)
    except OSError as error:
        raise UserError(
            f"expected to store corrections in {paths.relative(folder)}, received "
            f'"{error.strerror}"; make it a folder that you may write to, or leave out --feedback'
        ) from None


def _flush(folder: Path) -> None:
    """Let the names in a folder outlast a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def add(
    folder: Path,
    image: np.ndarray,
    label: str,
    predictions: dict[str, str],
    models: dict[str, str],
) -> str:
    """Keep one correction; when this returns, it is on the disk.

    Args:
        folder: Of the records; made anew where somebody has removed it.
        image: (28, 28) uint8 as the models saw it.
        label: What it shows: a class, or `NO_DIGIT`.
        predictions: What each model read.
        models: SHA-256 of each model's bundle.

    Returns:
        The record's name.

    """
    nanoseconds = time.time_ns()
    seconds, rest = divmod(nanoseconds, 10**9)
    record = Record(
        image=base64.b64encode(png(image)).decode(),
        label=label,
        predictions=predictions,
        models=models,
        time=f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{rest:09d}Z",
    )
    # Zero-padded: the order of names is the order of time.
    name = f"{nanoseconds:020d}-{uuid.uuid4().hex}.json"
    if not (folder / ARRIVING).is_dir():
        prepare(folder)
    temporary = folder / ARRIVING / name
    try:
        with temporary.open("xb") as sink:
            sink.write(record.model_dump_json().encode() + b"\n")
            sink.flush()
            os.fsync(sink.fileno())
        temporary.rename(folder / name)
    finally:
        temporary.unlink(missing_ok=True)
    _flush(folder)
    return name.removesuffix(".json")


def remove(folder: Path, name: str) -> bool:
    """Withdraw one correction; when this returns, it is off the disk.

    Args:
        folder: Of the records.
        name: As `add` returned it.

    Returns:
        Whether it was there.

    """
    if not NAME.fullmatch(name):
        return False
    try:
        (folder / f"{name}.json").unlink()
    except FileNotFoundError:
        return False
    _flush(folder)
    return True


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
            image = from_png(base64.b64decode(record.image, validate=True))
        except ValueError:  # no JSON, not these keys, no base64
            image = None
        if image is None or record.label.startswith("."):
            unreadable.append(path.name)
            continue
        # "T-shirt/top" is one of Fashion-MNIST's classes.
        label = record.label.replace("/", "-")
        latest[hashlib.sha256(image.tobytes()).hexdigest()] = label, png(image)
    if not latest:
        raise UserError(
            f"expected corrections in {paths.relative(source)}, found none; start "
            "`digits ui --feedback`, click a digit that is misread and say what it is"
        )
    wanted = {
        target / label / f"{EXPORTED}{digest[:32]}.png": content
        for digest, (label, content) in latest.items()
        if label != NO_DIGIT
    }
    for path, content in wanted.items():
        with files.atomic(path) as temporary:
            temporary.write_bytes(content)
    for path in target.glob(f"*/{EXPORTED}*.png"):
        if path not in wanted:
            path.unlink()
    counts = Counter(path.parent.name for path in wanted)
    return Exported(
        counts=dict(sorted(counts.items())),
        records=len(found) - len(unreadable),
        no_digit=len(latest) - len(wanted),
        unreadable=tuple(unreadable),
    )
