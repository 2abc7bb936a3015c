"""One way from images to probabilities, for evaluation, command line and every service."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from digits.core.errors import UserError
from digits.data import preprocess, split
from digits.inference import bundle, scoring
from digits.inference.graph import Graph

if TYPE_CHECKING:
    import pandas as pd


def tabulate(
    part: split.Part, probabilities: np.ndarray, classes: tuple[str, ...]
) -> "pd.DataFrame":
    """The table that predictions.csv holds: index, label, prediction and a score_ for each class.

    Args:
        part: n images and their labels.
        probabilities: (n, classes), rounded to `scoring.DECIMALS`.
        classes: Their names.

    """
    import pandas as pd

    named = {"index": part.index, "label": part.labels, "prediction": probabilities.argmax(axis=1)}
    scores = pd.DataFrame(probabilities, columns=[f"score_{name}" for name in classes])
    return pd.concat([pd.DataFrame(named).astype("int64"), scores], axis=1)


class Predictor:
    """A bundle, ready to score."""

    def __init__(self, saved: bundle.Bundle, threads: int = 0) -> None:
        """Prepare the graph.

        Args:
            saved: The bundle.
            threads: Cores to use; 0 for all.

        Raises:
            UserError: if the graph cannot be opened, or if it is not of what the bundle describes.

        """
        described = saved.description
        self.bundle = saved
        self.classes = described.classes
        try:
            self._graph = Graph(saved.graph, threads)
        except UserError as error:
            raise self._unusable(error) from None
        native = described.preprocess.size == "native"
        side = described.raw_side if native else (preprocess.MNIST_SIDE,) * 2
        wanted, found = (side, len(self.classes)), (self._graph.image_side, self._graph.classes)
        if wanted != found:
            raise self._unusable(
                f"expected a graph from images of {wanted[0]} pixels to {wanted[1]} classes, as "
                f"{bundle.DESCRIPTION} says, received one from {found[0]} to {found[1]}"
            )

    @classmethod
    def load(cls, folder: Path, threads: int = 0) -> "Predictor":
        """Read a bundle from its folder; raises UserError if it is not whole or not usable."""
        return cls(bundle.load(folder), threads)

    def probabilities(self, prepared: np.ndarray) -> np.ndarray:
        """Score images that `prepare` made.

        Args:
            prepared: (n, height, width, 1) float32.

        Returns:
            (n, classes) float64, all finite, rows sum to 1.

        Raises:
            UserError: if the graph cannot be run, or if its answer is not finite.

        """
        try:
            logits = self._graph.run(prepared)
        except UserError as error:
            raise self._unusable(error) from None
        return scoring.softmax(logits, self.bundle.description.temperature)

    def _unusable(self, reason: object) -> UserError:
        return bundle.unusable(self.bundle.folder, f"{bundle.GRAPH}: {reason}")

    def labels(self, labels: np.ndarray, classes: Sequence[str]) -> np.ndarray:
        """The labels of a data set as this model numbers them.

        Args:
            labels: (n,) uint8, places in `classes`.
            classes: Names of the data set's classes: this model's or some of them, in any order.

        Raises:
            UserError: if the model does not know one of them.

        """
        if unknown := sorted(set(classes) - set(self.classes)):
            raise UserError(
                f"{self.bundle.description.model} tells {', '.join(self.classes)} apart, the data "
                f"set has {', '.join(unknown)} too; leave these out, or train on the data set"
            )
        places = np.array([self.classes.index(name) for name in classes], labels.dtype)
        found: np.ndarray = places[labels]
        return found

    def prepare(self, images: np.ndarray) -> np.ndarray:
        """Bring raw images to what the model is shown.

        Args:
            images: (n, height, width) uint8, bright ink on a dark ground: as the model's data set
                was published, or in MNIST's form, 28 x 28 with full ink at 255.

        Returns:
            (n, height, width, 1) float32.

        Raises:
            UserError: if the images have another shape or type.

        """
        description = self.bundle.description
        side, mnist = description.raw_side, (preprocess.MNIST_SIDE,) * 2
        if images.shape[1:] not in (side, mnist):
            raise UserError(
                f"{description.model} reads images of {side} or {mnist} pixels (height, width), "
                f"received {images.shape[1:]}; bring them to that size first"
            )
        white = description.white
        if images.shape[1:] != side:
            white = preprocess.FULL
            if description.preprocess.size == "native":
                white = description.white
                images = preprocess.resize(images, side, preprocess.FULL, white)
        return preprocess.prepare(images, description.preprocess, white)

    def read(self, images: np.ndarray) -> np.ndarray:
        """Score raw images, as `prepare` takes them: (n, classes) float64, rows sum to 1."""
        return self.probabilities(self.prepare(images))
