"""Each kind of claim states what was published, and judges what was measured."""

from dataclasses import replace

import pytest

from digits.core import records
from digits.core.errors import UserError
from digits.experiments.claims import AccuracyClaim
from digits.experiments.definition import Experiment
from digits.inference import scoring
from tests import made_records
from tests.unit.measured import MOSTLY, measured


def judge(pairs, robustness=None, read="1", **claim):
    experiment = Experiment.model_validate(
        {"title": "t", "models": ("ann",), "claims": ({"text": "c", "model": "ann", **claim},)}
    )
    return experiment.claims[0].judge(measured(pairs, robustness), lambda image: read)


@pytest.mark.parametrize(("published", "agrees"), [(0.92, True), (0.80, False)])
def test_an_accuracy_agrees_if_chance_explains_the_difference(published, agrees):
    judged = judge(MOSTLY, measure="test_accuracy", published=published, images=1000)
    assert judged.agrees is agrees
    assert judged.ours == "90.67% (136 of 150)"
    assert judged.ours_low < 136 / 150 < judged.ours_high


def test_an_accuracy_published_as_around_has_its_tolerance():
    claim = {"measure": "validation_accuracy", "images": 10_000, "tolerance": 0.02}
    assert judge(MOSTLY, published=0.95, **claim).agrees
    assert not judge(MOSTLY, published=0.93, **claim).agrees


def test_answers_agree_if_all_do():
    pairs = [(0, 0), (1, 2)]
    assert judge(pairs, measure="predictions", published=("0", "2")).agrees
    judged = judge(pairs, measure="predictions", published=("0", "1"))
    assert not judged.agrees
    assert "1 of 2" in judged.how
    assert not judge(pairs, measure="predictions", published=("0", "2", "2")).agrees


def test_extremes_agree_if_the_others_cannot_be_told_from_them():
    assert judge(MOSTLY, measure="hardest", published=("2",)).agrees
    assert judge(MOSTLY, measure="easiest", published=("0", "1")).agrees
    assert not judge(MOSTLY, measure="hardest", published=("0",)).agrees
    near = [(0, 0)] * 19 + [(0, 1)] + [(1, 1)] * 18 + [(1, 0)] * 2
    assert judge(near, measure="hardest", published=("0",)).agrees


def test_mistakes_are_counted_among_the_digits_asked_for():
    claim = {"measure": "taken_for", "digits": ("2",), "others": ("1",)}
    judged = judge(MOSTLY, published=0.3, **claim)
    assert judged.ours == "28.00% (14 of 50)"
    assert judged.agrees
    assert not judge(MOSTLY, published=0.05, **claim).agrees
    both = {"measure": "taken_for", "digits": ("1", "2"), "others": ("1", "2")}
    assert judge(MOSTLY, published=0.14, **both).ours == "14.00% (14 of 100)"


def test_a_hypothesis_is_accepted_or_rejected_with_its_power():
    judged = judge(MOSTLY, measure="at_least", published=0.95, alternative=0.9)
    assert not judged.agrees
    assert "rejected" in judged.how
    assert judged.test["power"] > 0.5


@pytest.mark.parametrize(("correct", "agrees"), [(100, True), (480, False), (900, False)])
def test_a_network_fails_where_it_surely_reads_less_than_half(correct, agrees):
    low, high = scoring.wilson(correct, 1000)
    point = records.Point(amount=4, correct=correct, accuracy=correct / 1000, low=low, high=high)
    shift = made_records.change(1.0).model_copy(update={"points": (point,)})
    robustness = made_records.robustness(shift=shift).model_copy(update={"images": 1000})
    claim = {"measure": "fails_under", "change": "shift", "amount": 4, "published": "fails"}
    assert judge(MOSTLY, robustness, **claim).agrees is agrees


def test_an_own_digit_is_read_by_the_stored_model():
    claim = {"measure": "own_digit", "image": "three.png", "published": "1"}
    assert judge(MOSTLY, **claim).agrees
    assert not judge(MOSTLY, read="2", **claim).agrees


@pytest.mark.parametrize(
    ("claim", "words"),
    [
        ({"measure": "hardest", "published": ("7",)}, "names 7, and the test set holds 0, 1, 2"),
        ({"measure": "taken_for", "digits": ("7",), "others": ("1",), "published": 0.1}, "class 7"),
        ({"measure": "taken_for", "digits": ("1",), "others": ("7",), "published": 0.1}, "class 7"),
        (
            {"measure": "fails_under", "change": "shift", "amount": 4, "published": "fails"},
            "needs what robustness measures",
        ),
    ],
)
def test_a_claim_that_the_data_cannot_answer_is_said(claim, words):
    with pytest.raises(UserError, match=words):
        judge(MOSTLY, **claim)


def test_a_claim_on_a_validation_set_that_is_not_there_is_said():
    part = measured(MOSTLY)
    none = replace(part, train=made_records.train(validation=None, split=part.train.split))
    claim = AccuracyClaim(
        text="c", model="ann", measure="validation_accuracy", published=0.9, images=100
    )
    with pytest.raises(UserError, match="needs a validation set"):
        claim.judge(none, str)


def test_a_claim_that_is_left_open_says_why():
    claim = AccuracyClaim(text="c", model="ann", measure="test_accuracy", published=1, images=100)
    left = claim.leave_open("optdigits stood in for mnist")
    assert (left.published, left.ours, left.agrees) == ("100.00% of 100", "not run", None)
    assert left.how == "optdigits stood in for mnist"
