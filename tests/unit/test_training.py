"""Networks: their shapes and sizes, their training, and what is written of them."""

import ast
import hashlib
import inspect
import re

import numpy as np
import pytest

from digits.core import config, paths
from digits.data import split
from digits.hardware import selection
from digits.inference.graph import Graph
from digits.models import ann, cnn, vgg16
from digits.training import export, fit

NETWORKS = {"ann": ann, "cnn": cnn, "vgg16": vgg16}


def params(model, **changes):
    section = config.read(paths.PARAMS)["train"][model] | changes
    kind = NETWORKS[model].Params
    return kind.model_validate(section, strict=False)


@pytest.fixture
def machine(monkeypatch):
    for name in ("CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"):
        monkeypatch.setenv(name, "")
    wanted = selection.Params(device="cpu", precision="float32", threads=0, label="")
    return selection.choose(wanted)


@pytest.fixture
def bars(rng):
    """Images of a bright bar whose column is the class: a task that is learnt in seconds."""
    labels = rng.integers(0, 4, 400).astype(np.uint8)
    images = rng.random((400, 12, 12, 1)).astype(np.float32) * 0.3
    for image, label in zip(images, labels, strict=True):
        image[:, 3 * label : 3 * label + 2] = 1
    parts = (slice(0, 300), slice(300, 400))
    return [split.Part(images[part], labels[part], np.arange(400)[part]) for part in parts]


def fitted(bars, machine, model="cnn", **changes):
    small = {"epochs": 3, "batch_size": 32, "filters": [4, 8], "units": [16]}
    if model != "cnn":
        del small["filters"]
    recipe = params(model, **(small | changes))
    rows: list[dict[str, float]] = []
    trained = fit.fit(
        lambda: NETWORKS[model].build(recipe, (12, 12, 1), 4),
        recipe,
        bars[0],
        bars[1],
        machine,
        xla=NETWORKS[model].XLA_ON_CPU,
        on_epoch=rows.append,
    )
    assert rows == trained.history
    return trained


RECIPES = {
    "ann": ({"units": [1024, 1024]}, 1_863_690),
    "cnn": (
        {
            "filters": [32, 64, 128],
            "convolutions_per_block": 1,
            "kernel_size": 3,
            "batch_normalization": True,
            "units": [128],
        },
        356_906,
    ),
    "vgg16": ({"units": [512, 512], "batch_normalization": True}, 15_256_650),
}
"""The architectures whose shapes stand as comments in the modules, and their parameters."""


@pytest.mark.parametrize("model", RECIPES)
def test_a_network_has_the_shapes_and_the_parameters_that_its_module_tells(model):
    changes, parameters = RECIPES[model]
    network = NETWORKS[model].build(params(model, **changes), (28, 28, 1), 10)
    assert network.count_params() == parameters
    assert f"{parameters:,} parameters" in NETWORKS[model].__doc__
    source = inspect.getsource(NETWORKS[model].build)
    told = {ast.literal_eval(shape) for shape in re.findall(r"\((?:\d+, ?)+\d*\)", source)}
    assert told == {
        shape[1:]
        for layer in network.layers
        if type(layer).__name__ in ("Flatten", "MaxPooling2D", "Dense")
        for shape in [layer.output.shape]
    } | {(28, 28, 1)}


def test_vgg16_as_published():
    network = vgg16.build(
        params("vgg16", units=[4096, 4096], batch_normalization=False), (28, 28, 1), 10
    )
    # 14,713,536 in the convolutions, 18,923,530 in the dense layers.
    assert network.count_params() == 33_637_066
    kinds = [type(layer).__name__ for layer in network.layers]
    assert (kinds.count("Conv2D"), kinds.count("Dense")) == (13, 3)


@pytest.mark.parametrize("model", NETWORKS)
@pytest.mark.parametrize("side", [8, 28])
def test_every_network_takes_every_side(model, side):
    network = NETWORKS[model].build(params(model), (side, side, 1), 10)
    assert network.output_shape == (None, 10)
    assert network(np.zeros((3, side, side, 1), np.float32)).shape == (3, 10)


@pytest.mark.parametrize(
    ("model", "changes"),
    [
        ("cnn", {}),
        ("cnn", {"batch_normalization": False, "schedule": "constant", "optimizer": "rmsprop"}),
        ("ann", {"loss": "sum_of_squares", "units": [64, 32, 16], "epochs": 10}),
    ],
)
def test_it_learns_and_the_export_reads_the_same(bars, machine, model, changes):
    trained = fitted(bars, machine, model, **changes)
    validation = bars[1]
    outputs = Graph(export.to_onnx(trained.network).SerializeToString()).run(validation.images)
    np.testing.assert_allclose(outputs, fit.logits(trained.network, validation.images), atol=1e-4)
    accuracy = (outputs.argmax(1) == validation.labels).mean()
    assert accuracy > 0.9
    kept = trained.history[trained.kept_epoch - 1]
    assert kept["validation_accuracy"] == pytest.approx(accuracy, abs=1e-6)
    assert kept["validation_accuracy"] == max(row["validation_accuracy"] for row in trained.history)


def test_training_again_gives_the_same_bytes(bars, machine, tmp_path):
    digests = []
    for name in ("first", "second"):
        trained = fitted(bars, machine)
        export.save_keras(trained.network, tmp_path / name)
        graph = export.to_onnx(trained.network).SerializeToString(deterministic=True)
        digests.append([graph, hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()])
    assert digests[0] == digests[1]
    import keras

    (tmp_path / "first").rename(tmp_path / "network.keras")
    network = keras.saving.load_model(tmp_path / "network.keras")
    np.testing.assert_allclose(
        fit.logits(network, bars[1].images),
        fit.logits(trained.network, bars[1].images),
    )


def test_the_seed_decides(bars, machine):
    first, second = (fitted(bars, machine, seed=seed).history for seed in (1, 2))
    assert first != second


def test_early_stopping_stops(bars, machine):
    trained = fitted(bars, machine, epochs=30, early_stopping_patience=2)
    assert len(trained.history) < 30
    assert trained.kept_epoch == len(trained.history) - 2


def test_one_cycle_rises_and_falls(bars, machine):
    rates = [row["learning_rate"] for row in fitted(bars, machine, epochs=10).history]
    peak = int(np.argmax(rates))
    assert 1 <= peak <= 3
    assert rates[-1] < 0.01 * rates[peak]
    steady = [row["learning_rate"] for row in fitted(bars, machine, schedule="constant").history]
    assert steady == pytest.approx([0.004] * 3)


def test_without_validation_the_last_epoch_is_kept(bars, machine):
    empty = split.Part(bars[1].images[:0], bars[1].labels[:0], bars[1].index[:0])
    trained = fitted([bars[0], empty], machine, restore_best=False)
    assert trained.kept_epoch == 3
    assert "validation_accuracy" not in trained.history[0]
