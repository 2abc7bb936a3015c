"""Cleaning and scaling, on a few small images."""

import numpy as np
import pytest

from digits.core.errors import UserError
from digits.data import preprocess


def params(**changes):
    plain = {"scale": "unit", "denoise": "none", "deskew": False, "center": False, "size": "28"}
    return preprocess.Params(**(plain | changes))


@pytest.fixture
def images(rng):
    images = np.zeros((3, 28, 28), np.uint8)
    images[:, 6:20, 8:18] = rng.integers(0, 256, (3, 14, 10))
    images[0, 10, 10] = 255
    return images


def test_unit(images):
    prepared = preprocess.prepare(images, params())
    assert prepared.shape == (3, 28, 28, 1)
    assert prepared.dtype == np.float32
    assert (prepared.min(), prepared.max()) == (0, 1)
    np.testing.assert_array_equal(np.round(prepared[..., 0] * 255), images)


def test_l2_is_what_keras_does(images):
    import keras

    prepared = preprocess.prepare(images, params(scale="l2"))
    expected = keras.utils.normalize(images.astype(np.float64), axis=1)
    np.testing.assert_allclose(prepared[..., 0], expected, atol=1e-6)


def test_standard_is_what_tensorflow_does(images):
    import tensorflow as tf

    prepared = preprocess.prepare(images, params(scale="standard"))
    expected = tf.image.per_image_standardization(images[..., np.newaxis]).numpy()
    np.testing.assert_allclose(prepared, expected, atol=1e-5)


def test_binary_and_none(images):
    assert set(np.unique(preprocess.prepare(images, params(scale="binary")))) == {0, 1}
    unscaled = preprocess.prepare(images, params(scale="none"))
    np.testing.assert_array_equal(unscaled[..., 0], images)
    levels = np.array([[[0, 7, 8, 16]]], np.uint8)
    native = params(scale="binary", size="native")
    assert preprocess.prepare(levels, native, white=16).ravel().tolist() == [0, 0, 1, 1]


def test_a_blank_image_stays_finite():
    blank = np.zeros((1, 28, 28), np.uint8)
    for scale in ("unit", "l2", "binary", "standard", "none"):
        prepared = preprocess.prepare(blank, params(scale=scale, deskew=True, center=True))
        assert (prepared == 0).all()


def test_median_removes_a_lone_speck():
    image = np.zeros((1, 28, 28), np.uint8)
    image[0, 5, 5] = 255
    image[0, 12:18, 12:18] = 255
    cleaned = preprocess.prepare(image, params(denoise="median"))[0, :, :, 0]
    assert cleaned[5, 5] == 0
    assert cleaned[14, 14] == 1


def test_deskew_brings_a_slanted_stroke_upright():
    slanted = np.zeros((28, 28), np.uint8)
    for row in range(6, 22):
        column = 20 - (row - 6) // 2
        slanted[row, column : column + 2] = 255
    upright = preprocess.deskew(slanted)

    def correlation(image):
        rows, columns = np.nonzero(image > 128)
        return abs(np.corrcoef(rows, columns)[0, 1])

    assert correlation(slanted) > 0.9
    assert correlation(upright) < 0.2
    flat = np.zeros((28, 28), np.uint8)
    flat[14, 4:24] = 255
    np.testing.assert_array_equal(preprocess.deskew(flat), flat)


def test_center_moves_the_mass_to_the_middle(images):
    shifted = np.roll(images, (4, -5), axis=(1, 2))
    for image in preprocess.prepare(shifted, params(center=True))[..., 0]:
        rows, columns = np.indices(image.shape)
        assert abs((image * rows).sum() / image.sum() - 13.5) < 0.1
        assert abs((image * columns).sum() / image.sum() - 13.5) < 0.1


def test_size(rng):
    small = rng.integers(0, 17, (4, 8, 8)).astype(np.uint8)
    assert preprocess.prepare(small, params(), white=16).shape == (4, 28, 28, 1)
    native = preprocess.prepare(small, params(size="native"), white=16)
    np.testing.assert_allclose(native[..., 0], small / 16)
    assert preprocess.prepare(small[:0], params(deskew=True), white=16).shape == (0, 28, 28, 1)


def test_an_image_is_prepared_alike_alone_and_among_others(images):
    everything = params(denoise="median", deskew=True, center=True, scale="standard")
    together = preprocess.prepare(images, everything)
    for index in range(len(images)):
        alone = preprocess.prepare(images[index : index + 1], everything)
        np.testing.assert_array_equal(alone[0], together[index])


@pytest.mark.parametrize("wrong", [np.zeros((28, 28), np.uint8), np.zeros((1, 28, 28))])
def test_a_wrong_shape_or_type_is_refused(wrong):
    with pytest.raises(UserError, match=r"expected images as \(n, height, width\) uint8"):
        preprocess.prepare(wrong, params())
