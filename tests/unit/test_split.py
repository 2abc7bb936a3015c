"""Exact counts, stratified, seeded, disjoint, also by content."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digits.core import records
from digits.core.errors import UserError
from digits.data import split


def params(
    train=48000, validation=12000, test=10000, left_out=0, shuffle=True, stratify=True, seed=0
):
    return split.Params(
        train=train,
        validation=validation,
        test=test,
        left_out=left_out,
        shuffle=shuffle,
        stratify=stratify,
        seed=seed,
    )


def labelled(size, official=0):
    labels = (np.arange(size) % 10).astype(np.uint8)
    return labels, np.arange(size) >= size - official


def test_mnist_shape_is_stratified_and_keeps_the_official_test_set():
    labels, is_test = labelled(70000, official=10000)
    drawn = split.draw(labels, is_test, params())
    assert [len(part) for part in drawn] == [48000, 12000, 10000]
    np.testing.assert_array_equal(drawn.test, np.arange(60000, 70000))
    assert len(np.unique(np.concatenate(drawn))) == 70000
    for part in drawn:
        assert np.ptp(np.bincount(labels[part])) <= 1


def test_without_shuffling_the_validation_set_is_the_last_training_images_as_they_lie():
    labels, is_test = labelled(70000, official=10000)
    drawn = split.draw(labels, is_test, params(shuffle=False, stratify=False))
    np.testing.assert_array_equal(drawn.train, np.arange(48000))
    np.testing.assert_array_equal(drawn.validation, np.arange(48000, 60000))
    np.testing.assert_array_equal(drawn.test, np.arange(60000, 70000))


def test_only_what_is_shuffled_can_be_stratified():
    with pytest.raises(ValueError, match=r"expected false, since split\.shuffle is false"):
        params(shuffle=False, stratify=True)


def test_the_seed_decides():
    labels, is_test = labelled(700, official=100)
    first, same, other = (split.draw(labels, is_test, params(seed=seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.validation, same.validation)
    assert (first.validation != other.validation).any()


def test_another_size_keeps_the_proportions():
    assert split.counts(params(), 1797, 0) == (1232, 308, 257)
    assert split.counts(params(), 700, 50) == (520, 130, 50)


def test_counts_that_add_up_are_used_as_they_are():
    exact = params(train=1779, validation=0, test=18, stratify=False)
    assert split.counts(exact, 1797, 0) == (1779, 0, 18)


def test_without_stratification_it_is_scikit_learns_split():
    from sklearn.model_selection import train_test_split

    labels, is_test = labelled(1797)
    drawn = split.draw(labels, is_test, params(1779, 0, 18, stratify=False))
    _, expected = train_test_split(np.arange(1797), test_size=0.01, random_state=0)
    np.testing.assert_array_equal(drawn.test, expected)
    assert len(drawn.validation) == 0


def test_images_can_be_left_out():
    labels, is_test = labelled(7000, official=1000)
    drawn = split.draw(labels, is_test, params(1000, 0, 100, left_out=5900))
    assert [len(part) for part in drawn] == [1000, 0, 100]
    assert is_test[drawn.test].all()
    assert not is_test[drawn.train].any()


@given(
    size=st.integers(200, 3000),
    proportions=st.tuples(st.integers(2, 9), st.integers(1, 5), st.integers(1, 5)),
)
def test_the_sets_are_disjoint_and_complete(size, proportions):
    labels, is_test = labelled(size)
    train, validation, test = proportions
    drawn = split.draw(labels, is_test, params(train, validation, test, stratify=False))
    np.testing.assert_array_equal(np.sort(np.concatenate(drawn)), np.arange(size))


@pytest.mark.parametrize(
    ("size", "changes", "words"),
    [
        (3, {}, "use more images"),
        (70000, {"train": 40000, "validation": 5000, "test": 25000}, "official"),
    ],
)
def test_what_cannot_be_drawn_is_explained(size, changes, words):
    labels, is_test = labelled(size, official=size // 7)
    with pytest.raises(UserError, match=words):
        split.draw(labels, is_test, params(**changes))


def test_a_class_of_one_image_cannot_be_stratified():
    labels = np.array([0] * 99 + [1], np.uint8)
    with pytest.raises(UserError, match="stratify to false"):
        split.draw(labels, np.zeros(100, bool), params(6, 2, 2))


def test_an_image_in_two_sets_is_reported():
    images = np.arange(10, dtype=np.float32).reshape(10, 1, 1, 1)
    images[9] = images[1]
    indices = split.Indices(np.arange(6), np.array([6, 7]), np.array([8, 9]))
    (shared,) = split.shared_images(images, indices)
    assert (shared.sets, shared.index) == (("train", "test"), (1, 9))


def test_saved_and_read_again(tmp_path, rng):
    images = rng.random((10, 4, 4, 1)).astype(np.float32)
    labels = np.arange(10, dtype=np.uint8)
    indices = split.Indices(np.array([3, 1, 2]), np.array([], dtype=int), np.array([0, 9]))
    split.save(tmp_path, images, labels, indices)
    train = split.read(tmp_path, "train")
    np.testing.assert_array_equal(train.images, images[[3, 1, 2]])
    np.testing.assert_array_equal(train.index, [3, 1, 2])
    assert len(split.read(tmp_path, "validation")) == 0
    first = (tmp_path / "test.npz").read_bytes()
    split.save(tmp_path, images, labels, indices)
    assert (tmp_path / "test.npz").read_bytes() == first
    (tmp_path / "test.npz").write_bytes(first[:100])
    with pytest.raises(UserError, match="damaged"):
        split.read(tmp_path, "test")
    with pytest.raises(UserError, match="missing"):
        split.read(tmp_path / "elsewhere", "test")


def test_made_images_are_trained_on_and_described(rng):
    images, labels = rng.random((40, 2, 2, 1)).astype(np.float32), np.arange(40) % 2
    parts = split.Indices(np.arange(20), np.arange(20, 30), np.arange(30, 40))
    prepared = records.Prepared(name="drawn", classes=("a", "b"), raw_side=(2, 2), white=255)
    about = split.describe(images, labels, parts, prepared)
    train, validation = (
        split.Part(images[part], labels[part].astype(np.uint8), part) for part in parts[:2]
    )
    made = split.Part(images[:3], np.array([0, 1, 2], np.uint8), np.arange(3))
    data = split.TrainingData(train, validation, about).beside(made)
    assert len(data.train) == 23
    assert data.train.labels[-1] == 2
    assert data.description.sets["made"].per_class == (1, 1, 1)
    assert {"train", "validation", "test"} < set(data.description.sets)
