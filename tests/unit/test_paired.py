"""Non-inferiority on paired images: the statistic, its errors, and the margin in params.yaml."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.stats import norm

from digits.team import paired


def columns(both, lost, won, neither):
    counts = (both, lost, won, neither)
    return (
        np.repeat([True, True, False, False], counts),
        np.repeat([True, False, True, False], counts),
    )


@pytest.mark.parametrize(("lost", "won"), [(0, 0), (3, 12), (12, 3), (0, 7), (40, 35)])
@pytest.mark.parametrize("difference", [-0.2, -0.01, 0.03])
def test_the_score_uses_the_likeliest_nuisance_parameter(lost, won, difference):
    """The closed form against a numerical search for the largest likelihood."""
    images = 100

    def unlikely(only_lost):
        chances = (only_lost, only_lost + difference, 1 - 2 * only_lost - difference)
        counts = (lost, won, images - lost - won)
        return -sum(
            count * np.log(max(chance, 1e-300))
            for count, chance in zip(counts, chances, strict=True)
        )

    least, most = max(0.0, -difference), (1 - difference) / 2
    found = minimize_scalar(unlikely, (least, most), (least, most), method="bounded")
    likeliest = min((least, found.x), key=unlikely)
    variance = images * (2 * likeliest + difference * (1 - difference))
    expected = (won - lost - images * difference) / np.sqrt(variance)
    statistic = paired.score(np.array(lost), np.array(won), images, difference)
    assert statistic == pytest.approx(expected, rel=1e-3)


def test_the_interval_is_where_the_score_is_critical():
    outcome = paired.compare(*columns(11800, 60, 70, 70))
    assert (outcome.images, outcome.only_before, outcome.only_after) == (12000, 60, 70)
    assert outcome.difference == pytest.approx(10 / 12000)
    for end, sign in ((outcome.low, 1), (outcome.high, -1)):
        statistic = paired.score(np.array(60), np.array(70), 12000, end)
        assert statistic == pytest.approx(sign * norm.isf(paired.LEVEL))
    assert outcome.passes(-outcome.low + 1e-9)
    assert not outcome.passes(-outcome.low - 1e-9)


@pytest.mark.parametrize("counts", [(0, 0, 5, 0), (0, 5, 0, 0), (5, 0, 0, 0), (0, 0, 0, 5)])
def test_extremes_have_an_interval(counts):
    outcome = paired.compare(*columns(*counts))
    assert -1 <= outcome.low <= outcome.difference <= outcome.high <= 1


@pytest.mark.parametrize("discordant", [0.004, 0.0118])
def test_a_thousand_pairs(discordant, rng):
    """Equal models pass nine times in ten, models that are worse by the margin one time in 20."""
    images = 12000
    margin = paired.smallest_margin(images, discordant)

    def passed(difference):
        chances = [(discordant - difference) / 2, (discordant + difference) / 2]
        lost, won, same = rng.multinomial(images, [*chances, 1 - discordant], 1000).T
        outcomes = (
            paired.compare(*columns(both, only_before, only_after, 0))
            for both, only_before, only_after in zip(same, lost, won, strict=True)
        )
        return sum(outcome.passes(margin) for outcome in outcomes) / 1000

    four_deviations = 4 * np.sqrt(0.05 * 0.95 / 1000)
    assert passed(0.0) >= paired.POWER - 4 * np.sqrt(0.09 / 1000)
    assert passed(-margin) <= paired.LEVEL + four_deviations


@pytest.mark.parametrize("discordant", [0.004, 0.008, 0.0118, 0.02])
def test_the_smallest_margin_keeps_both_promises_and_no_smaller_does(discordant):
    margin = paired.smallest_margin(12000, discordant)
    assert paired.chance_to_pass(12000, discordant, 0, margin) >= paired.POWER
    assert paired.chance_to_pass(12000, discordant, 0, margin - paired.STEP) < paired.POWER
    assert paired.chance_to_pass(12000, discordant, -margin, margin) <= paired.LEVEL


def test_few_images_show_little():
    assert paired.smallest_margin(5, 0.9) == 1
    assert paired.smallest_margin(300, 0.02) == pytest.approx(0.027, abs=0.003)


def test_the_margin_that_twelve_thousand_images_allow_where_models_differ_as_ann_cnn_and_svc_do():
    """From 0.4% for two recipes of one network to 1.2% for the support vectors and a network."""
    assert paired.smallest_margin(12000, 0.0041) == 0.0018
    assert paired.smallest_margin(12000, 0.0118) == 0.003
