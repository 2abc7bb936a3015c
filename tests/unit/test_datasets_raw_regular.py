"""Regular files are read; everything else is told as what it is."""

import os
import sys
from pathlib import Path

import pytest

from digits.core.errors import UserError
from digits.datasets.raw import regular


def test_a_file_comes_in_chunks(tmp_path):
    content = os.urandom(regular.CHUNK_BYTES + 5)
    (tmp_path / "file").write_bytes(content)
    (tmp_path / "link").symlink_to("file")
    for name in ("file", "link"):
        regular.check(tmp_path / name)
        chunks = list(regular.chunks(tmp_path / name))
        assert [len(chunk) for chunk in chunks] == [regular.CHUNK_BYTES, 5]
        assert b"".join(chunks) == content


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: None, "there is no such file"),
        (lambda path: path.symlink_to("nowhere"), "is a link to nowhere, which does not exist"),
        (lambda path: path.symlink_to(path), "cannot be reached"),
        (lambda path: path.mkdir(), "found a folder"),
        (os.mkfifo, "found a named pipe"),
        (lambda path: path.symlink_to("/dev/null"), "found a device"),
    ],
)
def test_what_is_no_regular_file_is_told(tmp_path, make, words):
    make(tmp_path / "file")
    for use in (regular.check, regular.opened, lambda path: list(regular.chunks(path))):
        with pytest.raises(UserError, match=words):
            use(tmp_path / "file")


def test_a_pipe_that_takes_the_place_of_a_file_is_not_waited_for(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "file")
    monkeypatch.setattr(regular, "check", lambda path: None)
    assert list(regular.chunks(tmp_path / "file")) == []


@pytest.mark.skipif(sys.platform != "linux", reason="needs a file whose reading fails")
def test_a_file_whose_reading_fails_is_told():
    with pytest.raises(UserError, match="cannot be read"):
        list(regular.chunks(Path("/proc/self/mem")))
