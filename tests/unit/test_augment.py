"""Random changes of shape."""

import numpy as np
import pytest

from digits.training import augment


def amounts(**changes):
    return augment.Params(**({"rotation": 0, "scale": 0, "shear": 0, "shift": 0} | changes))


@pytest.fixture
def square():
    images = np.full((40, 29, 29, 1), -0.5, np.float32)
    images[:, 9:20, 9:20] = 1
    return images


def test_no_augmentation_changes_nothing(square, rng):
    assert not amounts().active
    np.testing.assert_allclose(augment.augment(square, amounts(), rng), square, atol=1e-6)


def test_a_shift_moves_and_keeps_the_ground(square, rng):
    moved = augment.augment(square, amounts(shift=3), rng)
    ink = moved[..., 0] + 0.5
    rows, columns = np.indices((29, 29))
    down = (ink * rows).sum((1, 2)) / ink.sum((1, 2)) - 14
    right = (ink * columns).sum((1, 2)) / ink.sum((1, 2)) - 14
    for shift in (down, right):
        assert np.abs(shift).max() <= 3.1
        assert shift.min() < -2
        assert shift.max() > 2
    assert moved.min() == pytest.approx(-0.5)


def test_scale_and_rotation_keep_the_middle_and_bound_the_size(square, rng):
    changed = augment.augment(square, amounts(scale=0.2, rotation=30, shear=0.1), rng)
    area = (changed[..., 0] + 0.5).sum((1, 2)) / 1.5
    assert area.min() > 121 * 0.8**2 * 0.95
    assert area.max() < 121 * 1.2**2 * 1.05
    assert area.min() < 100 < 140 < area.max()


def test_the_same_generator_gives_the_same_images(square):
    first, second = (
        augment.augment(square, amounts(rotation=9, shift=2), np.random.default_rng(7))
        for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)
