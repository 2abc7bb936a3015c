"""Training digits to show beside an answer that is withheld because the image is unlike its label.

"Unlike any 4" can be checked by eye where the 4s that come nearest stand beside the image.  Near is
what `abstention` takes for near: a small angle between the two images' vectors of edge directions.
"""

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from digits.core import files, paths
from digits.core.errors import UserError
from digits.evaluation import abstention

A_CLASS = 200
"""Examples of each class: enough that most ways to write a digit are among them."""


@dataclass(frozen=True)
class Examples:
    """Training digits of one model."""

    images: np.ndarray
    """(n, 28, 28) uint8 in MNIST's form: bright ink, 0 to 255, on a dark background."""
    labels: np.ndarray
    """(n,) uint8."""
    vectors: np.ndarray
    """(n, features) float16, `abstention.features` of the images as the model is shown them."""

    def nearest(self, vector: np.ndarray, label: int, count: int) -> np.ndarray:
        """The examples of one class that come nearest to an image.

        Args:
            vector: (features,), `abstention.features` of the image.
            label: The class that it was taken for.  Examples of other classes may well be nearer,
                but whoever doubts that the image is a 4 wants to see 4s.
            count: How many at most.

        Returns:
            Places in `images`, the nearest first; empty if there is no example of the class.

        """
        own = np.flatnonzero(self.labels == label)
        # All vectors have length 1: the nearest have the largest inner product.
        products = self.vectors[own].astype(np.float32) @ vector
        nearest: np.ndarray = own[np.argsort(-products, kind="stable")[:count]]
        return nearest


def choose(labels: np.ndarray, index: np.ndarray, a_class: int = A_CLASS) -> np.ndarray:
    """Choose examples of every class, at even distances in the order of the data set.

    MNIST and its like are ordered by writer: even distances take few digits of many hands.

    Args:
        labels: (n,) integer labels of the training set.
        index: (n,) each image's place in the data set.
        a_class: Examples of a class; all of them where it has fewer.

    Returns:
        Places in `labels`, class by class.

    """
    chosen = [np.empty(0, np.intp)]
    for label in np.unique(labels):
        own = np.flatnonzero(labels == label)
        own = own[np.argsort(index[own])]
        chosen.append(own[np.linspace(0, len(own) - 1, min(a_class, len(own))).astype(int)])
    return np.concatenate(chosen)


def path(model: str, folder: Path = paths.MODELS) -> Path:
    """Where one model's examples are kept, beside its rule."""
    return abstention.path(model, folder).with_suffix(".npz")


def save(
    images: np.ndarray,
    labels: np.ndarray,
    prepared: np.ndarray,
    model: str,
    folder: Path = paths.MODELS,
) -> None:
    """Write examples for one model.

    Args:
        images: (n, 28, 28) uint8 in MNIST's form.
        labels: (n,) uint8.
        prepared: (n, height, width, 1) float32, what the model is shown of the images.
        model: Its name.
        folder: Where the bundles are.

    """
    vectors = abstention.features(prepared).astype(np.float16)
    files.write_arrays(
        path(model, folder), images=images, labels=labels.astype(np.uint8), vectors=vectors
    )


def load(model: str, folder: Path = paths.MODELS) -> Examples:
    """Read the examples for one model.

    Raises:
        UserError: if there are none, or they are damaged.

    """
    file = path(model, folder)
    shown, again = paths.relative(file), f"make it with `dvc repro confidence@{model}`"
    try:
        with np.load(file) as stored:
            found = Examples(stored["images"], stored["labels"], stored["vectors"])
    except FileNotFoundError:
        raise UserError(
            f"{shown}, which holds training digits to show, is missing; {again}, or fetch it with "
            f"`dvc checkout {shown}`"
        ) from None
    except (ValueError, OSError, KeyError, EOFError, zipfile.BadZipFile):
        raise UserError(f"{shown} is damaged or of another version; {again}") from None
    count = len(found.labels)
    forms = {
        "images": (found.images, (count, 28, 28), np.uint8),
        "labels": (found.labels, (count,), np.uint8),
        "vectors": (found.vectors, (count, abstention.FEATURES), np.float16),
    }
    if any(array.shape != shape or array.dtype != kind for array, shape, kind in forms.values()):
        raise UserError(f"{shown} is damaged or of another version; {again}")
    return found
