"""The Pareto front, the recommendation and what the tests allow to be said."""

import pytest

from digits.evaluation import recommendation


def row(validation, seconds=1.0, latency=1.0, size=1.0, test=(0.99, 0.985, 0.995)):
    accuracy, low, high = test
    return {
        "validation_accuracy": validation,
        "test_accuracy": accuracy,
        "test_accuracy_low": low,
        "test_accuracy_high": high,
        "train_seconds": seconds,
        "latency_ms": latency,
        "bundle_mib": size,
    }


def pair(first, second, difference, p, differs):
    return {
        "first": first,
        "second": second,
        "difference": difference,
        "p_corrected": p,
        "differs": differs,
    }


def test_the_front_leaves_out_what_another_model_beats():
    rows = {
        "slow and good": row(0.99, 9),
        "quick and bad": row(0.9, 1),
        "slower and worse": row(0.98, 10),
        "as bad and slower": row(0.9, 2),
        "as slow and worse": row(0.95, 9),
    }
    assert recommendation.front(rows, "train_seconds") == ["quick and bad", "slow and good"]


def test_equals_stand_on_the_front_together_and_unknown_ones_do_not():
    rows = {"a": row(0.9), "b": row(0.9), "c": row(None), "d": row(0.99, None)}
    assert recommendation.front(rows, "train_seconds") == ["a", "b"]


def test_the_cheapest_of_those_that_reach_the_goal_is_recommended():
    rows = {
        "ann": row(0.989, 1, 1, 1),
        "cnn": row(0.994, 3, 2, 2),
        "vgg16": row(0.992, 9, 9, 9),
    }
    found = recommendation.recommend(rows, [pair("cnn", "vgg16", -0.002, 0.006, True)])
    assert found["reached"] == ["cnn", "vgg16"]
    assert set(found["cheapest"].values()) == {"cnn"}
    assert found["model"] == "cnn"
    assert "by training time, latency and size" in found["sentence"]
    reasons = " ".join(found["reasons"])
    assert "0.20 percentage points ahead of vgg16: this difference is real (p = 0.006)" in reasons
    assert "ann (98.90%)" in reasons
    assert "goes below 99%" in reasons


def test_the_test_set_chooses_nothing():
    rows = {
        "ann": row(0.991, 1, test=(0.95, 0.94, 0.96)),
        "cnn": row(0.98, 0.5, test=(0.999, 0.998, 1.0)),
    }
    found = recommendation.recommend(rows, [])
    assert found["model"] == "ann"
    assert "the only model that reaches 99%" in found["sentence"]


def test_costs_that_disagree_are_named_and_the_majority_wins():
    rows = {"ann": row(0.991, 1, 1, 9), "svc": row(0.995, 5, 5, 1)}
    found = recommendation.recommend(rows, [])
    assert found["cheapest"] == {"train_seconds": "ann", "latency_ms": "ann", "bundle_mib": "svc"}
    assert found["model"] == "ann"
    assert found["sentence"].endswith("the least by training time and latency; svc by size.")


def test_a_cost_that_is_not_known_decides_nothing():
    rows = {"ann": row(0.991, 1, None, 1), "svc": row(0.995, 5, None, 5)}
    found = recommendation.recommend(rows, [])
    assert found["cheapest"]["latency_ms"] is None
    assert found["fronts"]["latency_ms"] == []
    assert found["sentence"].endswith("it costs the least by training time and size.")


def test_equally_cheap_models_are_told_apart_by_accuracy():
    rows = {"ann": row(0.991), "svc": row(0.995)}
    assert recommendation.recommend(rows, [])["model"] == "svc"


def test_no_model_reaches_the_goal_or_there_is_nothing_to_choose_by():
    found = recommendation.recommend({"ann": row(0.97), "svc": row(0.98)}, [])
    assert found["model"] is None
    assert found["sentence"] == "No model reaches 99% on the validation set."
    assert found["reasons"][0].startswith("svc comes nearest: 98.00%")
    found = recommendation.recommend({"ann": row(None)}, [])
    assert "no validation set" in found["sentence"]
    assert set(found["cheapest"].values()) == {None}


@pytest.mark.parametrize(
    ("test", "words"),
    [
        (pair("a", "b", 0.001, 0.4, False), "0.10 percentage points behind b: this difference "
                                            "could be chance (p = 0.40)"),
        (pair("b", "a", 0.001, 0.0001, True), "ahead of b: this difference is real (p < 0.001)"),
        (pair("a", "b", 0.0, 1.0, False), "a and b read equally many"),
    ],
)  # fmt: skip
def test_a_difference_is_told_from_the_side_of_the_chosen_model(test, words):
    assert words in str(recommendation.against("a", test))
    assert recommendation.against("c", test) is None


def test_the_verdict_on_set_ups():
    accuracies = {"unit": 0.986, "deskewed": 0.988, "l2": 0.98, "binary": 0.981, "median": 0.9861}
    tests = [
        pair("unit", "l2", -0.006, 0.0001, True),
        pair("unit", "binary", -0.005, 0.004, True),
        pair("unit", "median", 0.0001, 0.9, False),
        pair("unit", "deskewed", 0.002, 0.03, True),
    ]
    assert recommendation.verdict("svc", tests, accuracies) == (
        "deskewed lowers the error of svc from 1.40% to 1.20% (p = 0.03); l2 and binary raise it "
        "to 2.00% (p < 0.001) and 1.90% (p = 0.004); of median no difference is shown."
    )
    assert recommendation.verdict("svc", tests[2:3], accuracies) == (
        "against the error of svc, 1.40%, no difference is shown of median."
    )
    assert recommendation.verdict("svc", [], {}) == "No other set-up of svc was run."
