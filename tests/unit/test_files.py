"""Files are whole or absent, and a full disk is said of the file that was being written."""

import errno
import hashlib
import shutil
import zipfile

import numpy as np
import pytest

from digits.core import files
from digits.core.errors import UserError


def test_an_interrupted_writer_leaves_the_former_file(tmp_path):
    path = tmp_path / "folder" / "result.json"
    files.write_json(path, {"accuracy": 0.5})
    with pytest.raises(ZeroDivisionError), files.atomic(path) as temporary:
        temporary.write_text("half")
        raise ZeroDivisionError
    assert files.read_json(path) == {"accuracy": 0.5}
    assert [file.name for file in path.parent.iterdir()] == ["result.json"]


def test_json_without_nan(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        files.write_json(tmp_path / "a.json", {"loss": float("nan")})
    assert not list(tmp_path.iterdir())


def test_a_broken_or_missing_result_says_how_to_make_it(tmp_path):
    with pytest.raises(UserError, match="dvc checkout"):
        files.read_json(tmp_path / "a.json")
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(UserError, match="not valid JSON"):
        files.read_json(tmp_path / "a.json")


FULL = "/dev/full"
"""Linux has no room in it."""


def fill(write):
    with open(FULL, "wb") as sink:
        write(sink)


@pytest.mark.parametrize(
    "write",
    [
        lambda _: fill(lambda sink: sink.write(bytes(10**6))),
        lambda _: fill(lambda sink: np.savez(sink, images=np.zeros(10**6, np.uint8))),
        lambda _: shutil.copyfile(np.__file__, FULL),
    ],
    ids=["write", "numpy", "copy"],
)
def test_a_full_disk_is_said_of_what_was_being_written(tmp_path, write):
    target = tmp_path / "result.npz"
    with pytest.raises(OSError, match=r"result\.npz") as caught, files.atomic(target) as temporary:
        write(temporary)
    assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, str(target))
    assert not list(tmp_path.iterdir())


def test_a_library_that_does_not_say_why_it_cannot_write_is_understood(tmp_path):
    target = tmp_path / "images.npy"
    with pytest.raises(UserError, match=r"images\.npy cannot be written"), files.atomic(target):
        # What numpy raises where the disk is full before an array is written.
        raise OSError("1000000 requested and 25584 written")
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_said_before_anything_is_written(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device", "/tmp/other")

    monkeypatch.setattr("tempfile.mkstemp", full)
    with pytest.raises(OSError, match=r"result\.npz"), files.atomic(tmp_path / "result.npz"):
        pass


def test_what_cannot_be_read_is_said_of_what_is_read(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"missing\.csv"), files.atomic(tmp_path / "a.npz"):
        (tmp_path / "missing.csv").read_text()


def test_arrays_are_the_same_bytes_by_every_release_of_python(tmp_path):
    first, second = np.arange(6, dtype=np.float32).reshape(2, 3), np.zeros(0, np.uint8)
    files.write_arrays(tmp_path / "a.npz", first=first, second=second)
    content = (tmp_path / "a.npz").read_bytes()
    assert hashlib.sha256(content).hexdigest() == (
        "045c3703e004bd795a4660153d2ffe989f7bbdb27bc98374724678fa05aadee6"
    )
    with np.load(tmp_path / "a.npz") as read:
        assert (read["first"] == first).all()
        assert read["second"].dtype == np.uint8
    with zipfile.ZipFile(tmp_path / "a.npz") as archive:
        assert {member.create_version for member in archive.infolist()} == {20}
