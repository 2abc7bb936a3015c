"""A model that was never trained, and made the predictions that a test wants."""

import numpy as np
import pandas as pd

from digits.experiments import results
from tests import made_records

CLASSES = ["0", "1", "2"]
MOSTLY = [(0, 0)] * 50 + [(1, 1)] * 50 + [(2, 2)] * 36 + [(2, 1)] * 14
"""Of 50 images a class, 14 of the twos are taken for ones."""


def measured(pairs, robustness=None, history=()):
    """A model that made predictions: (label, predicted class) pairs."""
    labels, answers = (np.array(column) for column in zip(*pairs, strict=True))
    sets = {"validation": made_records.images(12_000), "test": made_records.images(len(pairs))}
    frame = pd.DataFrame({"index": range(len(pairs)), "label": labels, "prediction": answers})
    return results.Measured(
        train=made_records.train(validation=0.96, split=sets),
        test=made_records.tested("ann", labels, np.eye(len(CLASSES))[answers], CLASSES),
        timing=made_records.timing(),
        speed=made_records.speed(),
        history=history,
        predictions=frame,
        robustness=robustness,
        figures={},
    )
