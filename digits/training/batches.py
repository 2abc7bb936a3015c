"""What a network is shown: every batch of every epoch, and images in order for scoring."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from digits.data.split import Part
from digits.training import augment
from digits.training.recipe import Recipe

SCORING_BATCH = 500
PREFETCHED_BATCHES = 4


def shuffled(train: Part, recipe: Recipe, steps: int) -> Any:
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
    return _without_autotuning(batches.prefetch(PREFETCHED_BATCHES))


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
