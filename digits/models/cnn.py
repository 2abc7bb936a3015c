"""CNN: blocks of convolutions and max-pooling, then dense layers."""

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from digits.core.config import Count
from digits.models import convolution, head
from digits.training.recipe import Recipe

if TYPE_CHECKING:
    import keras

XLA_ON_CPU = False
"""XLA has no fast convolution on a CPU: a step takes up to twice the time."""
GAINS_BY_BFLOAT16 = False
"""Too small for bfloat16 to pay on a CPU: as much time goes into converting."""


class Params(Recipe):
    """The section train.cnn of params.yaml."""

    filters: Annotated[tuple[Count, ...], Field(min_length=1)]
    """Filters of each block; each block halves height and width."""
    convolutions_per_block: Count
    kernel_size: Annotated[int, Field(ge=1, le=27)]
    """Side of the filters in pixels."""
    batch_normalization: bool
    units: tuple[Count, ...]
    """Width of each dense layer between the blocks and the output."""


def build(params: Params, input_shape: tuple[int, int, int], classes: int) -> "keras.Model":
    """The untrained network; its outputs are logits.

    Args:
        params: The architecture.
        input_shape: (height, width, 1).
        classes: Width of the output.

    """
    import keras
    from keras import layers

    stack: list[keras.Layer] = [layers.Input(input_shape, name="image")]
    height, width, channels = input_shape
    expected = 0
    for block, filters in enumerate(params.filters, start=1):
        for number in range(1, params.convolutions_per_block + 1):
            layer = filters, params.kernel_size, params.batch_normalization
            stack += convolution.build(*layer, name=f"block{block}_conv{number}")
            expected += convolution.parameters(channels, *layer)
            channels = filters
        stack.append(layers.MaxPooling2D(padding="same", name=f"block{block}_pool"))
        height, width = (height + 1) // 2, (width + 1) // 2
    stack.append(layers.Flatten(name="features"))
    stack += head.build(params.units, params.dropout, params.seed, classes)
    expected += head.parameters(height * width * channels, params.units, classes)

    network = keras.Sequential(stack, name="cnn")
    assert network.count_params() == expected, (network.count_params(), expected)
    return network
