"""From a model's outputs to probabilities, and from probabilities to figures."""

from typing import Any

import numpy as np

DECIMALS = 6
"""Of the probabilities in predictions.csv.  All figures are computed from the rounded values, so
that whoever reads the file finds the same figures."""
CONFIDENCE = 0.95
COLDEST, HOTTEST = 0.01, 100.0
"""Bounds of the temperature."""


def softmax(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """Probabilities (n, classes) float64 from logits (n, classes)."""
    scaled = logits.astype(np.float64) / temperature
    exponentials: np.ndarray = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    exponentials /= exponentials.sum(axis=1, keepdims=True)
    return exponentials


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """The temperature that makes softmax(logits / T) fit the labels best.

    One number, found by the smallest log loss, that changes no prediction (C. Guo et al., "On
    Calibration of Modern Neural Networks", ICML 2017).

    Args:
        logits: (n, classes) outputs for images that were not trained on.
        labels: (n,) integer labels.

    """
    from scipy.optimize import minimize_scalar

    def loss(log_temperature: float) -> float:
        probabilities = softmax(logits, float(np.exp(log_temperature)))
        true = probabilities[np.arange(len(labels)), labels]
        return float(-np.log(np.maximum(true, np.finfo(float).tiny)).mean())

    best = minimize_scalar(loss, bounds=(np.log(COLDEST), np.log(HOTTEST)), method="bounded")
    return round(float(np.exp(best.x)), 4)


def summarise(labels: np.ndarray, probabilities: np.ndarray, classes: list[str]) -> dict[str, Any]:
    """All figures of one model on one labelled set.

    Args:
        labels: (n,) integer labels.
        probabilities: (n, classes), rounded to `DECIMALS`.
        classes: Names of the classes.

    Returns:
        images, correct, accuracy with its 95% Wilson interval, log_loss, macro averages, and
        precision, recall, F1 and the number of images for every class.

    """
    from sklearn.metrics import precision_recall_fscore_support

    predictions = probabilities.argmax(axis=1)
    correct = int((predictions == labels).sum())
    low, high = wilson(correct, len(labels))
    known = list(range(len(classes)))
    per_class = np.array(
        precision_recall_fscore_support(labels, predictions, labels=known, zero_division=0)
    ).T
    return {
        "images": len(labels),
        "correct": correct,
        "accuracy": correct / len(labels),
        "accuracy_low": low,
        "accuracy_high": high,
        "log_loss": log_loss(labels, probabilities),
        "macro_precision": float(per_class[:, 0].mean()),
        "macro_recall": float(per_class[:, 1].mean()),
        "macro_f1": float(per_class[:, 2].mean()),
        "per_class": {
            name: {
                "precision": float(precision),
                "recall": float(recall),
                "f1": float(f1),
                "images": int(images),
            }
            for name, (precision, recall, f1, images) in zip(classes, per_class, strict=True)
        },
    }


def log_loss(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Mean negative logarithm of the true class's probability, in nats.

    A rounded 0 would make it infinite, so no class gets less than the last decimal.
    """
    import sklearn.metrics

    floored = probabilities.clip(10.0**-DECIMALS)
    floored /= floored.sum(axis=1, keepdims=True)
    known = list(range(probabilities.shape[1]))
    return float(sklearn.metrics.log_loss(labels, floored, labels=known))


def wilson(correct: int, total: int) -> tuple[float, float]:
    """The 95% Wilson score interval of a proportion (E. B. Wilson, JASA 22, 1927)."""
    from scipy.stats import binomtest

    ends = binomtest(correct, total).proportion_ci(CONFIDENCE, method="wilson")
    # Rounding may carry an end beyond what a proportion can be.
    return max(0.0, float(ends.low)), min(1.0, float(ends.high))


def accuracy(labels: np.ndarray, logits: np.ndarray) -> float:
    """Share of images whose largest output is the label's."""
    return float((logits.argmax(axis=1) == labels).mean())
