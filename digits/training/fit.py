"""Training a network with Keras."""

import math
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from digits.core.errors import UserError
from digits.data.split import Part
from digits.hardware.selection import Machine
from digits.training import batches
from digits.training.recipe import Recipe

if TYPE_CHECKING:
    import keras

Build = Callable[[], "keras.Model"]
OnEpoch = Callable[[dict[str, float]], None]

WARM_UP_SHARE = 0.3
WARM_UP_FROM = 1 / 25
"""Share of the peak rate at which one_cycle begins, as in L. Smith and N. Topin,
"Super-Convergence: Very Fast Training of Neural Networks Using Large Learning Rates", 2018."""
FINAL_SHARE = 1e-3


@dataclass(frozen=True)
class Trained:
    """A network with the weights that were kept, in float32, and how they came about."""

    network: "keras.Model"
    history: list[dict[str, float]]
    """One row an epoch: epoch, train_loss, train_accuracy, learning_rate, and
    validation_loss and validation_accuracy where there is a validation set."""
    kept_epoch: int
    epoch_seconds: list[float]


def fit(
    build: Build,
    recipe: Recipe,
    train: Part,
    validation: Part,
    machine: Machine,
    xla: bool,
    on_epoch: OnEpoch,
) -> Trained:
    """Train a network.

    Args:
        build: Makes the untrained network, under the precision policy of the moment.
        recipe: How to train.
        train: The training set.  A label one past the last class is of none: the network is to
            spread its score over all classes.
        validation: What early stopping and the choice of the epoch look at; may be empty.
        machine: Where to compute, and in which precision.
        xla: Whether to compile the training step with XLA.
        on_epoch: Called with each row of the history as soon as it is known.

    Raises:
        UserError: if the loss is no longer finite.

    """
    import keras

    keras.utils.set_random_seed(recipe.seed)
    keras.config.set_dtype_policy(
        "float32" if machine.precision == "float32" else f"mixed_{machine.precision}"
    )
    network = build()
    steps = math.ceil(len(train) / recipe.batch_size)
    classes = network.output_shape[-1]
    with_class = float((train.labels < classes).mean())
    network.compile(
        optimizer=optimizer(recipe, steps),
        loss=_loss(recipe.loss, classes, all_with_class=with_class == 1),
        metrics=["accuracy"],
        steps_per_execution=batches.STEPS_PER_EXECUTION,
        jit_compile=xla,
    )
    record = _record(with_class, on_epoch)
    callbacks = [record]
    if len(validation) and (recipe.early_stopping_patience or recipe.restore_best):
        callbacks.append(
            keras.callbacks.EarlyStopping(
                monitor="val_accuracy",
                mode="max",
                patience=recipe.early_stopping_patience or recipe.epochs,
                restore_best_weights=recipe.restore_best,
            )
        )
    network.fit(
        batches.shuffled(train, recipe, finished_epochs=lambda: len(record.history)),
        epochs=recipe.epochs,
        validation_data=batches.in_order(validation.images, validation.labels)
        if len(validation)
        else None,
        callbacks=callbacks,
        shuffle=False,
        verbose=1 if sys.stdout.isatty() else 2,
    )
    kept = len(record.history)
    if recipe.restore_best and len(validation):
        kept = 1 + int(np.argmax([row["validation_accuracy"] for row in record.history]))

    keras.config.set_dtype_policy("float32")
    plain = build()
    plain.set_weights(network.get_weights())
    return Trained(plain, record.history, kept, record.seconds)


def optimizer(recipe: Recipe, steps: int) -> "keras.optimizers.Optimizer":
    """The recipe's optimiser with its schedule, for so many steps an epoch."""
    import keras

    rate: float | keras.optimizers.schedules.LearningRateSchedule = recipe.learning_rate
    if recipe.schedule == "one_cycle":
        total = steps * recipe.epochs
        warm_up = round(total * WARM_UP_SHARE)
        rate = keras.optimizers.schedules.CosineDecay(
            initial_learning_rate=recipe.learning_rate * WARM_UP_FROM,
            warmup_target=recipe.learning_rate,
            warmup_steps=warm_up,
            decay_steps=max(1, total - warm_up),
            alpha=FINAL_SHARE,
        )
    kinds = {name.lower(): kind for name, kind in vars(keras.optimizers).items()}
    return kinds[recipe.optimizer](learning_rate=rate)


def _loss(name: str, classes: int, all_with_class: bool) -> Any:
    import keras

    if name == "cross_entropy" and all_with_class:
        return keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    def target(labels: Any) -> Any:
        known = keras.ops.one_hot(keras.ops.reshape(labels, (-1,)), classes)
        return known + (1 - keras.ops.sum(known, axis=-1, keepdims=True)) / classes

    def cross_entropy(labels: Any, logits: Any) -> Any:
        return keras.losses.categorical_crossentropy(target(labels), logits, from_logits=True)

    def sum_of_squares(labels: Any, logits: Any) -> Any:
        return keras.ops.sum(keras.ops.square(keras.ops.softmax(logits) - target(labels)), axis=-1)

    return {"cross_entropy": cross_entropy, "sum_of_squares": sum_of_squares}[name]


def _record(with_class: float, on_epoch: OnEpoch) -> Any:
    """A callback that keeps the history under the project's names, and times the epochs.

    Args:
        with_class: Share of the training images that have a class: those without are never
            correct, and the accuracy is of the others.
        on_epoch: Called with each row.

    """
    import keras

    names = {
        "loss": "train_loss",
        "accuracy": "train_accuracy",
        "val_loss": "validation_loss",
        "val_accuracy": "validation_accuracy",
    }

    class Record(keras.callbacks.Callback):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.history: list[dict[str, float]] = []
            self.seconds: list[float] = []

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self.began = time.perf_counter()

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.seconds.append(time.perf_counter() - self.began)
            row: dict[str, float] = {"epoch": epoch + 1}
            row |= {names[key]: float(value) for key, value in logs.items()}
            row["train_accuracy"] = min(1.0, row["train_accuracy"] / with_class)
            row["learning_rate"] = float(
                keras.ops.convert_to_numpy(self.model.optimizer.learning_rate)
            )
            self.history.append(row)
            on_epoch(row)
            if not all(map(math.isfinite, row.values())):
                raise UserError(
                    f"training diverged in epoch {epoch + 1}: the loss is no longer finite; make "
                    "the learning rate smaller"
                )

    return Record()


def logits(network: "keras.Model", images: np.ndarray) -> np.ndarray:
    """Keras's own outputs for (n, height, width, 1) float32 images: (n, classes) float32."""
    return np.asarray(network.predict(batches.in_order(images), verbose=0))
