"""ANN: the plain network of dense layers.

With the recipe of params.yaml: 98.97% of the MNIST test images correct, 1,863,690 parameters, about
35 s of training on two cores of an AMD EPYC in float32.
"""

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from digits.core.config import Count
from digits.models import layers
from digits.models.layers import MOST_LAYERS, dense, logits

if TYPE_CHECKING:
    import keras

XLA_ON_CPU = True
"""Compiled by XLA, a step of dense layers takes less than half the time on a CPU."""
GAINS_BY_BFLOAT16 = False
"""Too small for bfloat16 to pay on a CPU: as much time goes into converting."""


class Params(layers.Params):
    """The section train.ann of params.yaml."""

    units: Annotated[tuple[Count, ...], Field(min_length=1, max_length=MOST_LAYERS)]
    """Width of each hidden layer."""


def build(params: Params, input_shape: tuple[int, int, int], classes: int) -> "keras.Model":
    """The untrained network, from (n, *input_shape) float32 to logits (n, classes) float32.

    Args:
        params: The architecture.
        input_shape: (height, width, 1).
        classes: Width of the output.

    """
    import keras
    from keras.layers import Flatten, Input

    stack = [Input(input_shape, name="image")]  # (28, 28, 1)
    stack += [Flatten(name="pixels")]  # (784,)
    for number, width in enumerate(params.units, start=1):  # (1024,) (1024,)
        stack += dense(params, number, width)
    stack += [logits(classes)]  # (10,)
    return keras.Sequential(stack, name="ann")
