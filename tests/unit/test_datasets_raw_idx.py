"""What is read as IDX and what is refused."""

import gzip

import numpy as np
import pytest

from digits.core.errors import UserError
from digits.datasets.raw import idx
from tests.raw_files import idx_bytes


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "an empty file"),
        (b"\x00\x00\x0d\x03" + bytes(20), "received 00000d03"),
        (b"\x89PNG\r\n\x1a\n" + bytes(20), "received 89504e47"),
        (idx_bytes(np.zeros((2, 3, 3)))[:-1], "announces 2 x 3 x 3 = 18 bytes, but 17 follow"),
        (gzip.compress(idx_bytes(np.zeros((2, 3, 3))), mtime=0)[:-12], "damaged gzip"),
    ],
)
def test_a_damaged_idx_file_is_named(tmp_path, content, words):
    path = tmp_path / "images"
    path.write_bytes(content)
    for reading in (idx.read, idx.check):
        with pytest.raises(UserError, match=f"images: .*{words}"):
            reading(path, 3)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_values_come_back_in_their_shape(tmp_path, pack):
    values = np.arange(700_000, dtype=np.uint64).astype(np.uint8).reshape(7, 1000, 100)
    (tmp_path / "images").write_bytes(pack(idx_bytes(values)))
    np.testing.assert_array_equal(idx.read(tmp_path / "images", 3), values)
    idx.check(tmp_path / "images", 3)


def test_the_files_of_a_set_are_found_under_their_usual_names(tmp_path):
    names = ["train-images.idx3-ubyte", "train-labels-idx1-ubyte.gz", "t10k-images-idx3-ubyte"]
    for name in (*names, "t10k-labels-idx1-ubyte.zip", "README.md"):
        (tmp_path / name).touch()
    assert [path.name for path in idx.files(tmp_path)] == names
