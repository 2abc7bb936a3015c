"""Probabilities, calibration and the figures computed from them."""

import numpy as np
import pytest

from digits.inference import scoring


def test_softmax_survives_large_logits():
    probabilities = scoring.softmax(np.array([[1000.0, 999.0], [-1000.0, -1000.0]], np.float32))
    np.testing.assert_allclose(probabilities, [[0.731059, 0.268941], [0.5, 0.5]], atol=1e-6)


@pytest.mark.parametrize("temperature", [0.4, 3.0])
def test_the_temperature_is_found_again(rng, temperature):
    logits = rng.normal(0, 2, (40_000, 10)).astype(np.float32)
    cumulated = scoring.softmax(logits).cumsum(axis=1)
    labels = (rng.random((len(logits), 1)) < cumulated).argmax(axis=1)
    found = scoring.fit_temperature(logits * temperature, labels)
    assert found == pytest.approx(temperature, rel=0.05)


def test_wilson_by_hand():
    # Wilson's formula for 9,862 of 10,000, worked out with z = 1.959964.
    low, high = scoring.wilson(9862, 10_000)
    assert (low, high) == (pytest.approx(0.983720, abs=2e-6), pytest.approx(0.988307, abs=2e-6))
    assert scoring.wilson(10, 10)[1] == pytest.approx(1)


def test_the_figures_of_a_known_case():
    labels = np.array([0, 0, 1, 1, 2])
    probabilities = np.array(
        [[0.8, 0.1, 0.1], [0.3, 0.6, 0.1], [0.0, 1.0, 0.0], [0.2, 0.5, 0.3], [1.0, 0.0, 0.0]]
    )
    summary = scoring.summarise(labels, probabilities, ["a", "b", "c"])
    assert (summary["images"], summary["correct"], summary["accuracy"]) == (5, 3, 0.6)
    assert summary["per_class"]["a"] == {"precision": 0.5, "recall": 0.5, "f1": 0.5, "images": 2}
    assert summary["per_class"]["c"]["precision"] == 0
    assert summary["macro_recall"] == pytest.approx((0.5 + 1 + 0) / 3)
    by_hand = -np.mean(np.log([0.8, 0.3, 1.0, 0.5, 1e-6]))
    assert summary["log_loss"] == pytest.approx(by_hand, rel=1e-5)


@pytest.mark.parametrize("total", [1, 7, 10, 49, 1000, 10_000, 12_345])
def test_the_interval_stays_within_what_a_proportion_can_be(total):
    for correct in (0, 1, total - 1, total):
        low, high = scoring.wilson(correct, total)
        assert 0 <= low <= high <= 1
