"""A sweep is checked as a whole before anything starts, and says what it will take."""

import pytest

from digits.core import paths
from digits.core.errors import UserError
from digits.search import definition, plan
from tests.unit import sweeps


@pytest.mark.parametrize("name", definition.names())
def test_what_is_ready_is_valid_and_begins_with_its_command(name):
    path = definition.FOLDER / f"{name}.yaml"
    sweep = definition.load(path)
    assert path.read_text().startswith(f"# digits sweep sweeps/{name}.yaml")
    for values in [{}] if sweep.definition.search != "grid" else sweep.space.grid():
        sweep.parameters(values)


def test_every_recipe_has_a_ready_sweep():
    assert {"ann", "cnn", "vgg16", "svc"} <= set(definition.names())


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"objective": "test_accuracy"}, "did you mean 'validation_accuracy'?"),
        ({"objective": "test_accuracy"}, "a measure of the test set, which chooses nothing"),
        ({"objective": ["validation_accuracy", "latency"]}, "did you mean 'latency_ms'?"),
        ({"objective": []}, "expected one measure"),
        ({"model": "cn"}, "did you mean 'cnn'?"),
        ({"budgt": {}}, "budgt: unknown key; did you mean 'budget'?"),
        ({"budget": {"trails": 3}}, "budget.trails: unknown key; did you mean 'trials'?"),
        ({"budget": {"trials": 0}}, "budget.trials: "),
        ({"budget": {}}, "expected trials, minutes or epochs"),
        ({"search": "bayes"}, "search: "),
        ({"search": "grid"}, "train.cnn.learning_rate, train.cnn.dropout has none"),
        ({"stop_early": {"after": 4}}, "expected fewer than the 4 epochs"),
        ({"stop_early": {}, "objective": "size_mib"}, "expected one objective that every epoch"),
        ({"seed": "0"}, "seed: "),
    ],
)
def test_what_is_wrong_is_named(changed, words):
    with pytest.raises(UserError) as refused:
        sweeps.sweep(**changed)
    assert words in str(refused.value)


def test_a_sweep_needs_validation_images(monkeypatch):
    base = sweeps.base()
    base["split"] |= {"validation": 0, "train": 60_000}
    for section in base["train"].values():
        section.pop("_", None)
        if "restore_best" in section:
            section |= {"restore_best": False, "early_stopping_patience": 0}
    given = definition.parse(
        {"title": "t", "model": "cnn", "budget": {"trials": 1}, "space": {}}, "t.yaml"
    )
    given = given.model_copy(update={"space": sweeps.parsed(sweeps.SPACE)})
    with pytest.raises(UserError, match="expected a validation set"):
        definition.Sweep("t", given, base)


def test_there_is_no_sweep_of_an_unknown_name():
    with pytest.raises(UserError, match=r"defined are .*sweeps/ann\.yaml"):
        definition.load(paths.ROOT / "sweeps/none.yaml")


def test_a_grid_ends_by_itself():
    space = "{train: {cnn: {seed: {choice: [0, 1, 2]}}}}"
    assert sweeps.sweep(space, search="grid", budget={}).trials == 3
    assert sweeps.sweep(space, search="grid", budget={"trials": 2}).trials == 2


def test_the_budget_is_told_with_an_estimate(tmp_path):
    text = "\n".join(plan.described(sweeps.sweep(), 2, done=1))
    assert "optimizer, learning_rate, dropout" in text
    assert "4 trials, 2 at once; 1 trial ended before" in text
    assert "about " in text
    assert plan.epoch_seconds(sweeps.sweep(), tmp_path) is None


def test_early_stopping_shortens_the_estimate():
    whole, early = sweeps.sweep(), sweeps.sweep(stop_early={"after": 1, "keep": 2})
    assert plan.expected_epochs(whole) == 4
    # One epoch for all, the second for a half, the third and fourth for a quarter.
    assert plan.expected_epochs(early) == 1 + 1 / 2 + 2 / 4


def test_times_are_told_in_fitting_units():
    assert [plan.duration(seconds) for seconds in (40, 720, 11_100)] == [
        "40 s",
        "12 min",
        "3 h 5 min",
    ]
