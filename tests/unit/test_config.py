"""params.yaml is checked as a whole, and every fault is named."""

import os
import time

import pytest

from digits.core import config, paths
from digits.core.errors import UserError
from digits.models import cnn


@pytest.fixture
def tree():
    return config.read(paths.PARAMS)


def faults(tree) -> str:
    with pytest.raises(UserError) as caught:
        config.check(tree)
    return str(caught.value)


def change(tree, key, value):
    *path, last = key.split(".")
    for part in path:
        tree = tree[part]
    tree[last] = value


def test_the_projects_own_file_is_valid_and_frozen(tree):
    sections = config.check(tree)
    assert set(sections) == set(config.SECTIONS)
    with pytest.raises(ValueError, match="frozen"):
        sections["split"].seed = 3  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("train.cnn.epochs", 0, ["train.cnn.epochs", "greater than or equal to 1", "received 0"]),
        ("train.cnn.epochs", 2.5, ["train.cnn.epochs", "integer", "received 2.5"]),
        ("train.ann.learning_rate", "1e-3", ["learning_rate", "'1e-3'", "remove the quotes"]),
        ("train.ann.learning_rate", -1, ["learning_rate", "greater than 0", "-1"]),
        ("train.ann.learning_rate", float("nan"), ["learning_rate", "finite"]),
        ("train.ann.learning_rate", None, ["learning_rate", "number", "null"]),
        ("train.ann.optimizer", "adamm", ["optimizer", "'adam'", "adamm"]),
        ("train.cnn.dropout", 1.0, ["dropout", "less than 1"]),
        ("train.cnn.augmentation.shfit", 1, ["shfit", "did you mean 'shift'"]),
        ("train.cnn.learningrate", 1, ["learningrate", "did you mean 'learning_rate'"]),
        ("train.knn", {}, ["train.knn", "unknown section", "did you mean 'train.cnn'"]),
        ("preproces", {}, ["preproces", "did you mean 'preprocess'"]),
        ("preprocess.size", 28, ["preprocess.size", "'28' or 'native'", "received 28"]),
        ("dataset.name", "minst", ["dataset.name", "mnist", "minst"]),
        ("split.train", 47000, ["70000", "47000 + 12000 + 10000 + 0 = 69000"]),
        ("split.seed", True, ["split.seed", "integer", "true"]),
        ("hardware.device", "tpu", ["hardware.device", "'gpu'", "tpu"]),
        ("train.vgg16.units", [512], ["train.vgg16.units"]),
        ("train", 3, ["train: expected the sections ann, cnn, vgg16, svc", "received 3"]),
        ("train", [{"ann": {}}], ["train: expected the sections", 'received [{"ann": {}}]']),
        ("train", None, ["train: expected the sections", "received null"]),
        ("dataset", [1, 2], ["dataset: ", "object", "received [1, 2]"]),
        ("dataset", None, ["dataset: ", "object", "received null"]),
        ("train.cnn", [], ["train.cnn: ", "object", "received []"]),
        ("train.cnn.augmentation", [], ["train.cnn.augmentation: ", "object", "received []"]),
        ("train.cnn.epochs", 10**30, ["train.cnn.epochs", "less than or equal to 100000"]),
        ("train.cnn.batch_size", 10**30, ["train.cnn.batch_size", "less than or equal to"]),
        ("train.ann.units", [10**30], ["train.ann.units.0", "less than or equal to"]),
        ("train.ann.units", [1] * 1000, ["train.ann.units", "at most 100 items"]),
        ("train.cnn.convolutions_per_block", 10**6, ["convolutions_per_block", "100"]),
        ("train.svc.gamma", 1e300, ["train.svc.gamma", "less than or equal to"]),
        ("train.svc.C", 10**400, ["train.svc.C", "received 1000"]),
        ("split.left_out", 10**30, ["split.left_out", "less than or equal to"]),
        ("split.seed", 2**32, ["split.seed", "less than 4294967296"]),
    ],
)
def test_a_wrong_value_is_named(tree, key, value, words):
    change(tree, key, value)
    message = faults(tree)
    assert all(word in message for word in words), message


def test_all_faults_are_named_at_once(tree):
    change(tree, "train.cnn.epochs", 0)
    change(tree, "train.svc.C", "many")
    assert "2 wrong value(s)" in faults(tree)


def test_a_missing_key_and_a_missing_section(tree):
    del tree["train"]["svc"]["gamma"]
    assert "train.svc.gamma: this key is missing" in faults(tree)
    del tree["split"]
    assert "split: this section is missing" in faults(tree)


def test_choosing_by_an_empty_validation_set_is_a_contradiction(tree):
    change(tree, "split.train", 60000)
    change(tree, "split.validation", 0)
    assert "split.validation is 0" in faults(tree)
    for model in ("ann", "cnn", "vgg16"):
        change(tree, f"train.{model}.restore_best", False)
        change(tree, f"train.{model}.early_stopping_patience", 0)
    assert config.check(tree)


def test_more_test_images_than_there_are(tree):
    change(tree, "split.test", 11000)
    change(tree, "split.train", 47000)
    assert "10000 official test images" in faults(tree)


@pytest.mark.parametrize("text", ["a: [", "- a\n- b", "", "train: {cnn: 1, cnn: 2}"])
def test_what_is_no_parameter_file_at_all(tmp_path, text):
    path = tmp_path / "params.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=r"params\.yaml"):
        config.load("train.cnn", cnn.Params, path)


def test_a_file_with_a_thousand_faults_names_twenty(tree):
    tree["train"]["cnn"] |= {f"key{number}": number for number in range(1000)}
    lines = faults(tree).splitlines()
    assert lines[0] == "params.yaml has 1000 wrong value(s):"
    assert lines[-1].strip() == "and 980 more"
    assert len(lines) == 22


def test_yaml_1_2_numbers(tmp_path):
    text = paths.PARAMS.read_text().replace("learning_rate: 0.004", "learning_rate: 4e-3")
    path = tmp_path / "params.yaml"
    path.write_text(text)
    assert config.load("train.cnn", cnn.Params, path).learning_rate == 0.004


def test_a_missing_file(tmp_path):
    with pytest.raises(UserError, match="git checkout"):
        config.read(tmp_path / "params.yaml")


def test_checking_takes_less_than_a_second(tree):
    config.check(tree)
    began = time.perf_counter()
    config.check(tree)
    assert time.perf_counter() - began < 0.2


def test_every_optimizer_of_keras_can_be_named():
    import keras

    from digits.training.recipe import Recipe

    known = {
        name.lower()
        for name, kind in vars(keras.optimizers).items()
        if isinstance(kind, type) and issubclass(kind, keras.optimizers.Optimizer)
    } - {"optimizer", "lossscaleoptimizer", "multioptimizer"}
    accepted = set(Recipe.model_fields["optimizer"].annotation.__args__)  # type: ignore[union-attr]
    assert accepted == known


def test_the_projects_own_files_are_read():
    for path in (paths.PARAMS, paths.DVC_YAML, *paths.EXPERIMENTS.glob("*.yaml")):
        assert config.read(path)


def test_what_is_no_file_is_said(tmp_path):
    with pytest.raises(UserError, match="git checkout params"):
        config.read(tmp_path / "params.yaml")
    (tmp_path / "folder.yaml").mkdir()
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "link.yaml").symlink_to("nowhere")
    (tmp_path / "circle.yaml").symlink_to("circle.yaml")
    for name in ("folder", "pipe", "link", "circle"):
        with pytest.raises(UserError, match=f"{name}.yaml"):
            config.read(tmp_path / f"{name}.yaml")
