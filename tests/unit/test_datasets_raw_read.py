"""A raw folder to images and labels."""

import gzip
import json

import numpy as np
import pytest

from digits.core.errors import UserError
from digits.datasets.raw import optdigits
from digits.datasets.raw.read import read_raw
from tests.raw_files import idx_bytes, read_image, write


def stored(tmp_path, name, content):
    return write(
        tmp_path, content | {"dataset.json": json.dumps({"name": name, "files": {}}).encode()}
    )


def test_a_published_set_has_the_published_classes(published, tmp_path):
    read = read_raw(stored(tmp_path, "mnist", published), read_image)
    assert (read.name, read.classes, read.white) == ("mnist", ("0", "1"), 255)
    assert read.labels.tolist() == [0, 1, 0, 1, 0, 1, 0, 1]


def test_a_published_set_must_be_whole(published, tmp_path):
    names = list(published)
    stored(tmp_path, "mnist", {name: published[name] for name in names[:2]})
    with pytest.raises(UserError, match="has 2 faults"):
        read_raw(tmp_path, read_image)


def test_bundled_digits_are_read_and_damage_is_told(tmp_path):
    stored(tmp_path, "optdigits", {optdigits.FILE: optdigits.bundled().read_bytes()})
    read = read_raw(tmp_path, read_image)
    assert (len(read.images), read.white, read.classes) == (1797, 16, tuple("0123456789"))
    for damage in (b"", b"1,2,3", gzip.compress(b"a,b"), optdigits.bundled().read_bytes()[:999]):
        (tmp_path / optdigits.FILE).write_bytes(damage)
        with pytest.raises(UserError, match=r"digits\.csv\.gz.*dvc repro download"):
            read_raw(tmp_path, read_image)
    (tmp_path / optdigits.FILE).unlink()
    with pytest.raises(UserError, match=r"digits\.csv\.gz.*dvc repro download"):
        read_raw(tmp_path, read_image)


@pytest.mark.parametrize(
    "about", ["[]", "{}", '{"name": 3, "files": {}}', '{"name": "mnits", "files": {}}']
)
def test_a_folder_of_an_unknown_set_is_refused(published, tmp_path, about):
    write(tmp_path, published | {"dataset.json": about.encode()})
    with pytest.raises(UserError, match=r"dataset\.json"):
        read_raw(tmp_path, read_image)


def test_images_and_labels_of_two_parts_come_in_one_array(tmp_path):
    content = {
        "train-images-idx3-ubyte": idx_bytes(np.full((2, 3, 5), 1)),
        "train-labels-idx1-ubyte": idx_bytes(np.array([0, 1])),
        "t10k-images-idx3-ubyte": idx_bytes(np.full((1, 3, 5), 2)),
        "t10k-labels-idx1-ubyte": idx_bytes(np.array([1])),
    }
    read = read_raw(stored(tmp_path, "idx", content), read_image)
    assert read.images.shape == (3, 3, 5)
    assert read.images[:, 0, 0].tolist() == [1, 1, 2]
    assert read.is_test.tolist() == [False, False, True]
