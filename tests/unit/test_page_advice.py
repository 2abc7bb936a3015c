"""What is said of a recommendation and of tests."""

import pytest

from digits.evaluation.recommendation import recommend
from digits.report import comparison
from digits.report.page import advice
from tests import made_records
from tests.made_records import pair, row


def said(rows, pairs=()):
    found = recommend(rows, 0.99)
    return advice.answer(found), " ".join(advice.reasons(found, rows, pairs))


def test_the_chosen_model_and_why():
    rows = {
        "ann": row(0.989),
        "cnn": row(0.994, train_seconds=3.0),
        "vgg16": row(0.992, train_seconds=9.0, latency_ms=9.0, bundle_mib=9.0),
    }
    answer, reasons = said(rows, [pair("cnn", "vgg16", -0.002, 0.006, True)])
    assert answer == (
        "Use cnn: of the models that reach 99% (cnn and vgg16), it costs the least by training "
        "time, latency and size."
    )
    assert "0.20 percentage points ahead of vgg16: this difference is real (p = 0.006)" in reasons
    assert "ann (98.90%)" in reasons
    assert "goes below 99%" in reasons


def test_costs_by_which_another_model_is_cheaper():
    rows = {"ann": row(0.991, bundle_mib=9.0), "svc": row(0.995, latency_ms=5.0, train_seconds=5.0)}
    assert said(rows)[0].endswith("the least by training time and latency; svc by size.")


def test_the_only_model_that_reaches_the_goal():
    answer, _ = said({"ann": row(0.991), "cnn": row(0.98)})
    assert "the only model that reaches 99%" in answer


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
        (pair("a", "b", 0.001, 0.4), "0.10 percentage points behind b: this difference could be "
                                     "chance (p = 0.40)"),
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
    found = recommend({"ann": row(0.995), "cnn": row(0.98)}, 0.99)
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
