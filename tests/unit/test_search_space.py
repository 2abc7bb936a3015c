"""Spaces say what they vary in the words of params.yaml, and are checked as that is."""

import pytest

from digits.core.errors import UserError
from digits.search import space
from tests.unit import sweeps


def parse(text, model="cnn"):
    return space.parse(sweeps.parsed(text), sweeps.base(), model, "tried.yaml")


def test_choices_ranges_and_fixed_values_are_told_apart():
    found = parse(sweeps.SPACE)
    assert [one.key for one in found.parameters] == [
        "train.cnn.optimizer",
        "train.cnn.learning_rate",
        "train.cnn.dropout",
    ]
    assert found.fixed == {"train.cnn.epochs": 4}
    assert found.parameters[1].domain == space.Range(0.001, 0.01, True, False, None)
    assert not found.parameters[2].applies({"train.cnn.optimizer": "sgd"})
    assert found.parameters[2].applies({"train.cnn.optimizer": "adam"})


def test_a_trial_differs_from_params_yaml_in_its_values_alone():
    base = sweeps.base()
    tree = parse(sweeps.SPACE).tree(base, {"train.cnn.learning_rate": 0.005})
    assert tree["train"]["cnn"] == base["train"]["cnn"] | {"epochs": 4, "learning_rate": 0.005}
    assert {**tree, "train": 0} == {**base, "train": 0}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{train: {cnn: {learning_rat: {choice: [1]}}}}", "did you mean 'learning_rate'?"),
        ("{train: {cnn: {augmentation: {rotatoin: 3}}}}", "did you mean 'rotation'?"),
        ("{train: {cnn: {dropout: {rnage: [0, 1]}}}}", "did you mean 'range'?"),
        ("{train: {cnn: {dropout: {choice: [0.1], range: [0, 1]}}}}", "choice and range"),
        ("{train: {cnn: {dropout: {step: 0.1}}}}", "received none"),
        ("{train: {cnn: {dropout: {range: [0.0, 1.5]}}}}", "train.cnn.dropout: "),
        ("{train: {cnn: {dropout: {range: [0.5, 0.1]}}}}", "the smaller one first"),
        ("{train: {cnn: {dropout: {range: [0.1, true]}}}}", "expected two numbers"),
        ("{train: {cnn: {epochs: {integer: [1, 2.5]}}}}", "expected two whole numbers"),
        ("{train: {cnn: {epochs: {range: [1, 9]}}}}", "train.cnn.epochs: "),
        ("{train: {cnn: {learning_rate: {log_range: [0, 1]}}}}", "above 0"),
        ("{train: {cnn: {dropout: {range: [0, 0.5], step: 2}}}}", "no larger than the range"),
        ("{train: {cnn: {optimizer: {choice: [adam, adm]}}}}", "train.cnn.optimizer: "),
        ("{train: {cnn: {optimizer: {choice: [adam, adam]}}}}", "every choice once"),
        ("{train: {cnn: {optimizer: {choice: adam}}}}", "expected a list"),
        ("{train: {cnn: {learning_rate: '1e-3', dropout: {choice: [0.1]}}}}", "remove the quotes"),
        ("{train: {cnn: {augmentation: 3}}}", "expected keys of params.yaml"),
        ("{train: {ann: {dropout: {choice: [0.1]}}}}", "varies train.cnn alone"),
        ("{split: {seed: {choice: [1]}}}", "varies train.cnn alone"),
        ("{train: {cnn: {epochs: 3}}}", "expected an entry"),
        (
            "{train: {cnn: {dropout: {choice: [0.1], when: {train.cnn.optimizer: adam}}}}}",
            "none stands there",
        ),
        (
            "{train: {cnn: {optimizer: {choice: [sgd]}, dropout: {choice: [0.1], when: "
            "{train.cnn.optimiser: sgd}}}}}",
            "did you mean 'train.cnn.optimizer'?",
        ),
        (
            "{train: {cnn: {optimizer: {choice: [sgd]}, dropout: {choice: [0.1], when: "
            "{train.cnn.optimizer: adam}}}}}",
            'is never "adam"',
        ),
    ],
)
def test_what_params_yaml_would_not_take_is_refused(text, words):
    with pytest.raises(UserError, match=r"has .* in its space") as refused:
        parse(text)
    assert words in str(refused.value)


def test_all_faults_are_named_at_once():
    with pytest.raises(UserError) as refused:
        parse("{train: {cnn: {dropot: 3, epochs: {integer: 3}, units: {choice: []}}}}")
    assert len(str(refused.value).splitlines()) == 4


def test_a_grid_goes_through_every_combination_under_its_conditions():
    found = parse(
        "{train: {cnn: {optimizer: {choice: [adam, sgd]}, epochs: {integer: [1, 5], step: 2}, "
        "dropout: {range: [0.0, 0.2], step: 0.1, when: {train.cnn.optimizer: adam}}}}}"
    )
    combinations = list(found.grid())
    assert len(combinations) == 3 * 3 + 3
    assert combinations[-1] == {"train.cnn.optimizer": "sgd", "train.cnn.epochs": 5}
    assert [one["train.cnn.dropout"] for one in combinations[:3]] == pytest.approx([0, 0.1, 0.2])


def test_a_whole_section_can_be_chosen():
    none = "{rotation: 0, scale: 0, shear: 0, shift: 0}"
    found = parse(f"{{train: {{cnn: {{augmentation: {{choice: [{none}]}}}}}}}}")
    assert found.parameters[0].key == "train.cnn.augmentation"


def test_optuna_draws_within_the_space():
    optuna = pytest.importorskip("optuna")
    found = parse(sweeps.SPACE)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for _ in range(20):
        values = found.suggest(study.ask())
        assert 0.001 <= values["train.cnn.learning_rate"] <= 0.01
        assert len(str(values["train.cnn.learning_rate"]).lstrip("0.")) <= space.DIGITS
        assert ("train.cnn.dropout" in values) == (values["train.cnn.optimizer"] == "adam")
        params, distributions = found.encoded(values)
        assert params.keys() == distributions.keys() == values.keys()
