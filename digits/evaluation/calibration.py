"""How far a model's scores can be believed as probabilities."""

import numpy as np

from digits.core import records

BINS = 15
"""Of equal width, as in C. Guo et al., "On Calibration of Modern Neural Networks", ICML 2017."""


def calibration(labels: np.ndarray, probabilities: np.ndarray) -> records.Calibration:
    """Whether of the predictions with a confidence of 90%, nine in ten are correct.

    Args:
        labels: (n,) integer labels.
        probabilities: (n, classes).

    """
    confidence, predictions = probabilities.max(axis=1), probabilities.argmax(axis=1)
    edges = np.linspace(0, 1, BINS + 1)
    # A bin holds its upper edge, as in the paper.
    places = np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, BINS - 1)
    bins = []
    for place in np.unique(places):
        inside = places == place
        bins.append(
            records.Bin(
                low=round(float(edges[place]), 6),
                high=round(float(edges[place + 1]), 6),
                images=int(inside.sum()),
                confidence=float(confidence[inside].mean()),
                accuracy=float((predictions == labels)[inside].mean()),
            )
        )
    error = sum(part.images * abs(part.accuracy - part.confidence) for part in bins)
    return records.Calibration(expected_calibration_error=error / len(labels), bins=tuple(bins))
