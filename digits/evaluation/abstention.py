"""When to abstain: where the score is too low, or the image is unlike its label's digits.

A model knows nothing but its classes and may give a letter a high score.  So a second, plain look
is taken at what it was shown.  Directions of the strokes' edges, counted in the cells of a grid,
make a vector of each image; the vectors of a class's digits lie near a subspace of a few
dimensions.  How far an image lies from the subspace of the label that it was given says how unlike
it is.

Both limits come from held-out images: `COVERAGE` of the digits are answered with confidence, and
of all pairs of limits that do so, that is taken which lets the fewest images of no digit pass.  One
half of the images chooses the limits, the other half says what they buy.
"""

import base64
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
from pydantic import Field, ValidationError

from digits.core import files, paths
from digits.core.config import Section
from digits.core.errors import UserError
from digits.data.split import Part
from digits.inference import scoring

DIRECTIONS, GRID = 8, 7
"""Edges are told apart by 8 directions in 7 x 7 cells, as is usual for handwriting (C.-L. Liu et
al., "Handwritten digit recognition: benchmarking of state-of-the-art techniques", Pattern
Recognition 36, 2003)."""
FEATURES = DIRECTIONS * GRID * GRID
"""Length of an image's vector."""
REACH = 0.4
"""Deviation of the Gaussian with which a cell gathers edges, in cells."""
DIMENSIONS = 40
"""Of a class's subspace.  From 30 to 80 the share of letters and doodles that are withheld hardly
changes."""
BATCH = 500

Reason = Literal["score", "unlike"]
"""Why an answer is withheld: its score is too low, or the image is unlike the label's digits."""


COVERAGE = 0.985
"""Share of the held-out digits that are answered with confidence."""
COVERAGES = (0.9, 0.95, 0.97, 0.98, 0.985, 0.99, 0.995, 1.0)
"""At which the report shows what limits buy."""
SHARES = 31
"""Shares of the digits that the score alone lets pass, from the coverage to all, that are tried."""


class Stored(Section):
    """What models/confidence/MODEL.json says."""

    model: str
    model_sha256: str
    """The digest of the bundle that it was made for."""
    calibrated: bool
    """False if there was no validation set: no answer is then withheld."""
    threshold: Annotated[float, Field(ge=0, le=1)]
    """Least score of a confident answer."""
    limit: Annotated[float, Field(ge=0)] | None
    """Largest distance of a confident answer, 0 to 1; null without validation set."""
    shape: tuple[int, int, int]
    """Classes, 1 + dimensions, features: each class's mean vector, then its axes."""
    subspaces: str
    """The numbers, float16 with the low byte first, row after row, as base64."""


@dataclass(frozen=True)
class Rule:
    """When one model abstains."""

    threshold: float
    limit: float | None
    subspaces: np.ndarray
    """(classes, 1 + dimensions, features) float32: mean vectors and orthonormal axes."""

    def withheld(self, prepared: np.ndarray, probabilities: np.ndarray) -> list[Reason | None]:
        """Say of each image why the model's answer is withheld; None where it is confident.

        "unlike" goes before "score": of what is no digit, no score means anything.

        Args:
            prepared: (n, height, width, 1) float32, what the model was shown.
            probabilities: (n, classes), what it said.

        """
        low = rounded(probabilities.max(axis=1)) < self.threshold
        unlike = np.zeros(len(low), bool)
        if self.limit is not None:
            labels = probabilities.argmax(axis=1)
            unlike = rounded(distances(features(prepared), labels, self.subspaces)) > self.limit
        return [
            "unlike" if far else "score" if poor else None
            for far, poor in zip(unlike, low, strict=True)
        ]


def features(prepared: np.ndarray) -> np.ndarray:
    """Directions of edges in every cell of a grid.

    Args:
        prepared: (n, height, width, 1) float32, ink brighter than the background.

    Returns:
        (n, FEATURES) float32, each of length 1, or 0 for a blank image.

    """
    found = np.zeros((len(prepared), FEATURES), np.float32)
    down, across = (_gathering(side) for side in prepared.shape[1:3])
    for start in range(0, len(prepared), BATCH):
        images = prepared[start : start + BATCH, :, :, 0]
        right, below = np.zeros_like(images), np.zeros_like(images)
        right[:, :, 1:-1] = images[:, :, 2:] - images[:, :, :-2]
        below[:, 1:-1] = images[:, 2:] - images[:, :-2]
        turn = np.arctan2(below, right) * np.float32(DIRECTIONS / (2 * np.pi))
        directions = np.arange(DIRECTIONS, dtype=np.float32)[:, np.newaxis, np.newaxis]
        apart = np.abs(turn[:, np.newaxis] - directions)
        apart = np.minimum(apart % DIRECTIONS, -apart % DIRECTIONS)
        # An edge counts for the two directions that it lies between.
        edges = np.hypot(right, below)[:, np.newaxis] * np.maximum(1 - apart, 0)
        found[start : start + BATCH] = (down @ edges @ across.T).reshape(len(images), -1)
    # The root keeps a few strong edges from outweighing all others.
    found = np.sqrt(found)
    found /= np.maximum(np.linalg.norm(found, axis=1, keepdims=True), np.float32(1e-6))
    return found


def _gathering(side: int) -> np.ndarray:
    """Weights (GRID, side) float32 with which each row or column of cells gathers pixels."""
    cell = side / GRID
    centres = (np.arange(GRID) + 0.5) * cell - 0.5
    apart = (np.arange(side) - centres[:, np.newaxis]) / (REACH * cell)
    weights: np.ndarray = np.exp(-(apart**2) / 2)
    weights /= weights.sum(axis=1, keepdims=True)
    return weights.astype(np.float32)


def fit(vectors: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    """The mean and the main axes of each class's vectors.

    Args:
        vectors: (n, features) float32.
        labels: (n,) integer labels.
        classes: How many there are; one without a vector gets zeros, and nothing is near it.

    Returns:
        (classes, 1 + DIMENSIONS, features) float32, rounded to float16 as it is stored.

    """
    found = np.zeros((classes, 1 + DIMENSIONS, vectors.shape[1]))
    for label in np.unique(labels):
        own = vectors[labels == label].astype(np.float64)
        found[label, 0] = own.mean(axis=0)
        axes = np.linalg.svd(own - found[label, 0], full_matrices=False)[2]
        # As many axes as images would make all of them near.
        axes = axes[: min(DIMENSIONS, len(own) // 2)]
        found[label, 1 : 1 + len(axes)] = axes
    return found.astype(np.float16).astype(np.float32)


def distances(vectors: np.ndarray, labels: np.ndarray, subspaces: np.ndarray) -> np.ndarray:
    """Distance of each vector from the subspace of its label: (n,) float32."""
    found = np.empty(len(vectors), np.float32)
    for label in np.unique(labels):
        own = labels == label
        off = vectors[own] - subspaces[label, 0]
        axes = subspaces[label, 1:]
        found[own] = np.linalg.norm(off - off @ axes.T @ axes, axis=1)
    return found


def rounded(values: np.ndarray) -> np.ndarray:
    """As float64 with the decimals of all results: the number of threads shows in later ones."""
    return values.astype(np.float64).round(scoring.DECIMALS)


def halves(labels: np.ndarray) -> np.ndarray:
    """Every other image of each class: (n,) bool, True for the half that chooses."""
    first = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        first[np.flatnonzero(labels == label)[::2]] = True
    return first


class Answers(NamedTuple):
    """What a model says of held-out images."""

    scores: np.ndarray
    """(n,) probabilities of the labels that it gives to digits."""
    apart: np.ndarray
    """(n,) their distances from the labels' subspaces."""
    correct: np.ndarray
    """(n,) bool, whether the labels are the true ones."""
    other_scores: np.ndarray
    """(m,) of images of no digit."""
    other_apart: np.ndarray

    def confident(self, threshold: float, limit: float) -> tuple[np.ndarray, np.ndarray]:
        """Which answers two limits let pass, of digits (n,) and of no digits (m,)."""
        return (
            (self.scores >= threshold) & (self.apart <= limit),
            (self.other_scores >= threshold) & (self.other_apart <= limit),
        )


def limits(answers: Answers, coverage: float = COVERAGE) -> tuple[float, float]:
    """Choose the least score and the largest distance of a confident answer.

    Returns:
        Of the pairs that let this share of the digits pass, that which lets the fewest images of
        no digit pass; among equals, the fewest misclassified digits.

    """
    needed = math.ceil(coverage * len(answers.scores))
    found = []
    for share in np.linspace(coverage, 1, SHARES):
        threshold = np.quantile(answers.scores, 1 - share, method="lower")
        limit = np.sort(answers.apart[answers.scores >= threshold])[needed - 1]
        digits, others = answers.confident(threshold, limit)
        wrong = (~answers.correct[digits]).sum()
        found.append((int(others.sum()), int(wrong), float(threshold), float(limit)))
    return min(found)[2:]


def bought(answers: Answers, chosen: tuple[float, float]) -> dict[str, Any]:
    """What a pair of limits buys.

    Returns:
        coverage, the share of the digits answered with confidence; error, the share of these
        that is misclassified; taken_for_digits, the share of images of no digit answered with
        confidence.  The last two, with 95% intervals, are None where there is none to count.

    """
    digits, others = answers.confident(*chosen)
    error, error_low, error_high = _share(~answers.correct[digits])
    taken, taken_low, taken_high = _share(others)
    return {
        "coverage": float(digits.mean()),
        "error": error,
        "error_low": error_low,
        "error_high": error_high,
        "taken_for_digits": taken,
        "taken_low": taken_low,
        "taken_high": taken_high,
    }


def _share(counted: np.ndarray) -> tuple[float | None, float | None, float | None]:
    """Share of what is True, with its interval; Nones where there is nothing."""
    if not len(counted):
        return None, None, None
    return float(counted.mean()), *scoring.wilson(int(counted.sum()), len(counted))


def judge(shapes: Part, held_out: Part, probabilities: np.ndarray) -> tuple[Rule, dict[str, Any]]:
    """Choose one model's rule, and say what it buys.

    Args:
        shapes: Digits that make the subspaces.
        held_out: Images that the model was not trained on; a label one past its classes is of no
            digit.  Where no class has two of its digits, no answer will be withheld.
        probabilities: (n, classes), what the model says of them.

    Returns:
        The rule, and what metrics/MODEL/confidence.json says of it.

    """
    classes = probabilities.shape[1]
    subspaces = fit(features(shapes.images), shapes.labels, classes)
    digit, first = held_out.labels < classes, halves(held_out.labels)
    if not (digit & ~first).any():
        return Rule(0.0, None, subspaces[:, :0]), {"calibrated": False, "images": 0, "nondigits": 0}
    said = probabilities.argmax(axis=1)
    scores = rounded(probabilities.max(axis=1))
    apart = rounded(distances(features(held_out.images), said, subspaces))

    def half(members: np.ndarray) -> Answers:
        digits, others = members & digit, members & ~digit
        correct = said[digits] == held_out.labels[digits]
        return Answers(scores[digits], apart[digits], correct, scores[others], apart[others])

    choosing, reporting = half(first), half(~first)
    chosen = limits(choosing)
    return Rule(*chosen, subspaces), {
        "calibrated": True,
        "images": int((digit & ~first).sum()),
        "nondigits": int((~digit & ~first).sum()),
        "wanted": COVERAGE,
        "threshold": chosen[0],
        "limit": chosen[1],
        "bought": bought(reporting, chosen),
        "others": [bought(reporting, limits(choosing, coverage)) for coverage in COVERAGES],
    }


def path(model: str, folder: Path = paths.MODELS) -> Path:
    """Where one model's rule is kept, beside the bundles in `folder`."""
    return folder / "confidence" / f"{model}.json"


def save(rule: Rule, model: str, digest: str, folder: Path = paths.MODELS) -> None:
    """Write the rule of the bundle with this digest."""
    stored = Stored(
        model=model,
        model_sha256=digest,
        calibrated=rule.limit is not None,
        threshold=rule.threshold,
        limit=rule.limit,
        shape=rule.subspaces.shape,
        subspaces=base64.b64encode(rule.subspaces.astype("<f2").tobytes()).decode("ascii"),
    )
    files.write_json(path(model, folder), stored.model_dump(mode="json"))


def load(model: str, digest: str, classes: int, folder: Path = paths.MODELS) -> Rule:
    """Read the rule of the bundle with this digest, which tells so many classes apart.

    Raises:
        UserError: if there is none, it is damaged, or it was made for another model.

    """
    file = path(model, folder)
    shown, again = paths.relative(file), f"make it with `dvc repro confidence@{model}`"
    try:
        stored = Stored.model_validate_json(file.read_bytes(), strict=True)
        numbers = np.frombuffer(base64.b64decode(stored.subspaces, validate=True), "<f2")
        subspaces = numbers.reshape(stored.shape).astype(np.float32)
    except FileNotFoundError:
        raise UserError(
            f"{shown}, which says when {model} abstains, is missing; {again}, or fetch it with "
            f"`dvc checkout {shown}`"
        ) from None
    except (ValidationError, ValueError):
        raise UserError(f"{shown} is damaged or of another version; {again}") from None
    if stored.model_sha256 != digest:
        raise UserError(f"{shown} was made for another {model} than the one beside it; {again}")
    known, _, features = stored.shape
    if (known, features) != (classes, FEATURES) or not np.isfinite(subspaces).all():
        raise UserError(f"{shown} is damaged or of another version; {again}")
    return Rule(stored.threshold, stored.limit, subspaces)
