"""SVC: the support vector machine with a radial basis function as its kernel."""

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
FLOAT = 1
"""ONNX's number for float32 (TensorProto.FLOAT)."""


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
    # The scores are the decision function's, so ties between votes must be broken by them too.
    estimator = SVC(C=params.C, gamma=params.gamma, cache_size=CACHE_MIB, break_ties=True)
    return Fitted(estimator.fit(_rows(train.images), train.labels), library)


def scores(fitted: Fitted, images: np.ndarray) -> np.ndarray:
    """scikit-learn's one-against-rest decision function: (n, classes); its largest is the class."""
    return np.asarray(fitted.estimator.decision_function(_rows(images)))


def _rows(images: np.ndarray) -> np.ndarray:
    return images.reshape(len(images), -1)


def to_onnx(fitted: Fitted, params: Params, image_shape: tuple[int, ...]) -> "onnx.ModelProto":
    """The decision function as a graph from `images` (n, h, w, 1) to `logits` (n, classes).

    The kernel values are one matrix product, since |x - s|^2 = |x|^2 + |s|^2 - 2 x s; the
    decisions between every two classes are a second one; the votes are a third.  A class's score
    is the number of its votes plus a third, at most, from the sum of its decisions, as in
    scikit-learn's `decision_function_shape="ovr"`.
    """
    estimator = fitted.estimator
    support = np.asarray(estimator.support_vectors_, dtype=np.float32)
    duals, first_wins, second_wins = _pairs(estimator)
    constants = {
        "row": np.array([-1, support.shape[1]], dtype=np.int64),
        "feature_axis": np.array([1], dtype=np.int64),
        "minus_two_support": np.float32(-2) * support.T,
        "support_norms": (support.astype(np.float64) ** 2).sum(1).astype(np.float32),
        "minus_gamma": np.float32(-params.gamma),
        "zero": np.float32(0),
        "one": np.float32(1),
        "three": np.float32(3),
        "duals": duals.astype(np.float32),
        "intercepts": np.asarray(estimator.intercept_, dtype=np.float32),
        "first_wins": first_wins,
        "second_wins": second_wins,
        "first_minus_second": first_wins - second_wins,
    }
    to_float = {"to": FLOAT}
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
        Node("Less", "decisions zero", "second_won"),
        Node("Not", "second_won", "first_won"),
        Node("Cast", "first_won", "first_votes", to_float),
        Node("Cast", "second_won", "second_votes", to_float),
        Node("MatMul", "first_votes first_wins", "votes_as_first"),
        Node("MatMul", "second_votes second_wins", "votes_as_second"),
        Node("Add", "votes_as_first votes_as_second", "votes"),
        Node("MatMul", "decisions first_minus_second", "confidence"),
        Node("Abs", "confidence", "confidence_size"),
        Node("Add", "confidence_size one", "size_plus_one"),
        Node("Mul", "size_plus_one three", "bound"),
        Node("Div", "confidence bound", "tie_break"),
        Node("Add", "votes tie_break", "logits"),
    ]
    return assemble(nodes, constants, image_shape, first_wins.shape[1])


def _pairs(estimator: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The estimator's coefficients, laid out by pairs of classes.

    libsvm stores, for a support vector of class i, its coefficient against class j in row j - 1
    if i < j and in row j if i > j.

    Returns:
        (support vectors, pairs) coefficients; two (pairs, classes) float32 matrices that give a
        vote to the first and to the second class of every pair.

    """
    ends = np.cumsum(estimator.n_support_)
    members = [slice(end - n, end) for end, n in zip(ends, estimator.n_support_, strict=True)]
    pairs = list(itertools.combinations(range(len(members)), 2))
    stored = np.asarray(estimator.dual_coef_)
    duals = np.zeros((stored.shape[1], len(pairs)))
    first_wins = np.zeros((len(pairs), len(members)), dtype=np.float32)
    second_wins = np.zeros_like(first_wins)
    for pair, (first, second) in enumerate(pairs):
        duals[members[first], pair] = stored[second - 1, members[first]]
        duals[members[second], pair] = stored[first, members[second]]
        first_wins[pair, first] = second_wins[pair, second] = 1
    return duals, first_wins, second_wins


def parameters(fitted: Fitted) -> int:
    """Numbers that the decision function stores: support vectors, coefficients, intercepts."""
    estimator = fitted.estimator
    stored = (estimator.support_vectors_, estimator.dual_coef_, estimator.intercept_)
    return int(sum(np.asarray(part).size for part in stored))
