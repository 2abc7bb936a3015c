"""Definitions of experiments hold differences only, and are checked before anything runs."""

import math

import pytest

from digits.core import config, paths
from digits.core.errors import UserError
from digits.experiments import definition
from tests.unit.networks import NETWORKS

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
    assert runs[2].targets == ["train_ann"]
    instead = definition.runs("tried", experiment, ("cnn",))
    assert {run.variant for run in instead} == {"plain"}
    assert instead[0].targets == ["train_cnn"]
    # What the definition's own models gave keeps its name.
    assert instead[0].name == "tried-of-cnn-plain-seed-3"
    assert definition.outcome_name("tried", experiment, ("cnn",)) == "tried-of-cnn"
    assert definition.runs("tried", experiment, ("ann",))[2].name == "tried-wide-seed-3"
    assert definition.runs("tried", experiment, ("svc", "ann"))[0].name == "tried-plain-seed-3"


@pytest.mark.parametrize(
    ("asked", "targets"),
    [
        ("", ["train_ann"]),
        ("opens_test: true\n", ["evaluate@ann"]),
        ("robustness: true\n", ["train_ann", "robustness@ann"]),
        ("opens_test: true\nvariants: {a: {opens_test: false}}\n", ["train_ann"]),
        (
            "variants: {a: {opens_test: true, robustness: true}}\n",
            ["evaluate@ann", "robustness@ann"],
        ),
    ],
)
def test_the_test_set_stays_closed_unless_it_is_asked_for(tmp_path, asked, targets):
    experiment = write(tmp_path, "title: t\nmodels: [ann]\n" + asked)
    (run,) = definition.runs("tried", experiment)
    assert run.targets == targets


@pytest.mark.parametrize(
    ("model", "parameters"), [("ann", 468_874), ("cnn", 265_906), ("vgg16", 14_913_226)]
)
def test_the_three_networks_have_the_published_numbers_of_parameters(model, parameters):
    runs = definition.runs("three-networks", definition.load("three-networks"), (model,))
    section = definition.parameters(runs[0], config.read(paths.PARAMS))[f"train.{model}"]
    network = NETWORKS[model].build(section, (28, 28, 1), 10)
    assert network.count_params() == parameters
    trainable = sum(math.prod(weight.shape) for weight in network.trainable_weights)
    # Batch normalisation's averages are counted and not trained.
    assert parameters - trainable == {"cnn": 448}.get(model, 0)


def test_a_grid_is_all_combinations(tmp_path):
    experiment = write(
        tmp_path,
        "title: t\nmodels: [ann]\nrobustness: true\n"
        "grid: {hardware.device: [cpu, gpu], hardware.threads: [1, 2]}\n",
    )
    runs = definition.runs("tried", experiment)
    assert [run.variant for run in runs] == ["cpu-1", "cpu-2", "gpu-1", "gpu-2"]
    assert runs[3].differences == {"hardware": {"device": "gpu", "threads": 2}}
    assert runs[0].targets == ["train_ann", "robustness@ann"]


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
            "measure: under_change, change: shift, amount: 4.5, published: fails}]\n",
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


CLAIM = "claims: [{text: t, model: ann, measure: test_accuracy, published: 0.9, images: 3%s}]"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("models: []", "models: "),
        ("grid: {title: [1]}", "grid.title"),
        ("grid: {hardware: [1]}", "grid.hardware"),
        ("grid: {hardware.threads: []}", "grid.hardware.threads"),
        ("grid: {made_up.threads: [1]}", "made_up"),
        ("grid: {a..b: [1]}", "grid.a..b"),
        ("grid: {hardware.threads: [1, 1]}", "2 runs are called 'tried-1'"),
        ("grid: {hardware.label: ['a b']}", "cannot be called so"),
        ("grid: {train.ann.units: [[8, 8]]}", "cannot be called so"),
        (
            "grid: {" + ", ".join(f"hardware.k{n}: [1, 2, 3]" for n in range(20)) + "}",
            "at most 1000 combinations, received 3,486,784,401",
        ),
        ("variants: {../../x: {}}", "cannot be called so"),
        ("variants: {'': {}, a: {}}\nreference: b", "reference: no variant is called 'b'"),
        ("variants: [a, b]", "variants: "),
        ("variants: {a: 3}", "variants.a: "),
        ("seeds: [1, 1]", "2 runs are called"),
        ("seeds: [-1]", "seeds.0: "),
        ("train: 3", "train: "),
        ("question: 2020-01-01", "question: expected"),
        ("claims: 3", "claims: "),
        ("claims: [3]", "claims.0: "),
        ("claims: [{text: t, model: ann, measure: made_up}]", "made_up"),
        (CLAIM % "", "expected opens_test: true"),
        (CLAIM % ", variant: b", "no variant is called 'b'"),
        ((CLAIM % "").replace("model: ann", "model: svc"), "svc is not trained there"),
        (
            "robustness: true\nclaims: [{text: t, model: ann, measure: under_change, "
            "change: made_up, amount: 4, published: fails}]",
            "expected a change of shift",
        ),
        (
            "claims: [{text: t, model: ann, measure: under_change, change: shift, amount: 4, "
            "published: fails}]",
            "expected robustness: true",
        ),
        ("a: &a [*a]", "refers to what it is part of"),
    ],
)
def test_every_fault_of_a_definition_is_named(tmp_path, text, complaint):
    content = "title: t\n" + ("" if text.startswith("models") else "models: [ann]\n") + text
    with pytest.raises(UserError) as refused:
        write(tmp_path, content)
    assert complaint in str(refused.value)
    assert len(str(refused.value).splitlines()) < 20


@pytest.mark.parametrize("name", ["", ".", "../params", "x" * 300, "a/b", "outcomes", "a\nb"])
def test_a_name_of_no_experiment_is_refused(name):
    with pytest.raises(UserError, match="there is no experiment"):
        definition.load(name)


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
    assert definition.settings({"hardware": {"label": "it's \\ here"}}) == [
        r"hardware.label='it\'s \\ here'"
    ]


def test_the_published_accuracies_are_those_of_the_files():
    assert definition.published_accuracies() == {"ann": 0.9848, "cnn": 0.9878, "vgg16": 0.9907}
