"""Changes of digits, on images whose change can be told."""

import numpy as np
import pytest

from digits.core import records
from digits.evaluation import robustness


@pytest.fixture
def bar():
    image = np.zeros((28, 28), np.uint8)
    image[6:22, 12:16] = 255
    return image


def ink(image):
    rows, columns = np.nonzero(image > 127)
    return rows, columns


def test_a_shift_moves_the_ink_by_its_length(bar, rng):
    moved = robustness.shift(bar, 3, rng)
    before, after = (np.array([part.mean() for part in ink(image)]) for image in (bar, moved))
    assert np.hypot(*(after - before)) == pytest.approx(3, abs=0.5)


def test_a_quarter_turn_lays_the_bar_down(bar, rng):
    rows, columns = ink(robustness.rotate(bar, 90, rng))
    assert np.ptp(columns) > 3 * np.ptp(rows)


@pytest.mark.parametrize("factor", [0.5, 1.4])
def test_resizing_changes_the_height_by_its_factor(bar, rng, factor):
    rows, _ = ink(robustness.resize(bar, factor, rng))
    assert np.ptp(rows) + 1 == pytest.approx(16 * factor, abs=2)


@pytest.mark.parametrize("pixels", [-2, -1, 1, 2, 4])
def test_strokes_become_wider_by_as_many_pixels(bar, rng, pixels):
    changed = robustness.thicken(bar, pixels, rng)
    width = changed[14].astype(float).sum() / 255
    assert width == pytest.approx(4 + pixels, abs=0.3)


@pytest.mark.parametrize("factor", [0.5, 2])
def test_stretching_changes_the_aspect_by_its_factor(rng, factor):
    square = np.zeros((28, 28), np.uint8)
    square[8:20, 8:20] = 255
    rows, columns = ink(robustness.stretch(square, factor, rng))
    assert (np.ptp(columns) + 1) / (np.ptp(rows) + 1) == pytest.approx(factor, rel=0.15)
    assert len(rows) == pytest.approx(144, rel=0.15)


@pytest.mark.parametrize("degrees", [-30, 30])
def test_a_slanted_bar_leans_to_the_right(bar, rng, degrees):
    slanted = robustness.slant(bar, degrees, rng)
    top, bottom = (np.flatnonzero(slanted[row] > 127).mean() for row in (7, 20))
    assert top - bottom == pytest.approx(13 * np.tan(np.deg2rad(degrees)), abs=1)


def test_a_cut_takes_its_share_from_one_side(bar, rng):
    shapes = {robustness.cut(bar, 0.25, rng).sum() / bar.sum() for _ in range(30)}
    assert shapes == {0.75}
    kept = {tuple(map(int, np.argwhere(robustness.cut(bar, 0.5, rng))[0])) for _ in range(30)}
    assert {(14, 12), (6, 14), (6, 12)} == kept


def test_blur_keeps_the_ink_and_lowers_its_peak(bar, rng):
    blurred = robustness.blur(bar, 2, rng)
    assert blurred.max() < 255
    assert blurred.mean() == pytest.approx(bar.mean(), rel=0.05)


def test_noise_has_its_deviation(rng):
    grey = np.full((28, 28), 128, np.uint8)
    assert robustness.add_noise(grey, 0.1, rng).std() == pytest.approx(25.5, rel=0.15)


def test_fading_leaves_its_share(bar, rng):
    assert robustness.fade(bar, 0.2, rng).max() == 51


def test_the_amounts_are_ascending_and_leave_the_neutral_one_out():
    for axis in robustness.AXES.values():
        assert list(axis.amounts) == sorted(set(axis.amounts))
        assert axis.neutral not in axis.amounts


def test_measuring_counts_every_step(bar):
    images = np.stack([bar, np.roll(bar, 2, 1)])
    calls = []

    def read(changed):
        calls.append(changed)
        assert changed.dtype == np.uint8
        return np.stack([changed.max((1, 2)) < 200, changed.max((1, 2)) >= 200], axis=1)

    measured = robustness.measure(read, images, np.array([1, 1]))
    assert set(measured) == set(robustness.AXES)
    assert len(calls) == 1 + sum(len(axis.amounts) for axis in robustness.AXES.values())
    contrast = measured["contrast"]
    assert [point.accuracy for point in contrast.points] == [0, 0, 0, 0, 0, 0, 1, 1]
    assert contrast.falls_below == records.FallsBelow(lower=0.79, upper=None)


def test_the_same_images_and_the_same_chance_each_time(bar):
    images = np.stack([bar, np.roll(bar, 3, 0)])
    seen = []

    def read(changed):
        seen.append(changed)
        return np.eye(2)

    robustness.measure(read, images, np.array([0, 1]))
    half = len(seen)
    robustness.measure(read, images, np.array([0, 1]))
    for first, second in zip(seen[:half], seen[half:], strict=True):
        np.testing.assert_array_equal(first, second)


def points(*known):
    return [
        records.Point(amount=amount, correct=0, accuracy=accuracy, low=0.0, high=1.0)
        for amount, accuracy in known
    ]


def test_where_a_curve_falls_is_read_off_a_straight_line():
    curve = points((0.5, 0.90), (0.8, 0.96), (1, 0.99), (1.2, 0.97), (1.4, 0.93))
    found = robustness.falls_below(curve, 1)
    assert (found.lower, found.upper) == (0.75, 1.3)
    found = robustness.falls_below(curve[1:4], 1)
    assert (found.lower, found.upper) == (None, None)
    found = robustness.falls_below(points((0, 0.9), (1, 0.8)), 0)
    assert (found.lower, found.upper) == (0, 0)


def test_the_sample_is_the_same_and_has_no_image_twice():
    chosen = robustness.sample(12_000)
    assert len(set(chosen)) == robustness.IMAGES
    np.testing.assert_array_equal(chosen, robustness.sample(12_000))
    np.testing.assert_array_equal(robustness.sample(5), range(5))
