"""The dense layers with which every network ends."""

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras


def build(units: Sequence[int], dropout: float, seed: int, classes: int) -> "list[keras.Layer]":
    """Dense ReLU layers of these widths, each with dropout, then the logits.

    Args:
        units: Width of each hidden layer; may be empty.
        dropout: Share of the hidden units' outputs that are dropped in training.
        seed: Of the dropout.
        classes: Width of the output, which is float32 whatever the precision of the rest.

    """
    from keras import layers

    head: list[keras.Layer] = []
    for number, width in enumerate(units, start=1):
        head += [
            layers.Dense(
                width, activation="relu", kernel_initializer="he_normal", name=f"dense{number}"
            ),
            layers.Dropout(dropout, seed=seed + number, name=f"dropout{number}"),
        ]
    return [*head, layers.Dense(classes, dtype="float32", name="logits")]


def parameters(inputs: int, units: Sequence[int], classes: int) -> int:
    """Weights and biases of such a head behind `inputs` features."""
    widths = (inputs, *units, classes)
    return sum(wide * (narrow + 1) for narrow, wide in itertools.pairwise(widths))
