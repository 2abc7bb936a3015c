"""What a prepared set must satisfy, whichever data set it is."""

import numpy as np
import pytest

from digits.core import files, paths
from digits.data import split
from digits.data.split import SETS


@pytest.fixture(scope="module")
def parts():
    if not all((paths.SPLIT / f"{name}.npz").is_file() for name in SETS):
        pytest.skip("no data here: run `dvc repro` or `dvc checkout`")
    return {name: split.read(paths.SPLIT, name) for name in SETS}


@pytest.fixture(scope="module")
def description():
    if not (paths.SPLIT / "split.json").is_file():
        pytest.skip("no data here: run `dvc repro` or `dvc checkout`")
    return files.read_json(paths.SPLIT / "split.json")


def test_images_and_labels_have_the_promised_shape_and_type(parts, description):
    for part in parts.values():
        assert part.images.dtype == np.float32
        assert list(part.images.shape[1:]) == description["image_shape"]
        assert part.labels.dtype == np.uint8
        assert len(part.images) == len(part.labels) == len(part.index)
        assert np.isfinite(part.images).all()
        assert part.labels.max() < len(description["classes"])


def test_no_image_is_blank_and_every_class_is_there(parts, description):
    for part in parts.values():
        assert (part.images.max(axis=(1, 2, 3)) > part.images.min(axis=(1, 2, 3))).all()
        assert set(part.labels) == set(range(len(description["classes"])))


def test_the_sets_are_disjoint_and_the_description_is_true(parts, description):
    everything = np.concatenate([part.index for part in parts.values()])
    assert len(np.unique(everything)) == len(everything)
    for name, part in parts.items():
        told = description["sets"][name]
        assert told["images"] == len(part)
        assert told["per_class"] == np.bincount(part.labels).tolist()


def test_mnist_is_the_published_one(parts, description):
    if description["name"] != "mnist":
        pytest.skip(f"this is {description['name']}")
    assert [len(parts[name]) for name in SETS] == [48_000, 12_000, 10_000]
    # The first labels of the official test set, and its class counts.
    assert parts["test"].labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    assert description["sets"]["test"]["per_class"] == [
        980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009,
    ]  # fmt: skip
    shares = [np.array(description["sets"][name]["per_class"]) for name in SETS[:2]]
    assert np.abs(shares[0] / 4 - shares[1]).max() < 2
