"""What is written of a trained network gives the same answers, and the same bytes again."""

import hashlib

import numpy as np
import pytest

from digits.inference.graph import Graph
from digits.training import export, fit
from tests.unit.networks import fitted


@pytest.mark.parametrize(
    ("model", "changes"),
    [
        ("cnn", {}),
        ("cnn", {"batch_normalization": "none", "schedule": "constant", "optimizer": "rmsprop"}),
        (
            "cnn",
            {
                "batch_normalization": "between_relus",
                "kernel_sizes": [3, 5],
                "kernel_l2": 0.001,
                "pooling": "valid",
                "initializer": "glorot_uniform",
            },
        ),
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
