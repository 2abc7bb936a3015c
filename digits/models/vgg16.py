"""VGG16 for small grey images.

With the recipe of params.yaml: 99.17% of the MNIST test images correct, 15,256,650 parameters,
about 255 s of training on two cores of an AMD EPYC in bfloat16.

Thirteen 3 x 3 convolutions in five blocks and three dense layers, after configuration D of
K. Simonyan and A. Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition",
ICLR 2015.  Adapted: one input channel instead of three; 28 instead of 224 pixels, so that pooling
leaves sides of 14, 7, 3 and 1, the fifth has nothing left to pool, and 512 features instead of
25,088 reach the dense layers; and the width of these is a parameter.
"""

from typing import TYPE_CHECKING

from digits.core.config import Count
from digits.models.layers import ConvolutionalParams, convolution, dense, logits

if TYPE_CHECKING:
    import keras

XLA_ON_CPU = False
"""XLA has no fast convolution on a CPU: a step takes up to twice the time."""
GAINS_BY_BFLOAT16 = True
"""Its convolutions are large enough for bfloat16 to pay on a CPU that multiplies it."""

BLOCKS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
"""Filters of every convolution, a tuple a block."""
KERNEL_SIZE = 3


class Params(ConvolutionalParams):
    """The section train.vgg16 of params.yaml."""

    units: tuple[Count, Count]
    """Width of the first two dense layers; 4096 and 4096 as published."""


def build(params: Params, input_shape: tuple[int, int, int], classes: int) -> "keras.Model":
    """The untrained network, from (n, *input_shape) float32 to logits (n, classes) float32.

    Args:
        params: The width of the dense layers.
        input_shape: (height, width, 1).
        classes: Width of the output.

    """
    import keras
    from keras.layers import Flatten, Input, MaxPooling2D

    stack = [Input(input_shape, name="image")]  # (28, 28, 1)
    side = min(input_shape[:2])
    for block, convolutions in enumerate(BLOCKS, start=1):
        for number, filters in enumerate(convolutions, start=1):
            name = f"block{block}_conv{number}"
            stack += convolution(params, filters, KERNEL_SIZE, name)
        if side > 1:  # (14, 14, 64) (7, 7, 128) (3, 3, 256) (1, 1, 512), and the fifth as it is
            stack += [MaxPooling2D(name=f"block{block}_pool")]
            side //= 2
    stack += [Flatten(name="features")]  # (512,)
    for number, width in enumerate(params.units, start=1):  # (512,) (512,)
        stack += dense(params, number, width)
    stack += [logits(classes)]  # (10,)
    return keras.Sequential(stack, name="vgg16")
