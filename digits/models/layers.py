"""The layers that the networks are made of, and their parameters; Keras is not loaded here."""

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from digits.core.config import Fraction
from digits.training.recipe import Recipe

if TYPE_CHECKING:
    import keras

MOST_LAYERS = 100
"""Of each kind; Keras takes minutes to put more of them together."""


class Params(Recipe):
    """What every network has in its section of params.yaml."""

    initializer: Literal["he_normal", "glorot_uniform"]
    """Of the hidden layers' weights.  glorot_uniform is Keras's default."""


class ConvolutionalParams(Params):
    """What every network with convolutions has in its section of params.yaml."""

    batch_normalization: Literal["none", "before_relu", "between_relus"]
    """Where it stands.  between_relus: the convolution's ReLU, the normalisation, one more ReLU."""
    batch_normalization_momentum: Fraction
    """Of its averages: Keras's 0.99 lags behind after a few hundred steps."""
    kernel_l2: Annotated[float, Field(ge=0, le=1)]
    """Times the sum of the squared weights of the convolutions' kernels, added to the loss."""


def convolution(
    params: ConvolutionalParams, filters: int, kernel_size: int, name: str
) -> "list[keras.Layer]":
    """A convolution that keeps height and width, with ReLU and batch normalisation as wanted."""
    from keras import layers, regularizers

    before = params.batch_normalization == "before_relu"
    convolved = layers.Conv2D(
        filters,
        kernel_size,
        padding="same",
        # Batch normalisation right after it has a bias of its own.
        use_bias=not before,
        kernel_initializer=params.initializer,
        kernel_regularizer=regularizers.L2(params.kernel_l2) if params.kernel_l2 else None,
        name=name,
    )
    relu = layers.ReLU(name=f"{name}_relu")
    if params.batch_normalization == "none":
        return [convolved, relu]
    normalized = layers.BatchNormalization(
        momentum=params.batch_normalization_momentum, name=f"{name}_norm"
    )
    if before:
        return [convolved, normalized, relu]
    return [convolved, relu, normalized, layers.ReLU(name=f"{name}_norm_relu")]


def dense(params: Params, number: int, width: int) -> "list[keras.Layer]":
    """The dense layer of this number, counted from 1, with ReLU and dropout.

    Args:
        params: Initialiser, dropout and its seed.
        number: Names the layer, and makes its dropout differ from that of the others.
        width: Units.

    """
    from keras import layers

    return [
        layers.Dense(
            width, activation="relu", kernel_initializer=params.initializer, name=f"dense{number}"
        ),
        layers.Dropout(params.dropout, seed=params.seed + number, name=f"dropout{number}"),
    ]


def logits(classes: int) -> "keras.Layer":
    """The output: a number a class, in float32 whatever the precision of the rest."""
    from keras import layers

    return layers.Dense(classes, dtype="float32", name="logits")
