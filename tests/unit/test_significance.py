"""Tests of models against each other, checked by hand-made counts and textbook values."""

import itertools
from math import comb

import numpy as np
import pytest

from digits.core import records
from digits.evaluation import significance


def columns(both, only_first, only_second, neither):
    """Which of the images two models predict correctly, from the four counts."""
    counts = (both, only_first, only_second, neither)
    return (
        np.repeat([True, True, False, False], counts),
        np.repeat([True, False, True, False], counts),
    )


def exact(only_first, only_second):
    """Two-sided binomial test with probability one half, written out."""
    n, least = only_first + only_second, min(only_first, only_second)
    return min(1.0, 2 * sum(comb(n, k) for k in range(least + 1)) / 2**n)


def test_a_pair_is_tested_exactly():
    first, second = columns(80, 3, 12, 5)
    (test,) = significance.pairs({"a": first, "b": second})
    assert (test.only_first_correct, test.only_second_correct) == (3, 12)
    assert test.difference == pytest.approx(0.09)
    assert test.p == test.p_corrected == pytest.approx(exact(3, 12))
    assert test.differs


def test_holm_corrects_over_all_pairs():
    rng = np.random.default_rng(0)
    truth = rng.random(2000) < 0.95
    flips = {"a": 0.01, "b": 0.012, "c": 0.03, "d": 0.05}
    models = {name: truth ^ (rng.random(2000) < share) for name, share in flips.items()}
    tests = significance.pairs(models)
    assert [(test.first, test.second) for test in tests] == list(itertools.combinations("abcd", 2))
    running, expected = 0.0, {}
    ranked = sorted(tests, key=lambda test: test.p)
    for place, test in enumerate(ranked):
        running = max(running, min(1.0, test.p * (len(tests) - place)))
        expected[test.first, test.second] = running
    for test in tests:
        assert test.p_corrected == pytest.approx(expected[test.first, test.second])
        assert test.differs == (test.p_corrected <= significance.LEVEL)


def test_against_one_configuration_only():
    first, second = columns(80, 3, 12, 5)
    tests = significance.against("b", {"a": first, "b": second, "c": second})
    assert [(test.first, test.second) for test in tests] == [("b", "a"), ("b", "c")]
    assert tests[1].p == 1.0
    assert not tests[1].differs
    assert tests[1].minimum_detectable_difference is None


def test_the_minimum_detectable_difference_is_found_as_often_as_said():
    images, disagreements = 10_000, 100
    difference = significance.minimum_detectable_difference(disagreements, images)
    assert difference is not None
    rng = np.random.default_rng(1)
    share = disagreements / images
    found = 0
    for _ in range(400):
        only_first = rng.binomial(images, (share + difference) / 2)
        only_second = rng.binomial(images, (share - difference) / 2)
        found += exact(only_first, only_second) < significance.LEVEL
    # The exact test is a little less powerful than the normal approximation behind the formula.
    assert significance.POWER - 0.1 < found / 400 < significance.POWER + 0.08


def test_no_difference_is_detectable_where_too_few_images_are_predicted_differently():
    assert significance.minimum_detectable_difference(0, 1000) is None
    assert significance.minimum_detectable_difference(3, 1000) is None
    assert significance.minimum_detectable_difference(1000, 1000) is not None


def test_cochran_for_two_models_is_mcnemar_without_correction():
    first, second = columns(80, 3, 12, 5)
    test = significance.cochran({"a": first, "b": second})
    assert test is not None
    assert test.statistic == pytest.approx((12 - 3) ** 2 / 15)
    assert test.df == 1
    assert significance.cochran({"a": first, "b": first}) is None


def test_what_all_models_misclassify():
    labels = np.array([1, 2, 3])
    predicted = {"a": np.array([1, 7, 5]), "b": np.array([0, 2, 8])}
    assert significance.misclassified_by_all(np.array([10, 11, 12]), labels, predicted) == (
        records.MisclassifiedByAll(index=12, label=3, predictions={"a": 5, "b": 8}),
    )


def test_repeated_runs():
    summary = significance.repeated([0.97, 0.98, 0.99])
    assert summary["mean"] == pytest.approx(0.98)
    assert summary["standard_deviation"] == pytest.approx(0.01)
    # 4.3027 is Student's t for two degrees of freedom.
    assert summary["mean_high"] == pytest.approx(0.98 + 4.3027 * 0.01 / 3**0.5, abs=1e-5)
    alone = significance.repeated([0.97])
    assert alone["standard_deviation"] is alone["mean_low"] is None


def test_configurations_differ_if_they_differ_by_more_than_seeds_do():
    others = {"near": [0.971, 0.973, 0.970], "far": [0.981, 0.983, 0.980]}
    tests = significance.welch([0.970, 0.972, 0.971], others)
    assert not tests["near"]["differs"]
    assert tests["far"]["differs"]
    assert tests["far"]["difference"] == pytest.approx(0.0103, abs=1e-4)
    assert tests["far"]["p_corrected"] == pytest.approx(2 * tests["far"]["p"])


def test_what_seeds_do_not_change_is_not_tested():
    tests = significance.welch([0.9, 0.9], {"same": [0.9, 0.9], "other": [0.8, 0.8]})
    assert [test["p"] for test in tests.values()] == [None, None]
    assert not tests["other"]["differs"]
    assert significance.welch([0.9], {"alone": [0.8]})["alone"]["p"] is None


def test_a_small_test_set_cannot_reject_a_hypothesis():
    small = significance.binomial(18, 18, 0.95, 0.9)
    assert small["accepted"]
    assert not small["shown"]
    assert small["p_more"] == pytest.approx(0.95**18)
    large = significance.binomial(891, 899, 0.95, 0.9)
    assert large["accepted"]
    assert large["shown"]
    assert small["power"] < 0.3 < 0.99 < large["power"]
    assert not significance.binomial(800, 899, 0.95, 0.9)["accepted"]


@pytest.mark.parametrize("images", [18, 360, 899])
def test_the_power_is_that_of_the_test(images):
    test = significance.binomial(images, images, 0.95, 0.9)
    rejecting = [
        correct
        for correct in range(images + 1)
        if not significance.binomial(correct, images, 0.95, 0.9)["accepted"]
    ]
    power = sum(comb(images, k) * 0.9**k * 0.1 ** (images - k) for k in rejecting)
    assert test["power"] == pytest.approx(power)


def test_two_shares_are_compared_exactly():
    assert significance.same_proportion((922, 1000), (922, 1000)) == pytest.approx(1.0)
    assert significance.same_proportion((922, 1000), (880, 1000)) < 0.01


def test_a_figure_of_another_seed_is_taken_for_one():
    rng = np.random.default_rng(0)
    refused = []
    for _ in range(400):
        drawn = rng.normal(0.3, 0.01, (6, 4))
        p, _ = significance.as_another_seed(drawn[0], drawn[1:], rounding=0)
        refused += list(p < significance.LEVEL)
    assert np.mean(refused) == pytest.approx(significance.LEVEL, abs=0.02)
    p, reach = significance.as_another_seed(np.array([0.3, 0.4]), drawn[1:, :2], rounding=0.001)
    assert p[0] > significance.LEVEL > p[1]
    assert 0.01 < reach < 0.05


def test_figures_that_do_not_vary_have_to_be_the_same():
    p, _ = significance.as_another_seed(np.array([0.5, 0.6]), np.full((3, 2), 0.5), 0.001)
    np.testing.assert_array_equal(p, [1, 0])


def test_a_difference_has_to_survive_images_and_seeds():
    rng = np.random.default_rng(0)
    images = 2000
    first = rng.random((4, images)) < 0.95
    second = first | (rng.random((4, images)) < 0.5)
    test = significance.over_images_and_seeds(first, second)
    assert test.low < test.difference < test.high
    assert test.low > 0
    assert test.difference == pytest.approx(second.mean() - first.mean())
    # The same images, but one seed of each four is much worse: by chance it could be the other's.
    second = first.copy()
    second[0] = rng.random(images) < 0.5
    unsure = significance.over_images_and_seeds(first, second)
    assert unsure.low < unsure.difference < 0 <= unsure.high


def test_the_power_of_two_shares_grows_with_the_images():
    few, many = (significance.power_of_proportions(0.1, 0.05, n, n) for n in (100, 1000))
    assert few < 0.5 < 0.9 < many
