"""What is said of a recommendation and of tests."""

import pytest

from digits.evaluation import recommendation
from digits.report import comparison
from digits.report.page import advice
from tests import made_records
from tests.made_records import pair, row

PARAMS = recommendation.Params(required_accuracy=0.99, batch_images=1000)


def recommend(rows):
    known = {model: recommendation.Candidate(one) for model, one in rows.items()}
    return recommendation.recommend(known, PARAMS)


def said(rows, pairs=()):
    found = recommend(rows)
    return advice.answer(found), " ".join(advice.reasons(found, rows, pairs))


def test_the_chosen_model_and_why():
    rows = {
        "ann": row(0.98),
        "svc": row(0.989, images_per_second=9000.0),
        "cnn": row(0.996, 0.996, train_seconds=3.0, latency_ms=5.0),
        "vgg16": row(0.994, train_seconds=9.0, bundle_mib=9.0),
    }
    answer, reasons = said(rows, [pair("cnn", "vgg16", -0.002, 0.006, True)])
    assert answer == (
        "Use cnn: of the models shown to reach 99% (cnn and vgg16), it is the best or as good as "
        "the best by 4 of 5 criteria."
    )
    assert "Of 12,000 validation images, which chose it, cnn predicts 99.60% (95%" in reasons
    assert "Another of these is better by latency (vgg16 1 ms, cnn 5 ms)." in reasons
    assert (
        "The fastest sufficient model is cnn (1,000 images/s), vgg16 as fast. svc is faster still "
        "(9,000 images/s), but cannot be told from 99%." in reasons
    )
    assert "Cannot be told from 99% by so many validation images: svc, 98.90% (" in reasons
    assert "Below 99% on the validation set: ann, 98.00% (" in reasons
    assert (
        "0.20 percentage points (20 digits of 10,000) ahead of vgg16: this difference is real "
        "(p = 0.006)" in reasons
    )
    assert "That interval goes below 99%" not in reasons
    assert "That interval goes below 99%" in said({"ann": row(0.996, 0.992)})[1]


def test_the_only_model_that_reaches_the_goal():
    answer, _ = said({"ann": row(0.995), "cnn": row(0.98)})
    assert answer == "Use ann: it is the only model shown to reach 99%."


def test_models_that_cannot_be_told_from_the_goal():
    answer, _ = said({"ann": row(0.9905), "cnn": row(0.9895), "svc": row(0.97)})
    assert answer.startswith(
        "No model is shown to reach 99%; ann and cnn cannot be told from it. Use ann: of the "
        "models that may reach 99% (ann and cnn)"
    )
    answer, _ = said({"ann": row(0.9905)})
    assert answer.endswith("Use ann: it is the only model that may reach 99%.")


def test_no_model_reaches_the_goal():
    answer, reasons = said({"ann": row(0.97), "svc": row(0.98)})
    assert answer == "No model reaches 99% on the validation set."
    assert reasons.startswith("svc comes nearest: 98.00%")


def test_there_is_nothing_to_choose_by():
    answer, reasons = said({"ann": row(None)})
    assert "no validation set" in answer
    assert "split.validation" in reasons


@pytest.mark.parametrize(
    ("test", "words"),
    [
        (pair("a", "b", 0.001, 0.4), "0.10 percentage points (10 digits of 10,000) behind b: this "
                                     "difference could be chance (p = 0.40)"),
        (pair("b", "a", 0.001, 0.0001, True), "ahead of b: this difference is real (p < 0.001)"),
        (pair("a", "b"), "a and b predict equally many"),
    ],
)  # fmt: skip
def test_a_difference_is_told_from_the_side_of_the_chosen_model(test, words):
    assert words in str(advice.against("a", test))
    assert advice.against("c", test) is None


def test_the_verdict_on_configurations():
    accuracies = {"unit": 0.986, "deskewed": 0.988, "l2": 0.98, "binary": 0.981, "median": 0.9861}
    tests = [
        pair("unit", "l2", -0.006, 0.0001, True),
        pair("unit", "binary", -0.005, 0.004, True),
        pair("unit", "median", 0.0001, 0.9),
        pair("unit", "deskewed", 0.002, 0.03, True),
    ]
    assert advice.verdict("svc", tests, accuracies) == (
        "deskewed lowers the error of svc from 1.40% to 1.20% (p = 0.03); l2 and binary raise it "
        "to 2.00% (p < 0.001) and 1.90% (p = 0.004); of median no difference is shown."
    )
    assert advice.verdict("svc", tests[2:3], accuracies) == (
        "against the error of svc, 1.40%, no difference is shown of median."
    )
    assert advice.verdict("svc", [], {}) == "No other configuration of svc was run."


def test_what_other_hands_say():
    found = recommend({"ann": row(0.995), "cnn": row(0.98)})
    other = {
        name: made_records.transfer(name, correct) for name, correct in (("ann", 8), ("cnn", 9))
    }
    tests = comparison.tests({})
    better = pair("ann", "cnn", 0.1, 0.004, True)
    real = tests.model_copy(update={"pairs": (better,)})
    (sentence,) = advice.elsewhere(found, other, real)
    assert "cnn predicts the most correctly: 90.00% of 10 (95% interval" in sentence
    assert sentence.endswith(
        "ann 80.00%. It is better there than ann (p = 0.004): where users bring digits of their "
        "own, use cnn."
    )
    chance = tests.model_copy(update={"pairs": (pair("ann", "cnn", 0.1, 0.3),)})
    for unproven in (chance, tests, None):
        (sentence,) = advice.elsewhere(found, other, unproven)
        assert sentence.endswith("ann 80.00%. No difference from ann is shown there.")
    third = tests.model_copy(update={"pairs": (pair("svc", "cnn", 0.1, 0.01, True),)})
    (sentence,) = advice.elsewhere(found, other, third)
    assert sentence.endswith("better there than svc (p = 0.01); no difference from ann is shown.")
    other["ann"] = made_records.transfer("ann", 10)
    worse = real.model_copy(update={"pairs": (pair("ann", "cnn", -0.1, 0.004, True),)})
    (sentence,) = advice.elsewhere(found, other, worse)
    assert sentence.startswith("Of digits of other hands, too, ann")
    assert sentence.endswith("It is better there than cnn (p = 0.004).")
    unknown = made_records.transfer().model_copy(update={"choosing": None, "reporting": None})
    assert advice.elsewhere(found, {"ann": unknown}, real) == []
    assert advice.elsewhere(found, {}, None) == []
