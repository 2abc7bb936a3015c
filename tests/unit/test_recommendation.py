"""The Pareto front and the recommendation."""

import pytest

from digits.evaluation import recommendation
from digits.evaluation.recommendation import Candidate, Standing
from tests import made_records
from tests.made_records import row

PARAMS = recommendation.Params(required_accuracy=0.99, batch_images=1000)


def costs(seconds=1.0, latency=1.0, size=1.0, speed=1000.0, memory=10.0):
    return {
        "train_seconds": seconds,
        "latency_ms": latency,
        "bundle_mib": size,
        "images_per_second": speed,
        "predict_memory_mib": memory,
    }


def recommend(rows, **more):
    return recommendation.recommend(
        {model: Candidate(known, **more) for model, known in rows.items()}, PARAMS
    )


def by_name(found):
    return {choice.criterion.name: choice for choice in found.choices}


def by_use(found):
    return {scenario.name: scenario.choice for scenario in found.scenarios}


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


def test_a_front_needs_a_cost_that_is_known_of_every_model():
    rows = {"ann": row(train_joules=5.0), "cnn": row(train_joules=None)}
    assert "train_joules" not in recommend(rows).fronts
    rows["cnn"] = row(train_joules=9.0)
    assert recommend(rows).fronts["train_joules"] == ["ann"]
    assert by_name(recommend(rows))["energy of the training"].best == ("ann",)


def test_a_model_that_cannot_be_told_from_the_goal_is_not_sufficient():
    rows = {
        "cnn": row(0.995, **costs(9, 9, 9)),
        "ann": row(0.9905, **costs(1, 1, 1)),
        "svc": row(0.95, **costs(1, 1, 1)),
    }
    found = recommend(rows)
    assert found.standings == {
        "cnn": Standing.REACHED, "ann": Standing.OPEN, "svc": Standing.MISSED
    }  # fmt: skip
    assert (found.sufficient, found.model) == (["cnn"], "cnn")


def test_where_none_is_shown_to_reach_the_goal_those_that_may_are_chosen_among():
    found = recommend({"ann": row(0.9905), "cnn": row(0.9895), "svc": row(0.9)})
    assert (found.sufficient, found.model) == (["ann", "cnn"], "ann")


def test_the_test_set_chooses_nothing():
    rows = {"ann": row(0.995, 0.95), "cnn": row(0.98, 0.99, train_seconds=0.5)}
    assert recommend(rows).model == "ann"


def test_criteria_that_disagree_are_told_and_the_majority_wins():
    rows = {"ann": row(0.995, **costs(1, 1, 9)), "svc": row(0.997, **costs(5, 5, 1))}
    found = recommend(rows)
    best = {name: choice.best for name, choice in by_name(found).items()}
    assert best["training time"] == best["latency"] == ("ann",)
    assert best["size"] == ("svc",)
    assert best["throughput"] == best["memory"] == ("svc", "ann")
    assert found.model == "ann"
    assert len(found.won("ann")) == len(best) - 1


def test_costs_within_the_noise_are_equal_and_the_more_accurate_model_wins():
    near = 1 + recommendation.NOISE
    rows = {"ann": row(0.995, train_seconds=1.0), "svc": row(0.997, train_seconds=near)}
    found = recommend(rows)
    assert by_name(found)["training time"].best == ("svc", "ann")
    assert found.model == "svc"


def test_the_best_of_all_is_told_where_it_is_not_sufficient():
    rows = {
        "ann": row(0.9, images_per_second=9000.0),
        "cnn": row(0.995, images_per_second=800.0),
        "svc": row(0.996, images_per_second=500.0),
    }
    choice = by_use(recommend(rows))["Server"]
    assert (choice.best, choice.best_of_all) == (("cnn",), ("ann",))


def test_training_and_predicting_count_for_a_batch():
    rows = {
        "quick to train": row(0.995, train_seconds=10.0, images_per_second=10.0),
        "quick to predict": row(0.995, train_seconds=50.0, images_per_second=100.0),
    }
    choice = by_use(recommend(rows))["A batch of 1,000 images"]
    assert choice.best == ("quick to predict",)
    assert {model: figure.value for model, figure in choice.figures.items()} == {
        "quick to train": 110, "quick to predict": 60
    }  # fmt: skip


def test_the_file_and_the_memory_count_on_a_phone():
    rows = {
        "small": row(0.995, bundle_mib=1.0, predict_memory_mib=50.0),
        "lean": row(0.995, bundle_mib=20.0, predict_memory_mib=10.0),
    }
    assert by_use(recommend(rows))["Phone"].best == ("lean",)


def test_change_abstention_and_other_hands_count():
    def candidate(share, error, taken, correct):
        bought = made_records.confidence().bought.model_copy(
            update={
                **dict.fromkeys(("error", "error_low", "error_high"), error),
                **dict.fromkeys(("taken_for_digits", "taken_low", "taken_high"), taken),
            }
        )
        half = made_records.transfer(correct=correct).choosing.model_copy(
            update={"accuracy_low": correct / 10, "accuracy_high": correct / 10}
        )
        changes = {
            name: made_records.change(1.0, amount, images=10_000)
            for name, amount in (("contrast", share), ("stroke", 1.0))
        }
        for name, change in changes.items():
            points = [point.model_copy(update={"low": point.accuracy, "high": point.accuracy})
                      for point in change.points]  # fmt: skip
            changes[name] = change.model_copy(update={"points": tuple(points)})
        return Candidate(
            row(0.995),
            made_records.robustness(**changes),
            made_records.transfer().model_copy(update={"choosing": half}),
            made_records.confidence(bought=bought),
        )

    steady, careful = candidate(0.9, 0.02, 0.3, 8), candidate(0.5, 0.01, 0.1, 9)
    found = recommendation.recommend({"steady": steady, "careful": careful}, PARAMS)
    figures = by_name(found)["accuracy on changed images"].figures
    assert figures["steady"].value == pytest.approx(0.95)  # the unchanged image does not count
    uses = {name: choice.best[0] for name, choice in by_use(found).items()}
    assert uses["Faint ink"] == "steady"
    assert by_use(found)["Other pens"].best == ("steady", "careful")
    assert uses["Other hands"] == uses["Fields without a digit"] == "careful"
    assert by_name(found)["misclassified with confidence"].best == ("careful",)
    assert found.model == "careful"


def test_what_one_sufficient_model_lacks_is_no_criterion():
    known = Candidate(row(0.995), made_records.robustness())
    found = recommendation.recommend({"ann": known, "cnn": Candidate(row(0.995))}, PARAMS)
    assert "accuracy on changed images" not in by_name(found)


def test_no_model_reaches_the_goal_or_there_is_nothing_to_choose_by():
    found = recommend({"ann": row(0.97), "svc": row(0.98)})
    assert found.model is None
    assert (found.sufficient, found.choices, found.scenarios) == ([], [], [])
    found = recommend({"ann": row(None)})
    assert (found.standings, found.model) == ({}, None)
