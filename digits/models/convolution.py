"""The convolutional layer of the networks, with its activation."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras

MOMENTUM = 0.9
"""Of batch normalisation's averages: Keras's 0.99 lags behind after a few hundred steps."""


def build(filters: int, kernel_size: int, normalize: bool, name: str) -> "list[keras.Layer]":
    """A convolution that keeps the sides, batch normalisation if wanted, and ReLU.

    The initialiser is He's: with Keras's default, thirteen layers deep, training does not start.
    """
    from keras import layers

    convolution = layers.Conv2D(
        filters,
        kernel_size,
        padding="same",
        # Batch normalisation has a bias of its own.
        use_bias=not normalize,
        kernel_initializer="he_normal",
        name=name,
    )
    relu = layers.ReLU(name=f"{name}_relu")
    if not normalize:
        return [convolution, relu]
    return [convolution, layers.BatchNormalization(momentum=MOMENTUM, name=f"{name}_norm"), relu]


def parameters(channels: int, filters: int, kernel_size: int, normalize: bool) -> int:
    """Weights of such a layer, and its biases or its normalisation's four numbers a filter."""
    return filters * (kernel_size**2 * channels + (4 if normalize else 1))
