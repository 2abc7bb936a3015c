"""VGG16 for small grey images.

Thirteen 3 x 3 convolutions in five blocks and three dense layers, after configuration D of
K. Simonyan and A. Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition",
ICLR 2015.  Adapted: one input channel instead of three; 28 instead of 224 pixels, so that pooling
leaves sides of 14, 7, 3 and 1, the fifth has nothing left to pool, and 512 features instead of
25,088 reach the dense layers; and the width of these is a parameter.
"""

from typing import TYPE_CHECKING

from digits.core.config import Count
from digits.models import convolution, head
from digits.training.recipe import Recipe

if TYPE_CHECKING:
    import keras

XLA_ON_CPU = False
"""XLA has no fast convolution on a CPU: a step takes up to twice the time."""
GAINS_BY_BFLOAT16 = True
"""Its convolutions are large enough for bfloat16 to pay on a CPU that multiplies it."""

BLOCKS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
"""Filters of every convolution, a tuple a block."""
KERNEL = 3


class Params(Recipe):
    """The section train.vgg16 of params.yaml."""

    batch_normalization: bool
    """As in later versions of VGG16; the published one had none."""
    units: tuple[Count, Count]
    """Width of the first two dense layers; 4096 and 4096 as published."""


def build(params: Params, input_shape: tuple[int, int, int], classes: int) -> "keras.Model":
    """The untrained network; its outputs are logits.

    Args:
        params: The width of the dense layers.
        input_shape: (height, width, 1).
        classes: Width of the output.

    """
    import keras
    from keras import layers

    stack: list[keras.Layer] = [layers.Input(input_shape, name="image")]
    height, width, channels = input_shape
    expected = 0
    for block, convolutions in enumerate(BLOCKS, start=1):
        for number, filters in enumerate(convolutions, start=1):
            layer = filters, KERNEL, params.batch_normalization
            stack += convolution.build(*layer, name=f"block{block}_conv{number}")
            expected += convolution.parameters(channels, *layer)
            channels = filters
        if min(height, width) > 1:
            stack.append(layers.MaxPooling2D(name=f"block{block}_pool"))
            height, width = height // 2, width // 2
    stack.append(layers.Flatten(name="features"))
    stack += head.build(params.units, params.dropout, params.seed, classes)
    expected += head.parameters(height * width * channels, params.units, classes)

    network = keras.Sequential(stack, name="vgg16")
    assert network.count_params() == expected, (network.count_params(), expected)
    return network
