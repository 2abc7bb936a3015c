"""The guarded door: who gets in, who is refused and told why, and what history keeps."""

import json

import numpy as np
import pytest

from digits.core import paths
from digits.core.errors import UserError
from digits.inference import bundle
from digits.team import promotion, standards
from digits.team.promotion import Answers, Candidate
from digits.tracking import models as logged
from digits.tracking import provenance
from tests import made_records, tiny
from tests.trained import CLEAN, training_files

MARGIN = 0.01
LOOSE = {"class_accuracy": 0.5, "latency_ms": 1e6, "size_mib": 1e6, "robustness": {}}
PARAMS = standards.Params(margin=MARGIN, **LOOSE)


def answers(wrong, images=1000):
    """Of a model that takes these images for another class."""
    labels = np.arange(images) % 2
    predictions = labels.copy()
    predictions[list(wrong)] ^= 1
    return Answers(np.arange(images), labels, predictions)


def newcomer(validation, test=None, shortcomings=()):
    return Candidate("cnn", "b" * 64, {}, validation, test or answers([]), tuple(shortcomings))


def judged(new, before=(), test_before=()):
    return promotion.judge(new, (answers(before), answers(test_before)), MARGIN)


def test_the_first_champion_has_to_reach_the_floors_only():
    assert not promotion.judge(newcomer(answers(range(400))), None, MARGIN).reasons
    refused = promotion.judge(newcomer(answers([]), shortcomings=["size"]), None, MARGIN)
    assert refused.reasons == ("size",)


def test_an_equal_model_passes_and_a_worse_one_is_told_by_how_much():
    assert not judged(newcomer(answers([1, 2])), [3, 4]).reasons
    worse = judged(newcomer(answers(range(50))), [])
    (reason,) = worse.reasons
    assert "-5.00% of 1,000 images" in reason
    assert "more than the margin of 1.00%" in reason


def test_a_model_below_a_floor_is_refused_though_it_is_better():
    refused = judged(newcomer(answers([]), shortcomings=["class 9"]), range(50))
    assert refused.reasons == ("class 9",)


def test_the_test_images_are_opened_only_for_what_passed():
    assert set(judged(newcomer(answers(range(50))), []).outcomes) == {"validation"}
    assert set(judged(newcomer(answers([])), []).outcomes) == {"validation", "test"}


def test_the_test_images_can_contradict():
    (reason,) = judged(newcomer(answers([]), test=answers(range(80))), []).reasons
    assert reason.startswith("the test images contradict")


def test_too_few_images_to_show_anything_are_named():
    few = answers([], images=30)
    verdict = promotion.judge(newcomer(few), (few, few), MARGIN)
    assert "of 30 images can be told equal within" in verdict.reasons[0]


def test_models_that_read_other_images_are_not_compared():
    with pytest.raises(UserError, match="the same validation images"):
        promotion.judge(newcomer(answers([])), (answers([], 999), answers([])), MARGIN)


def test_accuracy_by_class():
    assert answers([0, 2]).by_class(("even", "odd", "none")) == {"even": 0.996, "odd": 1.0}


PARAMETERS = b"""
dataset: {name: mnist}
preprocess: {}
split: {}
hardware: {}
synthesis: {}
train: {cnn: {}, svc: {}, reader: {}}
"""


class Checkout:
    """The files of a project with tiny models, one of which was just trained."""

    def __init__(self, root):
        self.root = root

    def train(self, model, wrong=()):
        """Write what a training and its evaluation leave; `wrong` are misread images."""
        description = self.root / "models" / model / "bundle.json"
        digest = logged.sha256(description.read_bytes())
        written = {
            name.replace("cnn", model): content.replace(b"e" * 64, digest.encode()).replace(
                b'"model": "cnn"', f'"model": "{model}"'.encode()
            )
            for name, content in training_files().items()
        }
        written["params.yaml"] = PARAMETERS
        read = answers(wrong)
        lines = [
            f"{index},{label},{said}"
            for index, label, said in zip(read.index, read.labels, read.predictions, strict=True)
        ]
        table = "\n".join(["index,label,prediction", *lines, ""]).encode()
        folder = f"metrics/{model}"
        for name in ("validation", "predictions"):
            written[f"{folder}/{name}.csv"] = table
        robustness = made_records.robustness(model).model_copy(update={"model_sha256": digest})
        written[f"{folder}/robustness.json"] = json.dumps(robustness.as_dict()).encode()
        for name, content in written.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


@pytest.fixture
def checkout(models, monkeypatch):
    root = models.parent
    for name, place in (("ROOT", root), ("HOME", root), ("METRICS", root / "metrics")):
        monkeypatch.setattr(paths, name, place)
    monkeypatch.setattr(provenance, "of_training", lambda *_: CLEAN)
    monkeypatch.setattr(provenance, "recording", lambda _: "HEAD")
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "ada")
    return Checkout(root)


def test_promotions_a_refusal_and_the_way_back(checkout, door):
    for model, wrong in (("svc", range(30)), ("cnn", [5]), ("reader", range(40))):
        checkout.train(model, wrong)
    said = {}
    for model, why in (("svc", "the first"), ("cnn", ""), ("cnn", ""), ("reader", "")):
        event, verdict = promotion.promote(model, why, PARAMS, door)
        said[model] = verdict
        assert (event is None) == (verdict.outcomes == {} and model == "cnn")
    assert said["reader"].reasons
    assert door.champion() == 2
    back = promotion.rollback("it was slow", door)
    assert (back.version, back.before, door.champion()) == (1, 2, 1)
    with pytest.raises(UserError, match="no champion before"):
        promotion.rollback("", door)
    told = [(one.action, one.model, one.version, one.before, one.who) for one in door.history()]
    assert told == [
        ("promoted", "svc", 1, None, "ada"),
        ("promoted", "cnn", 2, 1, "ada"),
        ("refused", "reader", None, 2, "ada"),
        ("rolled back", "svc", 1, 2, "ada"),
    ]
    reasons = [event.why for event in door.history()]
    assert reasons[::3] == ["the first", "it was slow"]
    assert reasons[2] == said["reader"].said
    assert sum(event.test_opened for event in door.history()) == 1


def test_figures_of_another_model_are_not_taken(checkout, door):
    checkout.train("cnn")
    graph = tiny.ink_in_the_middle(weight=9.0)
    bundle.save(checkout.root / "models" / "cnn", graph, tiny.DESCRIPTION | {"model": "cnn"})
    with pytest.raises(UserError, match="another cnn; run `dvc repro`"):
        promotion.promote("cnn", "", PARAMS, door)
    tiny.save_rule(checkout.root / "models", "cnn")
    with pytest.raises(UserError, match="measured on another model"):
        promotion.promote("cnn", "", PARAMS, door)
    assert door.history() == []


def test_without_answers_on_the_validation_images_nothing_is_promoted(checkout, door):
    checkout.train("cnn")
    (checkout.root / "metrics/cnn/validation.csv").unlink()
    with pytest.raises(UserError, match=r"metrics/cnn/validation\.csv is missing"):
        promotion.promote("cnn", "", PARAMS, door)
