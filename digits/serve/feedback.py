"""Corrections that people make to what the models read, kept until they become a data set.

A record is one JSON file in a folder, complete or not there: it is written under another name,
flushed to the disk and then moved into place.  Records are never changed, so any number of
processes may add to one folder.
"""

import base64
import hmac
import os
import secrets
import tempfile
import threading
import time
import uuid
import zlib
from contextlib import suppress
from pathlib import Path

import filelock
import numpy as np

from digits.core import paths
from digits.core.config import Section
from digits.core.errors import UserError
from digits.serve import png

FOLDER = paths.HOME / "data" / "feedback"
NO_DIGIT = "none"
"""The label of what is no digit."""
ARRIVING = ".arriving"
"""Sub-folder of what is being written; what a killed process left there was never confirmed."""
ABANDONED_SECONDS = 60
"""What has been arriving for longer has no writer any more."""
KEY = ".key"
"""File of the secret that signs images, made for each installation."""
KEY_BYTES = 32
MOST = 20_000
"""Records of a folder: 80 MB on most disks, and more than people have patience for."""
NAME = r"\d{20}-[0-9a-f]{32}"
"""What names of records look like."""


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


class FullError(UserError):
    """No further record is taken."""


class Store:
    """A folder of records."""

    def __init__(self, folder: Path, most: int = MOST) -> None:
        """Make the folder ready, on the disk for good, and clear what killed processes left.

        Args:
            folder: Of the records.
            most: Records that it takes.

        Raises:
            UserError: if nothing can be written there.

        """
        self._folder, self._most = folder, most
        self._lock = threading.Lock()
        try:
            self._make_folders()
            self._clear_abandoned()
            self._key = self._installed_key()
            self._count = self._counted()
        except OSError as error:
            raise UserError(
                f"expected to store corrections in {paths.relative(folder)}, received "
                f'"{error.strerror}"; make it a folder that you may write to, or leave out '
                "--feedback"
            ) from None

    def _make_folders(self) -> None:
        arriving = self._folder / ARRIVING
        arriving.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=arriving):
            pass
        for made in (self._folder, self._folder.parent, self._folder.parent.parent):
            _flush(made)

    def _clear_abandoned(self) -> None:
        for path in (self._folder / ARRIVING).iterdir():
            with suppress(FileNotFoundError):  # another service may clear it, or have it arrived
                if path.stat().st_mtime < time.time() - ABANDONED_SECONDS:
                    path.unlink()

    def _installed_key(self) -> bytes:
        """Read the key; the first of any number of services makes it."""
        path = self._folder / KEY
        with filelock.FileLock(self._folder / f"{KEY}.lock"):
            if not path.exists():
                temporary = self._folder / ARRIVING / f"{KEY}-{uuid.uuid4().hex}"
                self._write(temporary, secrets.token_bytes(KEY_BYTES))
                temporary.rename(path)
                _flush(self._folder)
        key = path.read_bytes()
        if len(key) != KEY_BYTES:
            raise UserError(
                f"{paths.relative(path)} is damaged; remove it, and a new one is made at the next "
                "start"
            )
        return key

    def _counted(self) -> int:
        return sum(1 for _ in self._folder.glob("*.json"))

    def sign(self, image: np.ndarray) -> bytes:
        """Encode a (28, 28) uint8 image as a PNG file that proves where it comes from.

        A text chunk holds a digest of the image with the installation's key (RFC 2104): the same
        image always gives the same bytes.
        """
        return png.encode(image)[: -len(PNG_END)] + self._signature(image)

    def verify(self, data: bytes) -> np.ndarray | None:
        """The (28, 28) uint8 image of a file that `sign` made; None of any other."""
        image = png.decode(data)
        if image is None:
            return None
        signature = self._signature(image)
        return image if hmac.compare_digest(data[-len(signature) :], signature) else None

    def _signature(self, image: np.ndarray) -> bytes:
        """The last two chunks of a signed PNG file."""
        digest = hmac.digest(self._key, image.tobytes(), "sha256").hex()
        content = b"tEXtSignature\0" + digest.encode()
        length = (len(content) - 4).to_bytes(4)
        return length + content + zlib.crc32(content).to_bytes(4) + PNG_END

    def add(
        self,
        image: np.ndarray,
        label: str,
        predictions: dict[str, str],
        models: dict[str, str],
    ) -> str:
        """Keep one correction; when this returns, it is on the disk.

        Args:
            image: (28, 28) uint8 as the models saw it.
            label: What it shows: a class, or `NO_DIGIT`.
            predictions: What each model read.
            models: SHA-256 of each model's bundle.

        Returns:
            The record's name.

        Raises:
            FullError: if there are as many records as may be.
            OSError: if nothing can be written.

        """
        nanoseconds = time.time_ns()
        seconds, rest = divmod(nanoseconds, 10**9)
        record = Record(
            image=base64.b64encode(png.encode(image)).decode(),
            label=label,
            predictions=predictions,
            models=models,
            time=f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{rest:09d}Z",
        )
        # Zero-padded: the order of names is the order of time.
        name = f"{nanoseconds:020d}-{uuid.uuid4().hex}"
        self._take_room()
        try:
            if not (self._folder / ARRIVING).is_dir():
                self._make_folders()  # somebody has removed them
            temporary = self._folder / ARRIVING / f"{name}.json"
            try:
                self._write(temporary, record.model_dump_json().encode() + b"\n")
                temporary.rename(self._folder / f"{name}.json")
            finally:
                temporary.unlink(missing_ok=True)
        except BaseException:
            self._give_room()
            raise
        _flush(self._folder)
        return name

    def withdraw(self, name: str) -> bool:
        """Remove one correction for good; say whether there was one of that name.

        Args:
            name: As `add` gave it: whoever calls this has seen that it is like `NAME`.

        Raises:
            OSError: if it cannot be removed.

        """
        try:
            (self._folder / f"{name}.json").unlink()
        except FileNotFoundError:
            return False
        self._give_room()
        _flush(self._folder)
        return True

    def _take_room(self) -> None:
        with self._lock:
            if self._count >= self._most:
                self._count = self._counted()  # some may have been taken away
            if self._count >= self._most:
                raise FullError(
                    f"expected at most {self._most:,} corrections, received more; make a data set "
                    "of them with `digits feedback`, then move them away"
                )
            self._count += 1

    def _give_room(self) -> None:
        with self._lock:
            self._count -= 1

    @staticmethod
    def _write(path: Path, content: bytes) -> None:
        """Write a new file that nobody else may read, on the disk for good."""
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as sink:
            sink.write(content)
            sink.flush()
            os.fsync(sink.fileno())


PNG_END = b"\0\0\0\0IEND\xaeB`\x82"
"""The chunk that ends every PNG file."""


def _flush(folder: Path) -> None:
    """Let the names in a folder outlast a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
