"""When to abstain: by the score, and by how like its label's digits the image is."""

import base64
import json

import cv2
import numpy as np
import pytest

from digits.core import records
from digits.core.errors import UserError
from digits.data.split import Part
from digits.evaluation import abstention


def drawn(points, closed=False, turn=0.0, size=1.0, width=3):
    """(28, 28, 1) float32: a line through points around (0, 0), turned and resized."""
    cos, sin = np.cos(turn), np.sin(turn)
    places = 14 + size * np.asarray(points, float) @ np.array([[cos, sin], [-sin, cos]])
    image = np.zeros((28, 28), np.uint8)
    # Quarters of pixels, so that every turn gives another image.
    cv2.polylines(image, [np.round(4 * places).astype(np.int32)], closed, 255, width, 16, 2)
    return image[..., np.newaxis].astype(np.float32) / 255


RING = [(7 * np.sin(t), -9 * np.cos(t)) for t in np.linspace(0, 2 * np.pi, 30)]
BAR = [(0, -9), (0, 9)]
CROSS = [(-8, -8), (8, 8), (0, 0), (-8, 8), (8, -8)]


def some(rng, shape, count=60):
    return np.stack(
        [drawn(shape, turn=rng.normal(0, 0.15), size=rng.uniform(0.85, 1.1)) for _ in range(count)]
    )


def part(images, labels):
    return Part(images, labels, np.arange(len(labels), dtype=np.int32))


@pytest.fixture
def held_out(rng):
    """Shapes of rings (0) and bars (1); others, with crosses, held out; and what a model says.

    It is no more certain of digits than of crosses, which it takes for rings.
    """
    shapes = part(np.concatenate([some(rng, RING), some(rng, BAR)]), np.repeat([0, 1], 60))
    images = np.concatenate([some(rng, RING), some(rng, BAR), some(rng, CROSS)])
    labels = np.repeat([0, 1, 2], 60)
    certain = rng.uniform(0.6, 1, len(labels))
    said = np.where(labels == 1, 1, 0)
    probabilities = np.where(said[:, None] == [0, 1], certain[:, None], 1 - certain[:, None])
    return shapes, part(images, labels), probabilities


def test_features_do_not_depend_on_contrast_or_background(rng):
    images = some(rng, CROSS, 3)
    found = abstention.features(images)
    assert found.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(abstention.features(40 * images - 7), found, atol=1e-5)
    assert not abstention.features(np.zeros((2, 28, 28, 1), np.float32)).any()
    assert abstention.features(images[:0]).shape == (0, found.shape[1])


def test_features_tell_directions_and_places_of_edges():
    upright, lying = drawn(BAR), drawn(BAR, turn=np.pi / 2)
    left = np.roll(upright, -8, axis=1)
    vectors = abstention.features(np.stack([upright, lying, left]))
    likeness = vectors @ vectors.T
    assert likeness[0, 1] < 0.5
    assert likeness[0, 2] < 0.5
    # The first and the fifth direction are to the right and to the left.
    planes = vectors[0].reshape(abstention.DIRECTIONS, -1)
    assert planes[[0, 4]].sum() > 2 * planes[[2, 6]].sum()


def test_features_of_many_are_those_of_each(rng, monkeypatch):
    images = some(rng, RING, 7)
    together = abstention.features(images)
    monkeypatch.setattr(abstention, "BATCH", 3)
    np.testing.assert_array_equal(abstention.features(images), together)


@pytest.mark.parametrize("side", [8, 28, 40])
def test_images_of_any_side_have_features(side, rng):
    images = rng.random((2, side, side, 1), np.float32)
    assert abstention.features(images).shape == abstention.features(some(rng, BAR, 2)).shape


def test_distance_is_small_for_the_own_class_only(rng):
    rings, bars, crosses = (abstention.features(some(rng, of, 40)) for of in (RING, BAR, CROSS))
    labels = np.repeat([0, 1], 20)
    subspaces = abstention.fit(np.concatenate([rings[:20], bars[:20]]), labels, 3)
    as_rings = np.zeros(20, int)
    own = abstention.distances(rings[20:], as_rings, subspaces).max()
    assert own < 0.3
    assert abstention.distances(bars[20:], as_rings, subspaces).min() > 2 * own
    assert abstention.distances(crosses[20:], as_rings, subspaces).min() > 1.5 * own
    # No image of the third class was seen, and nothing is near it.
    unseen = abstention.distances(rings, np.full(40, 2), subspaces)
    np.testing.assert_allclose(unseen, 1, rtol=1e-5)


def test_the_halves_share_every_class():
    labels = np.array([0, 0, 0, 1, 1, 2])
    np.testing.assert_array_equal(abstention.halves(labels), [1, 0, 1, 1, 0, 1])


NOTHING = np.empty(0)


def answers(scores, apart, correct=None, others=(NOTHING, NOTHING)):
    correct = np.ones(len(scores), bool) if correct is None else correct
    return abstention.Answers(scores, apart, correct, *others)


def test_limits_keep_the_wanted_share(rng):
    for count in (0, 50):
        others = rng.random(count), rng.random(count)
        said = answers(rng.random(999), rng.random(999), others=others)
        assert 0.9 <= said.confident(*abstention.limits(said, 0.9))[0].mean() < 0.902


@pytest.mark.parametrize("telling", ["score", "distance"])
def test_limits_go_by_what_tells_images_of_no_digit(rng, telling):
    low, far = rng.uniform(0, 0.52, 100), rng.uniform(0.98, 2, 100)
    others = (low, rng.random(100)) if telling == "score" else (rng.uniform(0.5, 1, 100), far)
    said = answers(rng.uniform(0.5, 1, 500), rng.random(500), others=others)
    threshold, limit = abstention.limits(said, 0.9)
    assert not said.confident(threshold, limit)[1].any()
    assert threshold > 0.51 if telling == "score" else limit < 0.99


def test_where_nothing_else_is_known_the_misclassified_are_left_out(rng):
    scores = rng.random(500)
    threshold, limit = abstention.limits(answers(scores, rng.random(500), scores > 0.1), 0.9)
    assert threshold == pytest.approx(0.1, abs=0.01)
    assert limit > 0.98


def test_what_limits_buy_is_counted():
    scores = np.array([0.9, 0.8, 0.7, 0.6, 0.2])
    apart = np.array([0.1, 0.9, 0.1, 0.2, 0.1])
    correct = np.array([True, True, False, True, False])
    others = np.array([0.9, 0.6, 0.5, 0.9]), np.array([0.1, 0.2, 0.1, 0.3])
    found = abstention.bought(answers(scores, apart, correct, others), (0.6, 0.2))
    assert (found["coverage"], found["error"]) == (0.6, pytest.approx(1 / 3))
    assert found["taken_for_digits"] == 0.5
    assert found["error_low"] < 0.1 < 0.7 < found["error_high"]
    assert found["taken_low"] < 0.2 < 0.8 < found["taken_high"]
    found = abstention.bought(answers(scores, apart, correct), (0.95, 0.2))
    assert found.pop("coverage") == 0
    assert set(found.values()) == {None}


def test_only_digits_with_a_high_score_are_answered_with_confidence(rng, held_out):
    rule, judged = abstention.judge(*held_out)
    assert judged["calibrated"]
    assert (judged["images"], judged["nondigits"]) == (60, 30)
    bought = judged["bought"]
    assert bought["error"] == bought["taken_for_digits"] == 0
    assert bought["coverage"] > abstention.COVERAGE - 0.05
    high, low = np.array([[1.0, 0.0]] * 30), np.array([[0.5, 0.5]] * 30)
    assert rule.withheld(some(rng, RING, 30), high).count(None) > 27
    assert rule.withheld(some(rng, RING, 30), low).count("score") > 27
    # The score alone would be fooled, and says nothing where there is no digit.
    assert set(rule.withheld(some(rng, CROSS, 30), high)) == {"unlike"}
    assert set(rule.withheld(some(rng, BAR, 30), high)) == {"unlike"}
    assert set(rule.withheld(some(rng, CROSS, 30), low)) == {"unlike"}
    assert rule.withheld(np.zeros((1, 28, 28, 1), np.float32), high[:1]) == ["unlike"]


def test_the_same_digits_give_the_same_rule(held_out, tmp_path):
    for name in ("a", "b"):
        rule, _ = abstention.judge(*held_out)
        abstention.save(rule, "svc", "digest", tmp_path / name)
    assert abstention.path("svc", tmp_path / "a").read_bytes() == (
        abstention.path("svc", tmp_path / "b").read_bytes()
    )


def test_one_digit_a_class_leaves_none_to_judge_by(held_out):
    shapes, images, probabilities = held_out
    few = np.array([0, 60, 120, 121])  # a ring, a bar, two crosses
    rule, judged = abstention.judge(shapes, images.only(few), probabilities[few])
    assert judged == {"calibrated": False, "images": 0, "nondigits": 0}
    assert rule.limit is None


def test_without_validation_images_nothing_is_withheld(tmp_path):
    nothing = part(np.empty((0, 28, 28, 1), np.float32), np.empty(0, np.uint8))
    rule, judged = abstention.judge(nothing, nothing, np.empty((0, 2)))
    assert judged == {"calibrated": False, "images": 0, "nondigits": 0}
    abstention.save(rule, "svc", "digest", tmp_path)
    assert json.loads(abstention.path("svc", tmp_path).read_text())["calibrated"] is False
    kept = abstention.load("svc", "digest", 2, tmp_path)
    assert (kept.threshold, kept.limit) == (0, None)
    assert kept.withheld(np.zeros((1, 28, 28, 1), np.float32), np.array([[0.5, 0.5]])) == [None]


def test_what_a_judgement_says_is_a_record(held_out):
    _, judged = abstention.judge(*held_out)
    named = {"model": "svc", "dataset": "drawn", "model_sha256": "a" * 64}
    record = records.Confidence.of(named | judged, "confidence.json")
    assert len(record.others) == len(abstention.COVERAGES)
    assert record.as_dict() == named | judged


def test_saved_and_loaded_it_says_the_same(rng, held_out, tmp_path):
    rule, _ = abstention.judge(*held_out)
    abstention.save(rule, "svc", "digest", tmp_path)
    kept = abstention.load("svc", "digest", 2, tmp_path)
    np.testing.assert_array_equal(kept.subspaces, rule.subspaces)
    assert (kept.threshold, kept.limit) == (rule.threshold, rule.limit)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda file: file.unlink(), "missing; .*`dvc repro confidence@svc`"),
        (lambda file: file.write_text("{"), "damaged"),
        (lambda file: file.write_text(file.read_text().replace('"shape"', '"form"')), "damaged"),
        (lambda file: file.write_text(file.read_text().replace("AAA", "@", 1)), "damaged"),
        (lambda file: file.write_text(file.read_text().replace("digest", "other")), "another svc"),
    ],
)
def test_a_missing_damaged_or_foreign_rule_is_refused(held_out, tmp_path, damage, words):
    abstention.save(abstention.judge(*held_out)[0], "svc", "digest", tmp_path)
    damage(abstention.path("svc", tmp_path))
    with pytest.raises(UserError, match=words):
        abstention.load("svc", "digest", 2, tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        {"threshold": -0.1},
        {"threshold": 1.1},
        {"threshold": float("nan")},
        {"limit": -1.0},
        {"limit": float("inf")},
        {"shape": [1, 2, 3]},
        {"shape": [3, 41, abstention.FEATURES]},
        {"shape": [2, 82, abstention.FEATURES // 2]},
        {"shape": [-1, 41, abstention.FEATURES]},
        {"subspaces": ""},
        {"subspaces": "nan"},
    ],
)
def test_a_rule_that_no_judgement_gives_is_refused(held_out, tmp_path, change):
    rule = abstention.judge(*held_out)[0]
    abstention.save(rule, "svc", "digest", tmp_path)
    file = abstention.path("svc", tmp_path)
    if change.get("subspaces") == "nan":
        numbers = np.full(rule.subspaces.shape, np.nan, "<f2")
        change = {"subspaces": base64.b64encode(numbers.tobytes()).decode()}
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    with pytest.raises(UserError, match=r"damaged.*dvc repro confidence@svc"):
        abstention.load("svc", "digest", 2, tmp_path)
