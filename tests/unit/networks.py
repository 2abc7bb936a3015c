"""Small networks that learn a small task in seconds, whatever params.yaml says."""

from typing import Any

from digits.models import ann, cnn, vgg16
from digits.training import fit

NETWORKS = {"ann": ann, "cnn": cnn, "vgg16": vgg16}

TRAINING = {
    "optimizer": "adam",
    "learning_rate": 0.004,
    "schedule": "one_cycle",
    "batch_size": 32,
    "epochs": 3,
    "loss": "cross_entropy",
    "augmentation": {"rotation": 8.0, "scale": 0.1, "shear": 0.1, "shift": 1.5},
    "early_stopping_patience": 0,
    "restore_best": True,
    "dropout": 0.4,
    "initializer": "he_normal",
    "seed": 0,
}
CONVOLUTIONS = {
    "batch_normalization": "before_relu",
    "batch_normalization_momentum": 0.9,
    "kernel_l2": 0.0,
}
ARCHITECTURES: dict[str, dict[str, Any]] = {
    "ann": {"units": [1024, 1024]},
    "cnn": {
        "filters": [32, 64, 128],
        "convolutions_per_block": 1,
        "kernel_sizes": [3, 3, 3],
        "pooling": "same",
        **CONVOLUTIONS,
        "units": [128],
    },
    "vgg16": {"units": [512, 512], **CONVOLUTIONS},
}
"""Those whose shapes stand as comments in the modules."""


def params(model: str, **changes: Any) -> Any:
    section = TRAINING | ARCHITECTURES[model] | changes
    return NETWORKS[model].Params.model_validate(section, strict=False)


def fitted(bars: Any, machine: Any, model: str = "cnn", **changes: Any) -> fit.Trained:
    """A small network, trained on `bars`."""
    small = {
        "cnn": {"filters": [4, 8], "kernel_sizes": [3, 3], "units": [16]},
        "ann": {"units": [16]},
    }
    recipe = params(model, **(small[model] | changes))
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
