"""The Pareto front and the recommendation."""

from digits.evaluation import recommendation
from tests.made_records import row


def costs(seconds=1.0, latency=1.0, size=1.0):
    return {"train_seconds": seconds, "latency_ms": latency, "bundle_mib": size}


def test_the_front_leaves_out_what_another_model_beats():
    rows = {
        "slow and good": row(0.99, train_seconds=9.0),
        "quick and bad": row(0.9, train_seconds=1.0),
        "slower and worse": row(0.98, train_seconds=10.0),
        "as bad and slower": row(0.9, train_seconds=2.0),
        "as slow and worse": row(0.95, train_seconds=9.0),
    }
    assert recommendation.front(rows, "train_seconds") == ["quick and bad", "slow and good"]


def test_equals_stand_on_the_front_together_and_unknown_ones_do_not():
    rows = {"a": row(0.9), "b": row(0.9), "c": row(None)}
    assert recommendation.front(rows, "train_seconds") == ["a", "b"]


def test_the_cheapest_of_those_that_reach_the_goal_is_recommended():
    rows = {
        "ann": row(0.989, **costs(1, 1, 1)),
        "cnn": row(0.994, **costs(3, 2, 2)),
        "vgg16": row(0.992, **costs(9, 9, 9)),
    }
    found = recommendation.recommend(rows, 0.99)
    assert found.reached == ["cnn", "vgg16"]
    assert set(found.cheapest.values()) == {"cnn"}
    assert found.model == "cnn"


def test_the_test_set_chooses_nothing():
    rows = {"ann": row(0.991, 0.95), "cnn": row(0.98, 0.99, train_seconds=0.5)}
    assert recommendation.recommend(rows, 0.99).model == "ann"


def test_costs_that_disagree_are_named_and_the_majority_wins():
    rows = {"ann": row(0.991, **costs(1, 1, 9)), "svc": row(0.995, **costs(5, 5, 1))}
    found = recommendation.recommend(rows, 0.99)
    assert found.cheapest == {"train_seconds": "ann", "latency_ms": "ann", "bundle_mib": "svc"}
    assert found.model == "ann"


def test_equally_cheap_models_are_told_apart_by_accuracy():
    assert recommendation.recommend({"ann": row(0.991), "svc": row(0.995)}, 0.99).model == "svc"


def test_no_model_reaches_the_goal_or_there_is_nothing_to_choose_by():
    found = recommendation.recommend({"ann": row(0.97), "svc": row(0.98)}, 0.99)
    assert found.model is None
    assert found.reached == []
    found = recommendation.recommend({"ann": row(None)}, 0.99)
    assert found.validated == {}
    assert set(found.cheapest.values()) == {None}
