"""A user's own data set: what is taken and what is refused."""

import gzip

import numpy as np
import pytest

from digits.core.errors import UserError
from digits.datasets import download as downloading
from digits.datasets import raw
from tests.raw_files import idx_bytes, read_image, small_set, write


def download(tmp_path, name):
    params = downloading.Params(name=name, path="own", fallback="none")
    return downloading.download(params, tmp_path / "raw", read_image, tmp_path)


def test_an_own_idx_set_without_test_images(tmp_path):
    content = {name: data for name, data in small_set().items() if name.startswith("train")}
    write(tmp_path / "own", {name[:-3]: gzip.decompress(data) for name, data in content.items()})
    assert download(tmp_path, name="idx") == "idx"
    stored = raw.load(tmp_path / "raw", read_image)
    assert (len(stored.images), stored.is_test.any(), stored.classes) == (6, False, ("0", "1"))


def test_own_images_and_labels_must_be_as_many(tmp_path):
    content = small_set(images=6) | {
        "train-labels-idx1-ubyte.gz": gzip.compress(idx_bytes(np.zeros(5)))
    }
    write(tmp_path / "own", content)
    with pytest.raises(UserError, match=r"6 images, but .* 5 labels"):
        download(tmp_path, name="idx")


def test_a_folder_of_classes(tmp_path):
    for name, value in (("three", 3), ("eight", 8)):
        write(tmp_path / "own" / name, {"a.png": bytes([value]), "notes.txt": b"no image"})
    assert download(tmp_path, name="folder") == "folder"
    stored = raw.load(tmp_path / "raw", read_image)
    assert stored.classes == ("eight", "three")
    assert stored.images[:, 0, 0].tolist() == [8, 3]
    assert stored.labels.tolist() == [0, 1]


@pytest.mark.parametrize(("name", "words"), [("idx", "train-images"), ("folder", "CLASS/IMAGE")])
def test_an_empty_own_set_says_what_is_expected(tmp_path, name, words):
    (tmp_path / "own").mkdir()
    with pytest.raises(UserError, match=words):
        download(tmp_path, name=name)


def test_one_class_is_no_classification(tmp_path):
    write(tmp_path / "own" / "0", {"a.png": b"\x01"})
    with pytest.raises(UserError, match="two or more classes"):
        download(tmp_path, name="folder")
