"""Calibration, on predictions whose accuracy is known."""

import numpy as np
import pytest

from digits.evaluation.calibration import BINS, calibration


def test_calibration_weighs_the_bins():
    # Ten predictions with 0.75, eight right; ten with 1.0, all right.
    probabilities = np.array([[0.75, 0.25]] * 10 + [[1.0, 0.0]] * 10)
    labels = np.array([0] * 8 + [1] * 2 + [0] * 10)
    measured = calibration(labels, probabilities)
    assert measured.expected_calibration_error == pytest.approx(0.05 / 2)
    assert [part.images for part in measured.bins] == [10, 10]
    assert measured.bins[0].accuracy == pytest.approx(0.8)
    assert measured.bins[1].high == 1.0


def test_a_bin_holds_its_upper_edge():
    edge = 10 / BINS
    probabilities = np.array([[edge, 1 - edge], [edge + 1e-6, 1 - edge - 1e-6]])
    measured = calibration(np.array([0, 0]), probabilities)
    assert [part.high for part in measured.bins] == pytest.approx([edge, edge + 1 / BINS], abs=1e-6)
