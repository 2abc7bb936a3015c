"""SVC: the support vector machine with a radial basis function as its kernel.

A machine decides between every two classes.  A class's score is the least of its decisions against
the others: how far the image is on its side of the nearest border.  scikit-learn's own scores count
votes, so that nearly all images get the same; by them the log loss on MNIST's validation images was
twice as large.
"""

import itertools
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from digits.core.config import Positive, Section
from digits.core.errors import UserError
from digits.data.split import Part
from digits.inference.graph import Node, assemble

if TYPE_CHECKING:
    import onnx

CACHE_MIB = 1000
"""Memory for kernel values while fitting."""


class Params(Section):
    """The section train.svc of params.yaml."""

    C: Positive
    """Weight of the training errors against the width of the margin."""
    gamma: Positive
    """The kernel is exp(-gamma * |x - y|^2)."""


@dataclass(frozen=True)
class Fitted:
    """A fitted support vector machine."""

    estimator: Any
    """scikit-learn's SVC, or its counterpart from scikit-learn-intelex."""
    library: str


def fit(params: Params, train: Part, classes: int) -> Fitted:
    """Fit the support vector machine, with scikit-learn-intelex where it is installed.

    Raises:
        UserError: if a class has no training image.

    """
    missing = sorted(set(range(classes)) - set(np.unique(train.labels).tolist()))
    if missing:
        raise UserError(f"train.svc: no training image of class(es) {missing}; use more images")
    if find_spec("sklearnex"):
        from sklearnex.svm import SVC

        library = "scikit-learn-intelex"
    else:
        from sklearn.svm import SVC

        library = "scikit-learn"
    estimator = SVC(
        C=params.C, gamma=params.gamma, cache_size=CACHE_MIB, decision_function_shape="ovo"
    )
    return Fitted(estimator.fit(_rows(train.images), train.labels), library)


def scores(fitted: Fitted, images: np.ndarray) -> np.ndarray:
    """Each class's least decision against another, by scikit-learn: (n, classes)."""
    decisions = fitted.estimator.decision_function(_rows(images))
    both = np.concatenate([decisions, -decisions], axis=1)
    found: np.ndarray = both[:, _against(len(fitted.estimator.classes_))].min(axis=2)
    return found


def _against(classes: int) -> np.ndarray:
    """Where each class's decisions against the others stand: (classes, classes - 1) int64.

    Places in the decisions of all pairs, positive for the first class, and then their negatives.
    """
    pairs = list(itertools.combinations(range(classes), 2))
    return np.array(
        [
            [
                place + len(pairs) * (label == second)
                for place, (first, second) in enumerate(pairs)
                if label in (first, second)
            ]
            for label in range(classes)
        ]
    )


def _rows(images: np.ndarray) -> np.ndarray:
    return images.reshape(len(images), -1)


def to_onnx(fitted: Fitted, params: Params, image_shape: tuple[int, ...]) -> "onnx.ModelProto":
    """The scores as a graph from `images` (n, h, w, 1) to `logits` (n, classes).

    The kernel values are one matrix product, since |x - s|^2 = |x|^2 + |s|^2 - 2 x s; the
    decisions between every two classes are a second one.
    """
    estimator = fitted.estimator
    support = np.asarray(estimator.support_vectors_, dtype=np.float32)
    classes = len(estimator.classes_)
    constants = {
        "row": np.array([-1, support.shape[1]], dtype=np.int64),
        "feature_axis": np.array([1], dtype=np.int64),
        "minus_two_support": np.float32(-2) * support.T,
        "support_norms": (support.astype(np.float64) ** 2).sum(1).astype(np.float32),
        "minus_gamma": np.float32(-params.gamma),
        "zero": np.float32(0),
        "duals": _duals(estimator).astype(np.float32),
        "intercepts": np.asarray(estimator.intercept_, dtype=np.float32),
        "against": _against(classes),
        "last_axis": np.array([2], dtype=np.int64),
    }
    nodes = [
        Node("Reshape", "images row", "x"),
        Node("Mul", "x x", "x_squared"),
        Node("ReduceSum", "x_squared feature_axis", "x_norms"),
        Node("MatMul", "x minus_two_support", "products"),
        Node("Add", "products x_norms", "partial"),
        Node("Add", "partial support_norms", "distances_rounded"),
        Node("Max", "distances_rounded zero", "distances"),
        Node("Mul", "distances minus_gamma", "exponents"),
        Node("Exp", "exponents", "kernel"),
        Node("MatMul", "kernel duals", "decisions_centred"),
        Node("Add", "decisions_centred intercepts", "decisions"),
        Node("Neg", "decisions", "reversed"),
        Node("Concat", "decisions reversed", "both", {"axis": 1}),
        Node("Gather", "both against", "against_others", {"axis": 1}),
        Node("ReduceMin", "against_others last_axis", "logits", {"keepdims": 0}),
    ]
    return assemble(nodes, constants, image_shape, classes)


def _duals(estimator: Any) -> np.ndarray:
    """The estimator's coefficients by pairs of classes: (support vectors, pairs).

    libsvm stores, for a support vector of class i, its coefficient against class j in row j - 1
    if i < j and in row j if i > j.
    """
    ends = np.cumsum(estimator.n_support_)
    members = [slice(end - n, end) for end, n in zip(ends, estimator.n_support_, strict=True)]
    pairs = list(itertools.combinations(range(len(members)), 2))
    stored = np.asarray(estimator.dual_coef_)
    duals = np.zeros((stored.shape[1], len(pairs)))
    for pair, (first, second) in enumerate(pairs):
        duals[members[first], pair] = stored[second - 1, members[first]]
        duals[members[second], pair] = stored[first, members[second]]
    return duals


def parameters(fitted: Fitted) -> int:
    """Numbers that the decision function stores: support vectors, coefficients, intercepts."""
    estimator = fitted.estimator
    stored = (estimator.support_vectors_, estimator.dual_coef_, estimator.intercept_)
    return int(sum(np.asarray(part).size for part in stored))
