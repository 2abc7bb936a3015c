"""What a network is shown: every batch of every epoch, and images in order for scoring."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from digits.data.split import Part
from digits.training import augment
from digits.training.recipe import Recipe

SCORING_BATCH = 500
STEPS_PER_EXECUTION = 50
"""Steps that TensorFlow takes before it comes back to Python; as many batches are made at once."""
PREFETCHED_BATCHES = 2 * STEPS_PER_EXECUTION


def shuffled(train: Part, recipe: Recipe, finished_epochs: Callable[[], int]) -> Any:
    """The batches of an epoch as a tf.data set; each is a pure function of seed, epoch and place.

    Args:
        train: The training set.
        recipe: Its seed, size of a batch and augmentation.
        finished_epochs: Asked when a pass over the data begins.

    """
    import tensorflow as tf

    images_at_once = STEPS_PER_EXECUTION * recipe.batch_size

    def generate() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        epoch = finished_epochs()
        order = np.random.default_rng([recipe.seed, epoch]).permutation(len(train))
        for first in range(0, len(train), images_at_once):
            members = order[first : first + images_at_once]
            images = train.images[members]
            if recipe.augmentation.active:
                rng = np.random.default_rng([recipe.seed, epoch, first])
                images = augment.augment(images, recipe.augmentation, rng)
            yield images, train.labels[members]

    signature = (
        tf.TensorSpec((None, *train.images.shape[1:]), tf.float32),
        tf.TensorSpec((None,), tf.uint8),
    )
    made = tf.data.Dataset.from_generator(generate, output_signature=signature)
    dataset = made.rebatch(recipe.batch_size).prefetch(PREFETCHED_BATCHES)
    steps = math.ceil(len(train) / recipe.batch_size)
    return _without_autotuning(dataset.apply(tf.data.experimental.assert_cardinality(steps)))


def in_order(*arrays: np.ndarray) -> Any:
    """The rows of these arrays, in order and in batches, as a tf.data set."""
    import tensorflow as tf

    rows = arrays if len(arrays) > 1 else arrays[0]
    return _without_autotuning(tf.data.Dataset.from_tensor_slices(rows).batch(SCORING_BATCH))


def _without_autotuning(dataset: Any) -> Any:
    """The data set with tf.data's autotuning switched off.

    Its background thread sleeps for twice as long each time and can be joined only when it
    wakes, so that every pass over the data ended up to twice as late (seen with 2.21 on a CPU:
    8 s of steps, then 2 s of waiting).
    """
    import tensorflow as tf

    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.with_options(options)
