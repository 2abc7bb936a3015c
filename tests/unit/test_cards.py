"""Cards: every record's figure stands in them, and what was not measured is said to be so."""

import numpy as np
import pandas as pd
import pytest

from digits.core import records
from digits.evaluation import recommendation
from digits.evaluation.recommendation import Candidate
from digits.report import cards
from digits.report.page.results import Answers, ModelResults, Results
from tests import made_records

CLASSES = ["coat", "bag"]
LABELS = np.array([0] * 6 + [1] * 6)
PREDICTED = np.array([1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1, 1])
PARAMS = {
    "preprocess": {"deskew": True},
    "split": {"shuffle": True, "stratify": True, "seed": 7, "left_out": 3},
    "train": {"ann": {"units": [16, 8]}, "svc": {"C": 10.0}},
}


def results(**measured):
    """Two models of which the ANN alone was measured beyond the test set."""
    probabilities = np.eye(2)[PREDICTED] * 0.8 + 0.1
    answers = Answers(pd.DataFrame({"label": LABELS, "prediction": PREDICTED}), {})
    models = {}
    for model in ("ann", "svc"):
        more = measured if model == "ann" else dict.fromkeys(measured)
        models[model] = ModelResults(
            train=made_records.train(model, **({"epochs": 5, "kept_epoch": 4} if more else {})),
            test=made_records.tested(model, LABELS, probabilities, CLASSES),
            timing=made_records.timing(),
            speed=made_records.speed(),
            elsewhere=None,
            history=pd.DataFrame(),
            answers=answers,
            **{name: more.get(name) for name in ("robustness", "transfer", "confidence")},
        )
    rows = {"ann": made_records.row(0.996), "svc": made_records.row(0.97, train_joules=8400.0)}
    return Results(
        rows=rows, tests=None, elsewhere=None, forms=None, drawn=None, models=models,
        outcomes={}, digests={},
    )  # fmt: skip


def made(gathered):
    params = recommendation.Params(required_accuracy=0.99, batch_images=1000)
    found = recommendation.recommend(
        {model: Candidate(row) for model, row in gathered.rows.items()}, params
    )
    split = records.Split(
        name="clothes", classes=tuple(CLASSES), raw_side=(28, 28), white=255,
        image_shape=(28, 28, 1),
        sets={"train": records.Images(images=24, per_class=(14, 10), sha256="a" * 64)},
        in_two_sets=records.SharedImages(count=1, first=()),
    )  # fmt: skip
    raw = records.RawFiles(name="clothes", files={"clothes.gz": "f" * 64})
    return cards.cards(gathered, found, cards.About(raw, split, PARAMS))


@pytest.fixture(scope="module")
def written():
    return made(
        results(
            robustness=made_records.robustness(),
            transfer=made_records.transfer(),
            confidence=made_records.confidence(),
        )
    )


def test_there_is_a_card_of_the_data_and_of_each_model(written):
    assert list(written) == ["data", "ann", "svc"]
    assert all(card.startswith("# ") and card.endswith("\n") for card in written.values())


@pytest.mark.parametrize(
    "words",
    [
        "| coat | 14 |", "| clothes.gz | `" + "f" * 64, "| train | 24 | `" + "a" * 64,
        "seed 7, each class", "Left out on purpose: 3 images", "Standing in two sets: 1 image.",
        "| deskew | true |", "optdigits, 10 images",
    ],
)  # fmt: skip
def test_what_the_data_are(written, words):
    assert words in written["data"]


@pytest.mark.parametrize(
    "words",
    [
        "| validation | 99.60% | 99.47% to 99.70% | 12,000 | choose by this |",
        "It reaches the required 99%", "It is the recommended model.", "- Server: the most",
        "| units | 16, 8 |", "5 epochs trained, the weights of epoch 4 kept",
        "| coat | 6 | 50.00% | 75.00% |", "coat as bag (3 images), bag as coat (1 image)",
        "| shift | pixels | above 0.1 | 50.0% at 1 |",
        "Digits of other hands (optdigits): 90.00% of 10",
        "90.00% are answered with confidence; 10.00% of these", "30.0% are taken for digits",
        "| energy of the training | cannot be read on that machine |",
        "| memory, 500 images a call | 20.0 MiB |", "- Trained on: A processor, 2 threads, float32",
    ],
)  # fmt: skip
def test_what_a_model_is(written, words):
    assert words in written["ann"]


@pytest.mark.parametrize(
    "words",
    [
        "It misses the required 99%", "ann is recommended instead.", "For none of the uses",
        "Not measured.", "The model never abstains.", "| energy of the training | 8,400 J |",
    ],
)  # fmt: skip
def test_what_was_not_measured_is_said(written, words):
    assert words in written["svc"]
    assert "other hands (" not in written["svc"]
