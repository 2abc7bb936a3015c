"""The support vector machine and its ONNX form."""

import itertools

import numpy as np
import pytest
from sklearn.datasets import load_digits

from digits.core.errors import UserError
from digits.data import split
from digits.inference.graph import Graph
from digits.models import svc

PARAMS = svc.Params(C=10.0, gamma=0.05)


@pytest.fixture(scope="module")
def part():
    bunch = load_digits()
    images = (bunch.images[..., np.newaxis] / 16).astype(np.float32)
    return split.Part(images, bunch.target.astype(np.uint8), np.arange(len(images)))


@pytest.fixture(scope="module")
def trained(part):
    half = split.Part(part.images[:900], part.labels[:900], part.index[:900])
    return svc.fit(PARAMS, half, 10)


def test_the_graph_gives_the_scores_of_scikit_learns_decisions(trained, part):
    graph = Graph(svc.to_onnx(trained, PARAMS, (8, 8, 1)).SerializeToString())
    held_out, labels = part.images[900:], part.labels[900:]
    outputs = graph.run(held_out)
    np.testing.assert_allclose(outputs, svc.scores(trained, held_out), atol=2e-3)
    predicted = trained.estimator.predict(held_out.reshape(len(held_out), -1))
    # By votes a class may win that loses one of its decisions; so few do that none is the worse.
    assert (outputs.argmax(1) == predicted).mean() > 0.98
    assert (outputs.argmax(1) == labels).sum() >= (predicted == labels).sum() > 0.94 * len(labels)


def test_a_score_is_the_least_decision_against_another_class(trained, part):
    images = part.images[:5]
    decisions = trained.estimator.decision_function(images.reshape(5, -1))
    pairs = list(itertools.combinations(range(10), 2))
    for scores, row in zip(svc.scores(trained, images), decisions, strict=True):
        for label, score in enumerate(scores):
            against = [
                decision if label == first else -decision
                for (first, second), decision in zip(pairs, row, strict=True)
                if label in (first, second)
            ]
            assert len(against) == 9
            assert score == min(against)


def test_plain_scikit_learn_gives_the_same_graph(trained, part, monkeypatch):
    monkeypatch.setattr(svc, "find_spec", lambda name: None)
    half = split.Part(part.images[:900], part.labels[:900], part.index[:900])
    plain = svc.fit(PARAMS, half, 10)
    assert plain.library == "scikit-learn"
    graph = Graph(svc.to_onnx(plain, PARAMS, (8, 8, 1)).SerializeToString())
    held_out = part.images[900:]
    agreement = (graph.run(held_out).argmax(1) == svc.scores(trained, held_out).argmax(1)).mean()
    assert agreement > 0.995


def test_the_graph_has_the_same_bytes_again(trained):
    first, second = (
        svc.to_onnx(trained, PARAMS, (8, 8, 1)).SerializeToString(deterministic=True)
        for _ in range(2)
    )
    assert first == second


def test_a_class_without_images_is_refused(part):
    members = part.labels != 7
    some = split.Part(part.images[members], part.labels[members], part.index[members])
    with pytest.raises(UserError, match=r"class\(es\) \[7\]"):
        svc.fit(PARAMS, some, 10)
