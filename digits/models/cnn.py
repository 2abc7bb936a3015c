"""CNN: blocks of convolutions and max-pooling, then dense layers.

With the recipe of params.yaml: 99.37% of the MNIST test images correct, 356,906 parameters, about
95 s of training on two cores of an AMD EPYC in float32.
"""

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from digits.core.config import Count
from digits.core.errors import UserError
from digits.models.layers import MOST_LAYERS, ConvolutionalParams, convolution, dense, logits

if TYPE_CHECKING:
    import keras

XLA_ON_CPU = False
"""XLA has no fast convolution on a CPU: a step takes up to twice the time."""
GAINS_BY_BFLOAT16 = False
"""Too small for bfloat16 to pay on a CPU: as much time goes into converting."""


class Params(ConvolutionalParams):
    """The section train.cnn of params.yaml."""

    filters: Annotated[tuple[Count, ...], Field(min_length=1, max_length=MOST_LAYERS)]
    """Filters of each block; each block halves height and width."""
    convolutions_per_block: Annotated[int, Field(ge=1, le=MOST_LAYERS)]
    kernel_sizes: tuple[Annotated[int, Field(ge=1, le=27)], ...]
    """Side of each block's filters in pixels."""
    pooling: Literal["same", "valid"]
    """Of an odd side, same keeps the last row and column, and valid leaves them out."""
    units: Annotated[tuple[Count, ...], Field(max_length=MOST_LAYERS)]
    """Width of each dense layer between the blocks and the output."""

    @field_validator("kernel_sizes")
    @classmethod
    def _one_a_block(cls, given: tuple[int, ...], others: ValidationInfo) -> tuple[int, ...]:
        blocks = len(others.data.get("filters", given))
        if len(given) != blocks:
            raise ValueError(f"expected a size a block, {blocks} as there are filters")
        return given


def build(params: Params, input_shape: tuple[int, int, int], classes: int) -> "keras.Model":
    """The untrained network, from (n, *input_shape) float32 to logits (n, classes) float32.

    Args:
        params: The architecture.
        input_shape: (height, width, 1).
        classes: Width of the output.

    Raises:
        UserError: if pooling leaves nothing of the image.

    """
    import keras
    from keras.layers import Flatten, Input, MaxPooling2D

    side = min(input_shape[:2])
    if params.pooling == "valid" and side >> len(params.filters) == 0:
        raise UserError(
            f"train.cnn: {len(params.filters)} blocks with valid pooling leave nothing of images "
            f"of {side} pixels; expected fewer filters, or pooling: same"
        )
    stack = [Input(input_shape, name="image")]  # (28, 28, 1)
    blocks = zip(params.filters, params.kernel_sizes, strict=True)
    for block, (filters, size) in enumerate(blocks, start=1):  # (14, 14, 32) (7, 7, 64) (4, 4, 128)
        for number in range(1, params.convolutions_per_block + 1):
            stack += convolution(params, filters, size, f"block{block}_conv{number}")
        stack += [MaxPooling2D(padding=params.pooling, name=f"block{block}_pool")]
    stack += [Flatten(name="features")]  # (2048,)
    for number, width in enumerate(params.units, start=1):  # (128,)
        stack += dense(params, number, width)
    stack += [logits(classes)]  # (10,)
    return keras.Sequential(stack, name="cnn")
