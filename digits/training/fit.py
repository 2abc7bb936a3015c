"""Training a network with Keras, and writing it down without a trace of time or process."""

import json
import math
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from digits.core import files
from digits.data.split import Part
from digits.hardware.selection import Machine
from digits.inference.graph import Node, assemble
from digits.training import augment
from digits.training.recipe import Recipe

if TYPE_CHECKING:
    import keras
    import onnx

Build = Callable[[], "keras.Model"]
OnEpoch = Callable[[dict[str, float]], None]

SCORING_BATCH = 500
WARM_UP_SHARE = 0.3
WARM_UP_FROM = 1 / 25
"""Share of the peak rate at which one_cycle begins, as in L. Smith and N. Topin,
"Super-Convergence: Very Fast Training of Neural Networks Using Large Learning Rates", 2018."""
FINAL_SHARE = 1e-3
PREFETCHED_BATCHES = 4
ONNX_PADDING = {"same": "SAME_UPPER", "valid": "VALID"}
LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""The earliest date that a zip file can hold."""


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
        train: The training set.
        validation: What early stopping and the choice of the epoch look at; may be empty.
        machine: Where to compute, and in which precision.
        xla: Whether to compile the training step with XLA.
        on_epoch: Called with each row of the history as soon as it is known.

    """
    import keras

    keras.utils.set_random_seed(recipe.seed)
    keras.config.set_dtype_policy(
        "float32" if machine.precision == "float32" else f"mixed_{machine.precision}"
    )
    network = build()
    steps = math.ceil(len(train) / recipe.batch_size)
    network.compile(
        optimizer=_optimizer(recipe, steps),
        loss=_loss(recipe.loss, network.output_shape[-1]),
        metrics=["accuracy"],
        jit_compile=xla,
    )
    record = _record(recipe, on_epoch)
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
        _batches(train, recipe, steps),
        steps_per_epoch=steps,
        epochs=recipe.epochs,
        validation_data=_in_order(validation.images, validation.labels)
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


def _optimizer(recipe: Recipe, steps: int) -> "keras.optimizers.Optimizer":
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


def _loss(name: str, classes: int) -> Any:
    import keras

    if name == "cross_entropy":
        return keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    def sum_of_squares(labels: Any, logits: Any) -> Any:
        target = keras.ops.one_hot(keras.ops.reshape(labels, (-1,)), classes)
        return keras.ops.sum(keras.ops.square(keras.ops.softmax(logits) - target), axis=-1)

    return sum_of_squares


def _record(recipe: Recipe, on_epoch: OnEpoch) -> Any:
    """A callback that keeps the history under the project's names, and times the epochs."""
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
            row["learning_rate"] = float(
                keras.ops.convert_to_numpy(self.model.optimizer.learning_rate)
            )
            self.history.append(row)
            on_epoch(row)

    return Record()


def _batches(train: Part, recipe: Recipe, steps: int) -> Any:
    """All batches of all epochs, each a pure function of seed, epoch and place."""
    import tensorflow as tf

    def generate() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for epoch in range(recipe.epochs):
            order = np.random.default_rng([recipe.seed, epoch]).permutation(len(train))
            for step in range(steps):
                members = order[step * recipe.batch_size : (step + 1) * recipe.batch_size]
                images = train.images[members]
                if recipe.augmentation.active:
                    rng = np.random.default_rng([recipe.seed, epoch, step])
                    images = augment.augment(images, recipe.augmentation, rng)
                yield images, train.labels[members]

    signature = (
        tf.TensorSpec((None, *train.images.shape[1:]), tf.float32),
        tf.TensorSpec((None,), tf.uint8),
    )
    batches = tf.data.Dataset.from_generator(generate, output_signature=signature)
    return _untuned(batches.prefetch(PREFETCHED_BATCHES))


def _in_order(*arrays: np.ndarray) -> Any:
    import tensorflow as tf

    rows = arrays if len(arrays) > 1 else arrays[0]
    return _untuned(tf.data.Dataset.from_tensor_slices(rows).batch(SCORING_BATCH))


def _untuned(dataset: Any) -> Any:
    """Switch tf.data's autotuning off.

    Its background thread sleeps for twice as long each time and can be joined only when it
    wakes, so that every pass over the data ended up to twice as late (seen with 2.21 on a CPU:
    8 s of steps, then 2 s of waiting).
    """
    import tensorflow as tf

    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.with_options(options)


def logits(network: "keras.Model", images: np.ndarray) -> np.ndarray:
    """Keras's own outputs for (n, height, width, 1) float32 images: (n, classes) float32."""
    return np.asarray(network.predict(_in_order(images), verbose=0))


def to_onnx(network: "keras.Sequential") -> "onnx.ModelProto":
    """The network as an ONNX graph from `images` (n, h, w, 1) to `logits` (n, classes), float32.

    Written layer by layer: Keras's own export of VGG16, through tf2onnx, takes 3.5 GB of memory,
    and gives its nodes names that vary between processes.

    Raises:
        TypeError: if the network has a layer that this function does not know.

    """
    nodes = [Node("Transpose", "images", "channels_first", {"perm": [0, 3, 1, 2]})]
    constants: dict[str, np.ndarray] = {}
    for layer in network.layers:
        value, name = nodes[-1].output, layer.name
        weights = [f"{name}.{weight.name}" for weight in layer.weights]
        numbers = dict(zip(weights, layer.get_weights(), strict=True))
        match type(layer).__name__:
            case "Dropout":
                continue
            case "Conv2D":
                numbers[weights[0]] = numbers[weights[0]].transpose(3, 2, 0, 1)
                padding = {"auto_pad": ONNX_PADDING[layer.padding]}
                nodes.append(Node("Conv", " ".join([value, *weights]), name, padding))
            case "BatchNormalization":
                settings = {"epsilon": layer.epsilon}
                nodes.append(
                    Node("BatchNormalization", " ".join([value, *weights]), name, settings)
                )
            case "ReLU":
                nodes.append(Node("Relu", value, name))
            case "MaxPooling2D":
                window = {"kernel_shape": layer.pool_size, "strides": layer.strides}
                padding = {"auto_pad": ONNX_PADDING[layer.padding]}
                nodes.append(Node("MaxPool", value, name, window | padding))
            case "Flatten":
                channels_last = f"{name}.channels_last"
                nodes.append(Node("Transpose", value, channels_last, {"perm": [0, 2, 3, 1]}))
                nodes.append(Node("Flatten", channels_last, name))
            case "Dense":
                linear = f"{name}.linear" if layer.activation.__name__ == "relu" else name
                nodes.append(Node("Gemm", " ".join([value, *weights]), linear))
                if linear != name:
                    nodes.append(Node("Relu", linear, name))
            case kind:
                raise TypeError(f"to_onnx does not know the layer {kind}; add it")
        constants |= numbers
    return assemble(nodes, constants, network.input_shape[1:], network.output_shape[-1])


def _timeless(value: Any, objects: dict[int, int]) -> Any:
    """The JSON value without its date, its objects numbered as they appear, not by address."""
    if isinstance(value, list):
        return [_timeless(part, objects) for part in value]
    if not isinstance(value, dict):
        return value
    kept = {}
    for key, part in value.items():
        if key == "shared_object_id":
            kept[key] = objects.setdefault(part, len(objects))
        elif key != "date_saved":
            kept[key] = _timeless(part, objects)
    return kept


def save_keras(network: "keras.Model", path: Path) -> None:
    """Write the network as a `.keras` file, for further training, without dates and addresses."""
    with files.atomic(path) as temporary:
        stamped = temporary.with_suffix(".keras")
        try:
            network.save(stamped)
            with zipfile.ZipFile(stamped) as source, zipfile.ZipFile(temporary, "w") as target:
                for name in sorted(source.namelist()):
                    content = source.read(name)
                    if name.endswith(".json"):
                        content = json.dumps(_timeless(json.loads(content), {})).encode()
                    target.writestr(zipfile.ZipInfo(name, LONG_AGO), content)
        finally:
            stamped.unlink(missing_ok=True)
