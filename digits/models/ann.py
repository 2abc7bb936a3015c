"""ANN: the plain network of dense layers."""

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from digits.core.config import Count
from digits.models import head
from digits.training.recipe import Recipe

if TYPE_CHECKING:
    import keras

XLA_ON_CPU = True
"""Compiled by XLA, a step of dense layers takes less than half the time on a CPU."""
GAINS_BY_BFLOAT16 = False
"""Too small for bfloat16 to pay on a CPU: as much time goes into converting."""


class Params(Recipe):
    """The section train.ann of params.yaml."""

    units: Annotated[tuple[Count, ...], Field(min_length=1)]
    """Width of each hidden layer."""


def build(params: Params, input_shape: tuple[int, int, int], classes: int) -> "keras.Model":
    """The untrained network; its outputs are logits.

    Args:
        params: The architecture.
        input_shape: (height, width, 1).
        classes: Width of the output.

    """
    import keras
    from keras import layers

    height, width, channels = input_shape
    network = keras.Sequential(
        [
            layers.Input(input_shape, name="image"),
            layers.Flatten(name="pixels"),
            *head.build(params.units, params.dropout, params.seed, classes),
        ],
        name="ann",
    )
    expected = head.parameters(height * width * channels, params.units, classes)
    assert network.count_params() == expected, (network.count_params(), expected)
    return network
