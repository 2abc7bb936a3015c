"""What is read as IDX and what is refused."""

import gzip

import numpy as np
import pytest

from digits.core.errors import UserError
from digits.datasets import idx
from tests.raw_files import idx_bytes


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "an empty file"),
        (b"\x00\x00\x0d\x03" + bytes(20), "received 00000d03"),
        (b"\x89PNG\r\n\x1a\n" + bytes(20), "received 89504e47"),
        (idx_bytes(np.zeros((2, 3, 3)))[:-1], "announces 2 x 3 x 3 bytes, but 17 follow"),
        (gzip.compress(idx_bytes(np.zeros((2, 3, 3))))[:-12], "damaged gzip"),
    ],
)
def test_a_damaged_idx_file_is_named(tmp_path, content, words):
    path = tmp_path / "images"
    path.write_bytes(content)
    with pytest.raises(UserError, match=words):
        idx.read(path, 3)
