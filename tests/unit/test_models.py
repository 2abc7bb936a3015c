"""The networks: their shapes and sizes."""

import ast
import inspect
import re

import numpy as np
import pytest

from digits.models import vgg16
from tests.unit.networks import NETWORKS, params

PARAMETERS = {"ann": 1_863_690, "cnn": 356_906, "vgg16": 15_256_650}


@pytest.mark.parametrize(("model", "parameters"), PARAMETERS.items())
def test_a_network_has_the_shapes_and_the_parameters_that_its_module_tells(model, parameters):
    network = NETWORKS[model].build(params(model), (28, 28, 1), 10)
    assert network.count_params() == parameters
    assert f"{parameters:,} parameters" in str(NETWORKS[model].__doc__)
    source = inspect.getsource(NETWORKS[model].build)
    told = {ast.literal_eval(shape) for shape in re.findall(r"\((?:\d+, ?)+\d*\)", source)}
    assert told == {
        shape[1:]
        for layer in network.layers
        if type(layer).__name__ in ("Flatten", "MaxPooling2D", "Dense")
        for shape in [layer.output.shape]
    } | {(28, 28, 1)}


def test_vgg16_as_published():
    network = vgg16.build(
        params("vgg16", units=[4096, 4096], batch_normalization="none"), (28, 28, 1), 10
    )
    # 14,713,536 in the convolutions, 18,923,530 in the dense layers.
    assert network.count_params() == 33_637_066
    kinds = [type(layer).__name__ for layer in network.layers]
    assert (kinds.count("Conv2D"), kinds.count("Dense")) == (13, 3)


@pytest.mark.parametrize("model", NETWORKS)
@pytest.mark.parametrize("side", [8, 28])
def test_every_network_takes_every_side(model, side):
    network = NETWORKS[model].build(params(model), (side, side, 1), 10)
    assert network.output_shape == (None, 10)
    assert network(np.zeros((3, side, side, 1), np.float32)).shape == (3, 10)
