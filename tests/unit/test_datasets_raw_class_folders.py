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


def test_a_label_is_the_sub_folder_or_else_the_first_character(tmp_path):
    write(tmp_path / "flat", {"7-a.png": b"7", "1.bmp": b"1", "7b.png": b"7", "notes.txt": b""})
    found = class_folders.labelled(tmp_path / "flat", "mine")
    assert {label: [path.name for path in paths] for label, paths in found.items()} == {
        "1": ["1.bmp"], "7": ["7-a.png", "7b.png"],
    }  # fmt: skip
    write(tmp_path / "deep" / "seven", {"1.png": b"7"})
    assert list(class_folders.labelled(tmp_path / "deep", "mine")) == ["seven"]


def test_images_without_a_label_are_refused(tmp_path):
    write(tmp_path / "7", {"a.png": b"7"})
    write(tmp_path, {"8.png": b"8"})
    with pytest.raises(UserError, match=r"8\.png: is in no class"):
        class_folders.labelled(tmp_path, "mine")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"as in 7/a\.png, or with the class as the first"):
        class_folders.labelled(tmp_path / "empty", "mine")
    with pytest.raises(UserError, match="mine: expected a folder, found none"):
        class_folders.labelled(tmp_path / "absent", "mine")
