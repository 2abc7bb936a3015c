"""Experiments: definitions that hold differences only, and claims held against results."""

import json
import os
import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from digits.core import config, paths, records
from digits.core.errors import UserError
from digits.experiments import claims, definition, outcome, reproduction, results, running
from digits.experiments.definition import Experiment, Run
from digits.inference import scoring
from tests import made_records

CLASSES = ["0", "1", "2"]


def write(folder, text, name="tried"):
    (folder / f"{name}.yaml").write_text(text)
    return definition.load(name, folder)


def leaves(tree, prefix=""):
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


@pytest.mark.parametrize("name", definition.names())
def test_what_is_defined_is_valid_and_begins_with_its_command(name):
    base = config.read(paths.PARAMS)
    experiment = definition.load(name)
    for run in definition.runs(name, experiment):
        definition.parameters(run, base)
    assert (
        (paths.EXPERIMENTS / f"{name}.yaml").read_text().startswith(f"# digits experiment {name}")
    )


@pytest.mark.parametrize("name", definition.names())
def test_only_keys_of_params_yaml_are_overridden(name):
    known = dict(leaves(config.read(paths.PARAMS)))
    for run in definition.runs(name, definition.load(name)):
        assert {key for key, _ in leaves(run.differences)} <= set(known)


def test_variants_and_seeds_make_runs(tmp_path):
    experiment = write(
        tmp_path,
        "title: t\nmodels: [ann, svc]\nseeds: [3, 4]\ntrain: {svc: {C: 2.0}}\n"
        "variants:\n  plain: {}\n  wide: {models: [ann], train: {ann: {units: [9]}}}\n",
    )
    runs = definition.runs("tried", experiment)
    assert [run.name for run in runs] == [
        "tried-plain-seed-3",
        "tried-plain-seed-4",
        "tried-wide-seed-3",
        "tried-wide-seed-4",
    ]
    assert runs[1].differences == {"train": {"svc": {"C": 2.0}, "ann": {"seed": 4}}}
    assert runs[2].differences["train"]["ann"] == {"units": [9], "seed": 3}
    assert runs[2].targets == ["evaluate@ann"]
    instead = definition.runs("tried", experiment, ("cnn",))
    assert {run.variant for run in instead} == {"plain"}
    assert instead[0].targets == ["evaluate@cnn"]
    # What the definition's own models gave keeps its name.
    assert instead[0].name == "tried-of-cnn-plain-seed-3"
    assert definition.outcome_name("tried", experiment, ("cnn",)) == "tried-of-cnn"
    assert definition.runs("tried", experiment, ("ann",))[2].name == "tried-wide-seed-3"
    assert definition.runs("tried", experiment, ("svc", "ann"))[0].name == "tried-plain-seed-3"


def test_a_grid_is_all_combinations(tmp_path):
    experiment = write(
        tmp_path,
        "title: t\nmodels: [ann]\nrobustness: true\n"
        "grid: {hardware.device: [cpu, gpu], hardware.threads: [1, 2]}\n",
    )
    runs = definition.runs("tried", experiment)
    assert [run.variant for run in runs] == ["cpu-1", "cpu-2", "gpu-1", "gpu-2"]
    assert runs[3].differences == {"hardware": {"device": "gpu", "threads": 2}}
    assert runs[0].targets == ["evaluate@ann", "robustness@ann"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("title: t\nmodels: [ann]\ntrian: {}\n", "trian"),
        ("title: t\nmodels: [cat]\n", "cat"),
        ("title: t\nmodels: [ann]\nreference: plain\n", "'plain'"),
        (
            "title: t\nmodels: [ann]\nclaims: [{text: t, model: ann, measure: test_accuracy, "
            "published: 1.5, images: 3}]\n",
            "1.5",
        ),
        ("title: t\n", "models"),
        (
            "title: t\nmodels: [ann]\nvariants: {a: {}}\ngrid: {hardware.threads: [1]}\n",
            "both",
        ),
        (
            "title: t\nmodels: [ann]\nrobustness: true\nclaims: [{text: It fails, model: ann, "
            "measure: fails_under, change: shift, amount: 4.5, published: fails}]\n",
            "It fails",
        ),
    ],
)
def test_a_wrong_definition_is_refused(tmp_path, text, complaint):
    with pytest.raises(UserError, match="tried") as refused:
        write(tmp_path, text)
    assert complaint in str(refused.value)


def test_an_unknown_experiment_is_refused_with_the_known_ones():
    with pytest.raises(UserError, match="digits-svc"):
        definition.load("digits-scv")


def test_an_unknown_parameter_is_refused_before_anything_runs(tmp_path):
    experiment = write(tmp_path, "title: t\nmodels: [ann]\ntrain: {ann: {unit: [3]}}\n")
    (run,) = definition.runs("tried", experiment)
    with pytest.raises(UserError, match="did you mean 'units'"):
        definition.parameters(run, config.read(paths.PARAMS))


@pytest.mark.parametrize("file", sorted(paths.OUTCOMES.glob("*.json")), ids=lambda path: path.stem)
def test_an_outcome_is_that_of_its_definition(file):
    outcome = json.loads(file.read_text())
    if "experiment" not in outcome:  # reproduction.json gathers the others' claims
        return
    name, _, models = outcome["experiment"].partition("-of-")
    experiment = definition.load(name)
    runs = definition.runs(name, experiment, tuple(filter(None, models.split("-"))))
    assert outcome["assumed"] == list(experiment.assumed)
    made = {(run["variant"], run["seed"]): run["differences"] for run in outcome["runs"]}
    left_out = [run.variant for run in runs if (run.variant, run.seed) not in made]
    assert set(left_out) <= set(outcome["left_out"])
    for run in runs:
        if (run.variant, run.seed) in made:
            assert made[run.variant, run.seed] == json.loads(json.dumps(run.differences))


def test_a_choice_of_the_cpu_does_not_hide_the_gpu_from_the_next(tmp_path, monkeypatch):
    fake = SimpleNamespace(
        NVMLError=OSError,
        nvmlInit=lambda: None,
        nvmlShutdown=lambda: None,
        nvmlDeviceGetCount=lambda: 1,
        nvmlDeviceGetHandleByIndex=lambda index: index,
        nvmlDeviceGetName=lambda handle: "NVIDIA H100",
        nvmlDeviceGetCudaComputeCapability=lambda handle: (9, 0),
    )
    monkeypatch.setitem(sys.modules, "pynvml", fake)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    experiment = write(
        tmp_path, "title: t\nmodels: [ann]\ngrid: {hardware.device: [cpu, gpu, auto]}\n"
    )
    able, left_out = running.possible(definition.runs("tried", experiment))
    assert [run.variant for run in able] == ["cpu", "gpu", "auto"]
    assert not left_out
    assert "CUDA_VISIBLE_DEVICES" not in os.environ


def test_settings_are_written_as_dvc_reads_them():
    differences = {
        "preprocess": {"size": "28", "deskew": False},
        "train": {"ann": {"units": [5, 6], "augmentation": {"shift": 0}, "learning_rate": 1e-5}},
    }
    assert definition.settings(differences) == [
        "preprocess.size='28'",
        "preprocess.deskew=false",
        "train.ann.units=[5, 6]",
        "train.ann.augmentation.shift=0",
        "train.ann.learning_rate=1e-05",
    ]


def test_the_published_accuracies_are_those_of_the_files():
    assert definition.published_accuracies() == {"ann": 0.954, "cnn": 0.9878, "vgg16": 0.9907}


def measured(pairs, robustness=None):
    """A model that made predictions: (label, predicted class) pairs."""
    labels, answers = (np.array(column) for column in zip(*pairs, strict=True))
    sets = {"validation": made_records.images(12_000), "test": made_records.images(len(pairs))}
    frame = pd.DataFrame({"index": range(len(pairs)), "label": labels, "prediction": answers})
    return results.Measured(
        train=made_records.train(validation=0.96, split=sets),
        test=made_records.tested("ann", labels, np.eye(len(CLASSES))[answers], CLASSES),
        timing=made_records.timing(),
        speed=made_records.speed(),
        predictions=frame,
        robustness=robustness,
        figures={},
    )


def judge(pairs, robustness=None, read="1", **claim):
    experiment = Experiment.model_validate(
        {"title": "t", "models": ("ann",), "claims": ({"text": "c", "model": "ann", **claim},)}
    )
    return claims.judge(experiment.claims[0], measured(pairs, robustness), lambda image: read)


MOSTLY = [(0, 0)] * 50 + [(1, 1)] * 50 + [(2, 2)] * 36 + [(2, 1)] * 14
"""Of 50 images a class, 14 of the twos are read as ones."""


@pytest.mark.parametrize(("published", "agrees"), [(0.92, True), (0.80, False)])
def test_an_accuracy_agrees_if_chance_explains_the_difference(published, agrees):
    judged = judge(MOSTLY, measure="test_accuracy", published=published, images=1000)
    assert judged["agrees"] is agrees
    assert judged["ours"] == "90.67% (136 of 150)"
    assert judged["ours_low"] < 136 / 150 < judged["ours_high"]


def test_an_accuracy_published_as_around_has_its_tolerance():
    claim = {"measure": "validation_accuracy", "images": 10_000, "tolerance": 0.02}
    assert judge(MOSTLY, published=0.95, **claim)["agrees"]
    assert not judge(MOSTLY, published=0.93, **claim)["agrees"]


def test_answers_agree_if_all_do():
    pairs = [(0, 0), (1, 2)]
    assert judge(pairs, measure="predictions", published=("0", "2"))["agrees"]
    judged = judge(pairs, measure="predictions", published=("0", "1"))
    assert not judged["agrees"]
    assert "1 of 2" in judged["how"]
    assert not judge(pairs, measure="predictions", published=("0", "2", "2"))["agrees"]


def test_extremes_agree_if_the_others_cannot_be_told_from_them():
    assert judge(MOSTLY, measure="hardest", published=("2",))["agrees"]
    assert judge(MOSTLY, measure="easiest", published=("0", "1"))["agrees"]
    assert not judge(MOSTLY, measure="hardest", published=("0",))["agrees"]
    near = [(0, 0)] * 19 + [(0, 1)] + [(1, 1)] * 18 + [(1, 0)] * 2
    assert judge(near, measure="hardest", published=("0",))["agrees"]


def test_mistakes_are_counted_among_the_digits_asked_for():
    claim = {"measure": "taken_for", "digits": ("2",), "others": ("1",)}
    judged = judge(MOSTLY, published=0.3, **claim)
    assert judged["ours"] == "28.00% (14 of 50)"
    assert judged["agrees"]
    assert not judge(MOSTLY, published=0.05, **claim)["agrees"]
    both = {"measure": "taken_for", "digits": ("1", "2"), "others": ("1", "2")}
    assert judge(MOSTLY, published=0.14, **both)["ours"] == "14.00% (14 of 100)"


def test_a_hypothesis_is_accepted_or_rejected_with_its_power():
    judged = judge(MOSTLY, measure="at_least", published=0.95, alternative=0.9)
    assert not judged["agrees"]
    assert "rejected" in judged["how"]
    assert judged["test"]["power"] > 0.5


@pytest.mark.parametrize(("correct", "agrees"), [(100, True), (480, False), (900, False)])
def test_a_network_fails_where_it_surely_reads_less_than_half(correct, agrees):
    low, high = scoring.wilson(correct, 1000)
    point = records.Point(amount=4, correct=correct, accuracy=correct / 1000, low=low, high=high)
    shift = made_records.change(1.0).model_copy(update={"points": (point,)})
    robustness = made_records.robustness(shift=shift).model_copy(update={"images": 1000})
    claim = {"measure": "fails_under", "change": "shift", "amount": 4, "published": "fails"}
    assert judge(MOSTLY, robustness, **claim)["agrees"] is agrees


def test_an_own_digit_is_read_by_the_stored_model():
    claim = {"measure": "own_digit", "image": "three.png", "published": "1"}
    assert judge(MOSTLY, **claim)["agrees"]
    assert not judge(MOSTLY, read="2", **claim)["agrees"]


def test_a_claim_whose_model_was_left_out_is_not_run():
    experiment = definition.load("three-networks")
    summary = outcome.summarise("three-networks", experiment, [], {})
    assert {claim["agrees"] for claim in summary["claims"]} == {None}
    record = reproduction.record([summary])
    assert record["not_run"] == record["claims"] == 11
    page = reproduction.markdown([summary], {})
    assert "not run" in page
    assert "95.40% of 10,000" in page


def test_a_summary_tests_variants_on_the_same_images():
    experiment = Experiment(title="t", models=("ann",), reference="a", variants={})
    found = [
        results.Result(
            Run("tried", variant, None, ("ann",), False, {}), "", {"ann": measured(pairs)}
        )
        for variant, pairs in (("a", MOSTLY), ("b", [(label, label) for label, _ in MOSTLY]))
    ]
    summary = outcome.summarise("tried", experiment, found, {"gpu": "none here"})
    (test,) = summary["tests"]["ann"]
    assert (test["second"], test["only_second_right"], test["differs"]) == ("b", 14, True)
    assert summary["runs"][0]["models"]["ann"]["confusion"] == [[50, 0, 0], [0, 50, 0], [0, 14, 36]]
    assert summary["left_out"] == {"gpu": "none here"}
