"""What a trained model must do, whatever its accuracy figures say.

The figures come from the committed metrics; the behaviour is tested where the bundles are, which
`dvc repro` or `dvc checkout` brings.
"""

import functools
import json
import math
import re

import numpy as np
import pytest

from benchmarks import nondigits, sheets
from digits.core import config, paths
from digits.data import preprocess, split
from digits.evaluation import abstention
from digits.inference import bundle, predictor
from digits.inference.scoring import DECIMALS
from digits.models import ann, cnn, reader, vgg16
from digits.serve.reader import Reader

FLOOR = {"ann": 0.986, "cnn": 0.993, "vgg16": 0.9907, "svc": 0.986, "reader": 0.993}
"""Test accuracy on MNIST below which a model is not shipped."""


def metrics(model, name):
    return json.loads((paths.METRICS / model / f"{name}.json").read_text())


@pytest.mark.parametrize("network", [ann, cnn, vgg16, reader])
def test_a_network_module_opens_with_what_it_reaches(network):
    model = network.__name__.rpartition(".")[2]
    told = re.sub(r"\s+", " ", network.__doc__)
    (accuracy,) = re.findall(r"([\d.]+)% of the MNIST test images", told)
    (seconds,) = re.findall(r"about (\d+) s of training", told)
    test, timing = metrics(model, "test"), metrics(model, "timing")
    assert float(accuracy) / 100 == pytest.approx(test["accuracy"], abs=5e-5)
    assert f"{metrics(model, 'train')['parameters']:,} parameters" in told
    # A machine's speed varies from day to day.
    assert float(seconds) / 2 < timing["train_seconds"] < float(seconds) * 2
    assert f"in {timing['hardware']['precision']}" in told


@pytest.fixture(params=config.MODELS)
def model(request):
    return request.param


@pytest.fixture
def ready(model):
    if not (paths.MODELS / model / bundle.DESCRIPTION).is_file():
        pytest.skip("no bundle here: run `dvc repro` or `dvc checkout`")
    return predictor.Predictor.load(paths.MODELS / model)


@pytest.fixture
def validation():
    if not (paths.SPLIT / "validation.npz").is_file():
        pytest.skip("no data here: run `dvc repro` or `dvc checkout`")
    part = split.read(paths.SPLIT, "validation")
    return part.images[:1000], part.labels[:1000]


def accuracy(ready, images, labels):
    return (ready.probabilities(images).argmax(1) == labels).mean()


def test_the_committed_run_is_of_mnist_and_above_the_floor(model):
    test = metrics(model, "test")
    assert (test["dataset"], test["images"]) == ("mnist", 10_000)
    assert test["accuracy"] >= FLOOR[model]
    assert test["accuracy_low"] < test["accuracy"] < test["accuracy_high"]


def test_the_committed_predictions_give_the_committed_figures(model):
    table = np.loadtxt(paths.METRICS / model / "predictions.csv", delimiter=",", skiprows=1)
    labels, predictions, scores = table[:, 1], table[:, 2], table[:, 3:]
    assert (labels == predictions).sum() == metrics(model, "test")["correct"]
    np.testing.assert_array_equal(scores.argmax(1), predictions)
    np.testing.assert_allclose(scores.sum(1), 1, atol=10 * 10.0**-DECIMALS)


def test_the_committed_tests_follow_from_the_committed_predictions():
    from scipy.stats import binomtest

    correct = {}
    for name in config.MODELS:
        table = np.loadtxt(paths.METRICS / name / "predictions.csv", delimiter=",", skiprows=1)
        correct[name] = table[:, 1] == table[:, 2]
    tests = json.loads((paths.METRICS / "significance.json").read_text())
    assert len(tests["pairs"]) == math.comb(len(config.MODELS), 2)
    for pair in tests["pairs"]:
        first, second = correct[pair["first"]], correct[pair["second"]]
        only_first = int((first & ~second).sum())
        disagreements = int((first != second).sum())
        assert pair["p"] == pytest.approx(binomtest(only_first, disagreements).pvalue)
        assert pair["difference"] == pytest.approx(second.mean() - first.mean())
    assert len(tests["misclassified_by_all"]) == sum(~np.any(list(correct.values()), axis=0))


def test_the_bundle_is_the_one_that_was_evaluated(ready, model):
    assert ready.bundle.digest == metrics(model, "test")["model_sha256"]


def test_validation_accuracy_is_reproduced(ready, model, validation):
    images, labels = validation
    stated = metrics(model, "train")["validation_accuracy"]
    assert accuracy(ready, images, labels) == pytest.approx(stated, abs=0.01)


def test_a_shift_by_one_pixel_costs_little(ready, validation):
    images, labels = validation
    still = accuracy(ready, images, labels)
    for axis, step in ((1, 1), (1, -1), (2, 1), (2, -1)):
        assert accuracy(ready, np.roll(images, step, axis), labels) > still - 0.03


def test_what_is_no_digit_still_gives_probabilities(ready, rng):
    blank = np.zeros((1, 28, 28), np.uint8)
    full = np.full((1, 28, 28), 255, np.uint8)
    noise = rng.integers(0, 256, (50, 28, 28)).astype(np.uint8)
    probabilities = ready.read(np.concatenate([blank, full, noise]))
    assert np.isfinite(probabilities).all()
    np.testing.assert_allclose(probabilities.sum(1), 1)


def test_alone_and_in_a_batch_give_the_same_answer(ready, validation):
    images, _ = validation
    together = ready.probabilities(images[:20])
    alone = np.concatenate([ready.probabilities(images[i : i + 1]) for i in range(20)])
    np.testing.assert_allclose(together, alone, atol=1e-4)


def test_raw_images_take_the_same_way_as_prepared_ones(ready):
    raw = np.zeros((3, 28, 28), np.uint8)
    raw[0, 6:22, 13:16] = raw[1, 6:22, 9:12] = raw[2, 6:9, 8:20] = 255
    prepared = preprocess.prepare(raw, ready.bundle.description.preprocess)
    np.testing.assert_array_equal(ready.read(raw), ready.probabilities(prepared))


def test_the_reader_gains_on_other_hands_and_loses_nothing_on_mnist():
    other, own = (metrics(name, "transfer")["reporting"] for name in ("cnn", "reader"))
    assert own["accuracy"] > other["accuracy_high"]
    tests = json.loads((paths.METRICS / "significance.json").read_text())
    (pair,) = [
        pair for pair in tests["pairs"] if {pair["first"], pair["second"]} == {"cnn", "reader"}
    ]
    assert not pair["differs"] or pair["difference"] > 0


@pytest.fixture
def page_reader(ready, model):
    if not abstention.path(model).is_file():
        pytest.skip("no rule here: run `dvc repro` or `dvc checkout`")
    return Reader([model], threads=1)


def test_the_committed_limits_buy_fewer_errors_for_few_digits(model):
    path = paths.METRICS / model / "confidence.json"
    if not path.is_file():
        pytest.skip("the limits were not chosen yet: run `dvc repro`")
    judged = json.loads(path.read_text())
    assert judged["model_sha256"] == metrics(model, "test")["model_sha256"]
    bought, everything = judged["bought"], judged["others"][-1]
    assert bought["coverage"] >= 0.97
    assert everything["coverage"] > 0.999
    assert bought["error"] < 0.8 * everything["error"]
    assert bought["taken_for_digits"] < 0.5 * everything["taken_for_digits"]


def test_digits_that_were_not_trained_on_stay_confident(ready, page_reader, model, validation):
    images, labels = validation
    probabilities = ready.probabilities(images)
    rule = abstention.load(model, ready.bundle.digest, len(ready.classes))
    confident = np.array([reason is None for reason in rule.withheld(images, probabilities)])
    wrong = probabilities.argmax(1) != labels
    assert confident.mean() > 0.96
    assert wrong[confident].mean() <= wrong.mean()
    assert rule.withheld(np.zeros_like(images[:1]), probabilities[:1]) == ["unlike"]


@functools.cache
def drawings(what):
    """Sheets with six letters, doodles or the like each, drawn with a felt pen."""
    rng = np.random.default_rng(0)
    images, labels = nondigits.MATERIAL[what](72, rng), np.zeros(6, np.uint8)
    return [
        sheets.drawing(images[start : start + 6], labels, rng, pen=0.1).image
        for start in range(0, len(images), 6)
    ]


@pytest.mark.parametrize("what", ["letters", "signs", "doodles", "scribbles"])
def test_most_of_what_is_no_digit_is_withheld(page_reader, model, what):
    predictions = [
        digit.predictions[model]
        for grey in drawings(what)
        for digit in page_reader.read(grey).digits
    ]
    assert len(predictions) > 50
    assert np.mean([not one.confident for one in predictions]) > 0.6


def test_a_blank_page_has_no_digit(page_reader, rng):
    noisy = np.clip(rng.normal(200, 4, (600, 800)), 0, 255).astype(np.uint8)
    assert page_reader.read(noisy).digits == ()
