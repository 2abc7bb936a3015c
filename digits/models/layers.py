"""The layers that the networks are made of; importing this module does not load Keras."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras

MOST_LAYERS = 100
"""Of each kind; Keras takes minutes to put more of them together."""
MOMENTUM = 0.9
"""Of batch normalisation's averages: Keras's 0.99 lags behind after a few hundred steps."""
INITIALIZER = "he_normal"
"""He's: with Keras's default, thirteen layers deep, training does not start."""


def convolution(filters: int, kernel_size: int, normalize: bool, name: str) -> "list[keras.Layer]":
    """A convolution that keeps height and width, batch normalisation if wanted, and ReLU."""
    from keras import layers

    convolved = layers.Conv2D(
        filters,
        kernel_size,
        padding="same",
        # Batch normalisation has a bias of its own.
        use_bias=not normalize,
        kernel_initializer=INITIALIZER,
        name=name,
    )
    relu = layers.ReLU(name=f"{name}_relu")
    if not normalize:
        return [convolved, relu]
    return [convolved, layers.BatchNormalization(momentum=MOMENTUM, name=f"{name}_norm"), relu]


def dense(number: int, width: int, dropout: float, seed: int) -> "list[keras.Layer]":
    """The dense layer of this number, counted from 1, with ReLU and dropout.

    Args:
        number: Names the layer, and makes its dropout differ from that of the others.
        width: Units.
        dropout: Share of the units' outputs that are dropped in training.
        seed: Of the dropout.

    """
    from keras import layers

    return [
        layers.Dense(
            width, activation="relu", kernel_initializer=INITIALIZER, name=f"dense{number}"
        ),
        layers.Dropout(dropout, seed=seed + number, name=f"dropout{number}"),
    ]


def logits(classes: int) -> "keras.Layer":
    """The output: a number a class, in float32 whatever the precision of the rest."""
    from keras import layers

    return layers.Dense(classes, dtype="float32", name="logits")
