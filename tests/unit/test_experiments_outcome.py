"""What experiments have shown, put together and committed."""

import json

import pytest

from digits.core import paths
from digits.core.errors import UserError
from digits.experiments import definition
from digits.experiments.definition import Experiment, Run
from digits.experiments.outcome import gather
from digits.experiments.running import FinishedRun
from digits.report import outcomes
from digits.report.outcomes import Outcome
from tests.unit.measured import MOSTLY, measured

RIGHT = [(label, label) for label, _ in MOSTLY]
COMMITTED = [path for path in sorted(paths.OUTCOMES.glob("*.json")) if path.stem != "reproduction"]


def finished(variant, pairs, seed=None):
    run = Run("tried", variant, seed, ("ann",), True, False, {})
    return FinishedRun(run, "", {"ann": measured(pairs)})


@pytest.mark.parametrize("file", COMMITTED, ids=lambda path: path.stem)
def test_an_outcome_is_that_of_its_definition(file):
    outcome = Outcome.read(file)
    assert outcome.as_dict() == json.loads(file.read_text())
    name, _, models = outcome.experiment.partition("-of-")
    experiment = definition.load(name)
    runs = definition.runs(name, experiment, tuple(filter(None, models.split("-"))))
    assert outcome.assumed == experiment.assumed
    made = {(run.variant, run.seed): run.differences for run in outcome.runs}
    left_out = [run.variant for run in runs if (run.variant, run.seed) not in made]
    assert set(left_out) <= set(outcome.left_out)
    for run in runs:
        if (run.variant, run.seed) in made:
            assert made[run.variant, run.seed] == json.loads(json.dumps(run.differences))


def test_an_outcome_tests_variants_on_the_same_images():
    experiment = Experiment(title="t", models=("ann",), reference="a", variants={})
    found = [finished("a", MOSTLY), finished("b", RIGHT)]
    outcome = gather("tried", experiment, found, {"gpu": "none here"})
    assert outcome.tests is not None
    (test,) = outcome.tests["ann"]
    assert (test.second, test.differs) == ("b", True)
    assert test.difference == pytest.approx(14 / 150)
    assert outcome.runs[0].models["ann"].confusion == ((50, 0, 0), (0, 50, 0), (0, 14, 36))
    assert outcome.left_out == {"gpu": "none here"}


def test_over_seeds_an_outcome_has_means_and_welchs_test():
    experiment = Experiment(title="t", models=("ann",), reference="a", seeds=(1, 2))
    found = [
        finished(variant, pairs[drop:], seed)
        for variant, pairs in (("a", MOSTLY), ("b", RIGHT))
        for seed, drop in ((1, 0), (2, 30))
    ]
    outcome = gather("tried", experiment, found, {})
    assert outcome.tests is None
    assert outcome.repeats is not None
    assert outcome.welch is not None
    assert outcome.repeats["ann"]["b"].mean == 1
    assert outcome.welch["ann"]["b"].difference > 0.05


def test_the_reference_that_was_left_out_leaves_nothing_to_test():
    experiment = Experiment(title="t", models=("ann",), reference="gpu")
    outcome = gather("tried", experiment, [finished("b", RIGHT)], {"gpu": "none here"})
    assert outcome.tests == {}


def test_a_written_outcome_reads_as_it_was(tmp_path):
    experiment = Experiment(title="t", models=("ann",), reference="a")
    written = gather("tried", experiment, [finished("a", MOSTLY), finished("b", RIGHT)], {})
    written.write(tmp_path / "tried.json")
    assert Outcome.read(outcomes.path("tried", tmp_path)) == written
    assert "robustness" not in (tmp_path / "tried.json").read_text()


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda text: text[: len(text) // 2], "does not hold"),
        (lambda text: "[]", "does not hold"),
        (lambda text: text.replace('"runs"', '"run"', 1), "runs: this key is missing"),
        (
            lambda text: text.replace('"confusion"', '"confused"', 1),
            "confusion: this key is missing",
        ),
        (lambda text: text.replace('"agrees"', '"yes"', 1), "verdict"),
    ],
)
def test_a_damaged_outcome_is_said(tmp_path, damage, words):
    path = tmp_path / "tried.json"
    path.write_text(damage(outcomes.path("digits-svc").read_text()))
    with pytest.raises(UserError, match=words):
        Outcome.read(path)
    path.unlink()
    with pytest.raises(UserError, match="is missing"):
        Outcome.read(path)
