"""Sub-folders of images: which files are taken, in which order."""

from pathlib import Path

import numpy as np
import pytest

from digits.core.errors import UserError
from digits.datasets.raw import class_folders
from tests.raw_files import read_image, write


def test_images_come_class_by_class_in_the_order_of_their_names(tmp_path):
    for name, values in (("three", (3, 4)), ("eight", (8, 9))):
        write(tmp_path / name, {f"{value}.png": bytes([value]) for value in reversed(values)})
    images, labels, classes = class_folders.read(tmp_path, read_image, "own")
    assert classes == ("eight", "three")
    assert images[:, 0, 0].tolist() == [8, 9, 3, 4]
    assert labels.tolist() == [0, 0, 1, 1]
    assert (images.dtype, labels.dtype) == (np.uint8, np.uint8)
    listed = [path.relative_to(tmp_path).as_posix() for path in class_folders.files(tmp_path)]
    assert listed == ["eight/8.png", "eight/9.png", "three/3.png", "three/4.png"]


def test_a_class_that_cannot_be_listed_is_a_fault(tmp_path, monkeypatch):
    for name in "38":
        write(tmp_path / name, {"0.png": b"0"})
    iterdir = Path.iterdir

    def refusing(path):
        if path.name == "8":
            raise PermissionError(13, "Permission denied")
        return iterdir(path)

    monkeypatch.setattr(Path, "iterdir", refusing)
    with pytest.raises(UserError, match=r"8: cannot be read \(Permission denied\)"):
        class_folders.read(tmp_path, read_image, "own")
