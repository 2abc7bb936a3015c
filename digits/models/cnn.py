"""CNN: blocks of convolutions and max-pooling, then dense layers.

With the recipe of params.yaml: 99.43% of the MNIST test images correct, 356,906 parameters, about
95 s of training on two cores of an AMD EPYC in float32.
"""

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from digits.core.config import Count
from digits.models.layers import MOST_LAYERS, convolution, dense, logits
from digits.training.recipe import Recipe

if TYPE_CHECKING:
    import keras

XLA_ON_CPU = False
"""XLA has no fast convolution on a CPU: a step takes up to twice the time."""
GAINS_BY_BFLOAT16 = False
"""Too small for bfloat16 to pay on a CPU: as much time goes into converting."""


class Params(Recipe):
    """The section train.cnn of params.yaml."""

    filters: Annotated[tuple[Count, ...], Field(min_length=1, max_length=MOST_LAYERS)]
    """Filters of each block; each block halves height and width."""
    convolutions_per_block: Annotated[int, Field(ge=1, le=MOST_LAYERS)]
    kernel_size: Annotated[int, Field(ge=1, le=27)]
    """Side of the filters in pixels."""
    batch_normalization: bool
    units: Annotated[tuple[Count, ...], Field(max_length=MOST_LAYERS)]
    """Width of each dense layer between the blocks and the output."""


def build(params: Params, input_shape: tuple[int, int, int], classes: int) -> "keras.Model":
    """The untrained network, from (n, *input_shape) float32 to logits (n, classes) float32.

    Args:
        params: The architecture.
        input_shape: (height, width, 1).
        classes: Width of the output.

    """
    import keras
    from keras.layers import Flatten, Input, MaxPooling2D

    stack = [Input(input_shape, name="image")]  # (28, 28, 1)
    for block, filters in enumerate(params.filters, start=1):  # (14, 14, 32) (7, 7, 64) (4, 4, 128)
        for number in range(1, params.convolutions_per_block + 1):
            name = f"block{block}_conv{number}"
            stack += convolution(filters, params.kernel_size, params.batch_normalization, name)
        stack += [MaxPooling2D(padding="same", name=f"block{block}_pool")]
    stack += [Flatten(name="features")]  # (2048,)
    for number, width in enumerate(params.units, start=1):  # (128,)
        stack += dense(number, width, params.dropout, params.seed)
    stack += [logits(classes)]  # (10,)
    return keras.Sequential(stack, name="cnn")
