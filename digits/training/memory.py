"""Whether the memory at hand is enough for a training: asked before it begins."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from digits.core.errors import UserError
from digits.data.split import Part
from digits.hardware import detect
from digits.hardware.selection import Machine
from digits.inference.graph import LARGEST
from digits.training import fit
from digits.training.recipe import Recipe

if TYPE_CHECKING:
    import keras

FLOAT32 = 4
COPIES_TO_EXPORT = 5
"""Of the weights at the end of a training: the network, its arrays, the graph, the graph's bytes,
and ONNX Runtime's."""


@dataclass(frozen=True)
class Need:
    """What a training has in memory at least, in bytes."""

    weights: int
    gradients: int
    optimizer: int
    """What the optimiser keeps of each weight: two averages for Adam, nothing for plain SGD."""
    best: int
    """The weights of the best epoch, where they are kept."""
    activations: int
    """What the layers give for one batch, kept for the gradients."""
    read: int
    """Training and validation set, which are in memory already."""
    data: int
    """The validation set once more, as TensorFlow has it."""

    @property
    def training(self) -> int:
        return self.weights + self.gradients + self.optimizer + self.best + self.activations

    @property
    def exporting(self) -> int:
        return COPIES_TO_EXPORT * self.weights


def needed(
    build: fit.Build, recipe: Recipe, machine: Machine, train: Part, validation: Part
) -> Need:
    """Count what a network needs, by building it without its numbers.

    Args:
        build: Makes the untrained network.
        recipe: How it is trained.
        machine: On what.
        train: The training set.
        validation: The validation set; may be empty.

    """
    import keras
    import tensorflow as tf

    # In a graph of its own, TensorFlow only notes shapes: nothing of the size of a weight is made.
    with tf.Graph().as_default():
        network, chosen = build(), fit.optimizer(recipe, steps=1)
        chosen.build(network.trainable_variables)
        weights = _numbers(network.weights)
        trained = _numbers(network.trainable_variables)
        slots = _numbers(chosen.variables)
        shapes = [layer.output.shape[1:] for layer in network.layers]
    keras.utils.clear_session(free_memory=False)
    width = FLOAT32 if machine.precision == "float32" else FLOAT32 // 2
    batch = min(recipe.batch_size, len(train))
    return Need(
        weights=FLOAT32 * weights,
        gradients=FLOAT32 * trained,
        optimizer=FLOAT32 * slots,
        best=FLOAT32 * weights if recipe.restore_best and len(validation) else 0,
        activations=width * batch * sum(map(math.prod, shapes)),
        read=train.images.nbytes + validation.images.nbytes,
        data=validation.images.nbytes,
    )


def _numbers(variables: "list[keras.Variable]") -> int:
    return sum(math.prod(variable.shape) for variable in variables)


def check(section: str, need: Need, machine: Machine) -> None:
    """Refuse a training for which there is not enough memory.

    Args:
        section: Of params.yaml, to be named.
        need: What the training has in memory.
        machine: Where it is to run.

    Raises:
        UserError: if main memory or the GPU's is too small, or the model too large for a file.

    """
    advice = "make layers or batch_size smaller"
    parts = (
        f"weights {_gib(need.weights)}, gradients {_gib(need.gradients)}, optimiser "
        f"{_gib(need.optimizer)}, best weights {_gib(need.best)}, activations of a batch "
        f"{_gib(need.activations)}, data {_gib(need.read + need.data)}"
    )
    on_gpu = machine.device == "gpu"
    most = need.read + need.data + max(need.exporting, 0 if on_gpu else need.training)
    free = detect.available_memory() + need.read
    if most > free:
        raise UserError(
            f"{section}: training needs at least {_gib(most)} of memory ({parts}), and "
            f"{_gib(free)} are free; {advice}, or free some memory"
        )
    if on_gpu and need.training > (free := detect.available_gpu_memory()):
        raise UserError(
            f"{section}: training needs at least {_gib(need.training)} of the GPU's memory "
            f"({parts}), and {_gib(free)} are free; {advice}, or set hardware.device to cpu"
        )
    if need.weights >= LARGEST:
        raise UserError(
            f"{section}: the model's weights take {_gib(need.weights)}, and its file may hold "
            f"{_gib(LARGEST)}; make layers smaller"
        )


def _gib(count: int) -> str:
    return f"{count / 2**30:,.2f} GiB"
