"""Training digits that are shown beside an answer."""

import numpy as np
import pytest

from digits.core.errors import UserError
from digits.evaluation import abstention, examples


@pytest.fixture
def images(rng):
    """Random (12, 28, 28) uint8 images, and what a model is shown of them."""
    raw = rng.integers(0, 256, (12, 28, 28), np.uint8)
    return raw, raw[..., np.newaxis].astype(np.float32) / 255


def test_examples_are_spread_over_the_order_of_the_data_set(rng):
    index = rng.permutation(1000)
    labels = index % 3
    chosen = examples.choose(labels, index, a_class=11)
    np.testing.assert_array_equal(labels[chosen], np.repeat([0, 1, 2], 11))
    for label in range(3):
        places = index[chosen[labels[chosen] == label]]
        assert (places.min(), places.max()) == (label, 999 - (999 - label) % 3)
        np.testing.assert_allclose(np.diff(places), 99, atol=3)


def test_small_classes_give_all_they_have():
    labels = np.array([5, 0, 0, 5, 0])
    np.testing.assert_array_equal(examples.choose(labels, np.arange(5), 3), [1, 2, 4, 0, 3])
    assert not len(examples.choose(labels[:0], labels[:0]))


def test_the_nearest_of_the_class_are_found(images, tmp_path):
    raw, prepared = images
    labels = np.repeat([0, 1], 6)
    examples.save(raw, labels, prepared, "svc", tmp_path)
    kept = examples.load("svc", tmp_path)
    np.testing.assert_array_equal(kept.images, raw)
    vectors = abstention.features(prepared)
    apart = np.linalg.norm(vectors[6:] - vectors[2], axis=1)
    np.testing.assert_array_equal(kept.nearest(vectors[2], 1, 3), 6 + np.argsort(apart)[:3])
    assert kept.nearest(vectors[2], 0, 1) == [2]
    assert len(kept.nearest(vectors[2], 0, 99)) == 6
    assert not len(kept.nearest(vectors[2], 7, 3))


def test_the_same_examples_give_the_same_bytes(images, tmp_path):
    raw, prepared = images
    for name in ("a", "b"):
        examples.save(raw, np.zeros(12), prepared, "svc", tmp_path / name)
    written = [examples.path("svc", tmp_path / name).read_bytes() for name in ("a", "b")]
    assert written[0] == written[1]


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda file: file.unlink(), "missing; .*`dvc repro confidence@svc`"),
        (lambda file: file.write_bytes(b""), "damaged"),
        (lambda file: file.write_bytes(b"PK nonsense"), "damaged"),
        (lambda file: file.write_bytes(file.read_bytes()[:-2000]), "damaged"),
        (lambda file: np.savez(file, images=np.zeros(3)), "damaged"),
        (
            lambda file: np.savez(file, images=np.zeros(3), labels=np.zeros(3), vectors=0),
            "another version",
        ),
        (
            lambda file: np.savez(
                file,
                images=np.zeros((1, 28, 28), np.uint8),
                labels=np.zeros(1, np.uint8),
                vectors=np.array([[None]]),
            ),
            "damaged",
        ),
    ],
)
def test_missing_or_damaged_examples_are_refused(images, tmp_path, damage, words):
    raw, prepared = images
    examples.save(raw, np.zeros(12), prepared, "svc", tmp_path)
    damage(examples.path("svc", tmp_path))
    with pytest.raises(UserError, match=words):
        examples.load("svc", tmp_path)
