"""How a network is trained: the hyperparameters that all networks share."""

from typing import Annotated, Literal

from pydantic import Field

from digits.core.config import Count, Fraction, Positive, Section, Seed
from digits.training import augment


class Recipe(Section):
    """The part of a network's section in params.yaml that is not its architecture."""

    optimizer: Literal[
        "adadelta",
        "adafactor",
        "adagrad",
        "adam",
        "adamax",
        "adamw",
        "ftrl",
        "lamb",
        "lion",
        "muon",
        "nadam",
        "rmsprop",
        "schedulefreeadamw",
        "sgd",
    ]
    """Any optimiser of Keras, by its class name in lower case, with Keras's defaults."""
    learning_rate: Positive
    """The rate of the constant schedule, the peak of the one-cycle schedule."""
    schedule: Literal["constant", "one_cycle"]
    """one_cycle: a linear rise over the first 30% of all steps, then a cosine down to almost 0."""
    batch_size: Count
    epochs: Annotated[int, Field(ge=1, le=100_000)]
    loss: Literal["cross_entropy", "sum_of_squares"]
    """sum_of_squares: the sum over the classes of (softmax output - one-hot target)^2."""
    augmentation: augment.Params
    early_stopping_patience: Annotated[int, Field(ge=0)]
    """Stop after this many epochs without a better validation accuracy; 0: never."""
    restore_best: bool
    """Keep the weights of the epoch with the best validation accuracy, not of the last one."""
    dropout: Fraction
    """Share of the dense units' outputs that are dropped in training."""
    seed: Seed
    """Of initial weights, order of images, augmentation and dropout."""
