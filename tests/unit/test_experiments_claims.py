"""Each kind of claim states what was published, and judges what was measured."""

import contextlib
from dataclasses import replace

import pytest

from digits.core import records
from digits.core.errors import UserError
from digits.data import split
from digits.experiments.claims import AccuracyClaim, Configuration, Evidence
from digits.experiments.definition import Experiment
from digits.inference import scoring
from tests import made_records
from tests.unit.measured import MOSTLY, measured

ANN = Configuration(model="ann")
ALL = [(label, label) for label, _ in MOSTLY]


def judged(runs, stored=None, **claim):
    """The claim, judged by what was measured of each configuration, a run a seed."""
    experiment = Experiment.model_validate(
        {"title": "t", "models": ("ann",), "claims": ({"text": "c", **claim},)}
    )
    return experiment.claims[0].judge(Evidence(runs, stored))


def judge(pairs, robustness=None, **claim):
    return judged({ANN: [measured(pairs, robustness)]}, model="ann", **claim)


@pytest.mark.parametrize(("published", "verdict"), [(0.92, "agrees"), (0.80, "differs")])
def test_an_accuracy_agrees_if_chance_explains_the_difference(published, verdict):
    given = judge(MOSTLY, measure="test_accuracy", published=published, images=1000)
    assert given.verdict == verdict
    assert given.ours == "90.67% (136 of 150)"
    assert given.ours_low < 136 / 150 < given.ours_high


@pytest.mark.parametrize(("published", "verdict"), [(0.91, "agrees"), (0.97, "differs")])
def test_over_seeds_an_accuracy_agrees_if_it_could_be_another_seed_s(published, verdict):
    runs = [measured(MOSTLY[drop:]) for drop in (0, 10, 20, 30)]
    given = judged(
        {ANN: runs}, model="ann", measure="test_accuracy", published=published, images=150
    )
    assert given.verdict == verdict
    assert "points would be noticed" in given.how


def test_an_accuracy_published_as_around_has_its_tolerance():
    claim = {"measure": "test_accuracy", "images": 10_000, "tolerance": 0.02}
    assert judge(MOSTLY, published=0.9, **claim).verdict == "agrees"
    assert judge(MOSTLY, published=0.93, **claim).verdict == "differs"


def test_what_was_fitted_does_not_count_as_agreeing():
    claim = {"measure": "test_accuracy", "images": 1000, "fitted": "the number of epochs"}
    given = judge(MOSTLY, published=0.92, **claim)
    assert given.verdict == "fitted"
    assert given.how.endswith("chosen so that it agrees: the number of epochs")
    assert judge(MOSTLY, published=0.8, **claim).verdict == "differs"


def test_a_count_agrees_to_the_image():
    claim = {"measure": "correct", "images": 150}
    assert judge(MOSTLY, published=136, **claim).verdict == "agrees"
    assert judge(MOSTLY, published=137, **claim).verdict == "differs"


def test_answers_agree_if_all_do():
    pairs = [(0, 0), (1, 2)]
    assert judge(pairs, measure="predictions", published=("0", "2")).verdict == "agrees"
    given = judge(pairs, measure="predictions", published=("0", "1"))
    assert given.verdict == "differs"
    assert "1 of 2" in given.how
    assert judge(pairs, measure="predictions", published=("0", "2", "2")).verdict == "differs"


def test_extremes_that_others_cannot_be_told_from_are_not_known():
    assert judge(MOSTLY, measure="hardest", published=("2",)).verdict == "agrees"
    assert judge(MOSTLY, measure="easiest", published=("0", "1")).verdict == "agrees"
    assert judge(MOSTLY, measure="hardest", published=("0",)).verdict == "differs"
    near = [(0, 0)] * 19 + [(0, 1)] + [(1, 1)] * 18 + [(1, 0)] * 2
    assert judge(near, measure="hardest", published=("0",)).verdict == "cannot be told"


def test_mistakes_are_counted_among_the_digits_asked_for():
    claim = {"measure": "taken_for", "digits": ("2",), "others": ("1",), "alternative": 0.02}
    given = judge(MOSTLY, published=0.3, images=100, **claim)
    assert given.ours == "28.00% (14 of 50)"
    assert given.verdict == "agrees"
    assert judge(MOSTLY, published=0.05, images=100, **claim).verdict == "differs"
    near = claim | {"alternative": 0.25}
    assert judge(MOSTLY, published=0.3, images=100, **near).verdict == "cannot be told"
    both = claim | {"digits": ("1", "2"), "others": ("1", "2")}
    assert judge(MOSTLY, published=0.14, images=200, **both).ours == "14.00% (14 of 100)"


def test_a_hypothesis_is_as_sure_as_its_least_sure_case():
    cases = {name: Configuration(variant=name, model="ann") for name in ("few", "many", "bad")}
    runs = {
        cases["few"]: [measured(ALL[::8])],
        cases["many"]: [measured(ALL)],
        cases["bad"]: [measured(MOSTLY)],
    }
    claim = {"measure": "at_least", "model": "ann", "published": 0.95, "alternative": 0.9}
    verdicts = {
        names: judged(runs, variants=names, **claim).verdict
        for names in (("few",), ("many",), ("bad",), ("few", "many"), ("few", "many", "bad"))
    }
    assert list(verdicts.values()) == [
        "cannot be told",
        "agrees",
        "differs",
        "cannot be told",
        "differs",
    ]


@pytest.mark.parametrize(
    ("correct", "fails", "solves"),
    [
        (100, "agrees", "differs"),
        (480, "cannot be told", "cannot be told"),
        (900, "differs", "agrees"),
    ],
)
def test_failing_and_solving_are_judged_by_the_same_criterion(correct, fails, solves):
    low, high = scoring.wilson(correct, 1000)
    point = records.Point(amount=4, correct=correct, accuracy=correct / 1000, low=low, high=high)
    shift = made_records.change(1.0).model_copy(update={"points": (point,)})
    robustness = made_records.robustness(shift=shift).model_copy(update={"images": 1000})
    claim = {"measure": "under_change", "change": "shift", "amount": 4}
    for published, verdict in (("fails", fails), ("solves", solves)):
        assert judge(MOSTLY, robustness, published=published, **claim).verdict == verdict


def logged(*losses):
    """A training's log with these losses, and accuracies that go with them."""
    return tuple(
        {
            "epoch": float(epoch),
            "train_loss": loss,
            "train_accuracy": 1 - loss / 4,
            "validation_loss": loss,
            "validation_accuracy": 1 - loss / 4,
        }
        for epoch, loss in enumerate(losses, start=1)
    )


SEEDS = [measured(MOSTLY, history=logged(0.30 + off, 0.20 + off)) for off in (-0.01, 0.0, 0.01)]


@pytest.mark.parametrize(
    ("losses", "verdict"), [((0.305, 0.195), "agrees"), ((0.305, 0.29), "differs")]
)
def test_a_log_is_held_against_the_spread_over_seeds(losses, verdict):
    published = tuple(
        {"epoch": epoch, "seconds": 7.0, "train_loss": loss, "validation_accuracy": 1 - loss / 4}
        for epoch, loss in enumerate((*losses, 0.1), start=1)
    )
    given = judged(
        {ANN: SEEDS}, model="ann", measure="log", published=published, hardware="a processor"
    )
    assert given.verdict == verdict
    assert (given.epoch_seconds, given.hardware) == ((7.0, 7.0, 7.0), "a processor")
    # The third epoch was not trained here.
    assert [(one.row, one.column) for one in given.compared] == [
        ("1", "train_loss"),
        ("2", "train_loss"),
        ("1", "validation_accuracy"),
        ("2", "validation_accuracy"),
    ]
    assert given.compared[0].ours == pytest.approx(0.30)


def test_one_seed_has_no_spread_to_judge_by():
    published = ({"epoch": 1, "train_loss": 3.0, "validation_accuracy": 0.8},)
    given = judged({ANN: SEEDS[1:2]}, model="ann", measure="log", published=published)
    assert given.verdict == "cannot be told"
    assert [one.published for one in given.compared] == [3.0, 0.8]


@pytest.mark.parametrize(("recall", "verdict"), [((1, 1, 0.7), "agrees"), ((1, 1, 0.4), "differs")])
def test_a_report_is_held_against_the_spread_over_seeds(recall, verdict):
    runs = [measured(MOSTLY[drop:] + ALL[:drop]) for drop in (0, 2, 4)]
    runs += [measured(MOSTLY + [(2, 1)] * more) for more in (1, 2)]
    claim = {"measure": "report", "precision": (1, 0.78, 1), "recall": recall}
    assert judged({ANN: runs}, model="ann", **claim).verdict == verdict


def test_an_order_is_that_of_every_two_neighbours():
    better, worse = Configuration(model="cnn"), ANN
    runs = {worse: [measured(MOSTLY)] * 2, better: [measured(ALL)] * 2}
    claim = {"measure": "order"}
    for order, verdict in (
        ((worse, better), "agrees"),
        ((better, worse), "differs"),
        ((worse, worse), "cannot be told"),
    ):
        places = tuple(one.model_dump() for one in order)
        assert judged(runs, order=places, **claim).verdict == verdict


def test_a_source_is_held_against_itself():
    claim = {"measure": "consistent", "images": 100}
    same = judged({}, figures={"text": 0.95, "matrix": (50, 45)}, **claim)
    assert same.verdict == "agrees"
    other = judged({}, figures={"text": 0.95, "matrix": (50, 48)}, **claim)
    assert other.verdict == "contradicts itself"
    assert other.published == "text 95.00%; matrix 98.00%"


def test_a_network_stands_beside_a_forest_on_the_same_images(bars, tmp_path):
    train, test = bars
    for name, part in (("train", train), ("test", test)):
        split.save_part(tmp_path / f"{name}.npz", part)

    def stored(configuration, seed, path):
        assert (configuration, seed, path) == (ANN, 0, "data/split")
        return contextlib.nullcontext(tmp_path)

    labels = test.labels.astype(int)
    wrong = [(label, (label + 1) % 3) for label in labels]
    for pairs, verdict in ((zip(labels, labels, strict=True), "agrees"), (wrong, "agrees")):
        runs = {ANN: [measured([(a % 3, b % 3) for a, b in pairs])]}
        given = judged(runs, stored, model="ann", measure="forest_not_worse")
        assert given.verdict == verdict
    slow = replace(runs[ANN][0], timing=made_records.timing(1e6))
    given = judged({ANN: [slow]}, stored, model="ann", measure="slower_than_forest")
    assert given.verdict == "agrees"


@pytest.mark.parametrize(
    ("claim", "words"),
    [
        ({"measure": "hardest", "published": ("7",)}, "names 7, and the test set holds 0, 1, 2"),
        (
            {
                "measure": "taken_for",
                "digits": ("7",),
                "others": ("1",),
                "published": 0.1,
                "images": 9,
                "alternative": 0.2,
            },
            "class 7",
        ),
        (
            {"measure": "under_change", "change": "shift", "amount": 4, "published": "fails"},
            "needs what robustness measures",
        ),
    ],
)
def test_a_claim_that_the_data_cannot_answer_is_said(claim, words):
    with pytest.raises(UserError, match=words):
        judge(MOSTLY, **claim)


def test_a_claim_on_a_test_set_that_was_not_opened_is_said():
    closed = replace(measured(MOSTLY), test=None, speed=None)
    claim = {"measure": "hardest", "published": ("2",)}
    with pytest.raises(UserError, match="the test set was not opened"):
        judged({ANN: [closed]}, model="ann", **claim)


def test_a_claim_that_is_left_open_says_why():
    claim = AccuracyClaim(text="c", model="ann", measure="test_accuracy", published=1, images=100)
    left = claim.leave_open("optdigits stood in for mnist")
    assert (left.published, left.ours, left.verdict) == ("100.00% of 100", "not run", "not run")
    assert left.how == "optdigits stood in for mnist"
    assert claim.judge(Evidence({}, None)).verdict == "not run"
