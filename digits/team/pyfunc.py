"""How MLflow opens a model of this project: raw images in; labels, scores and confident out.

MLflow imports this module by the name in the logged model and calls `_load_pyfunc`.  The graph is
run by ONNX Runtime alone; nothing is unpickled, and no code of the logged model is run.
"""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from digits.core import files, paths
from digits.evaluation import abstention
from digits.inference.predictor import Predictor
from digits.team import held
from digits.tracking import models
from digits.tracking.models import Reference

if TYPE_CHECKING:
    import pandas as pd

LOADED = "model"
"""What a model is called while it is loaded."""


class Pyfunc:
    """A model with its preprocessing and its rule when to abstain."""

    def __init__(self, predictor: Predictor, rule: abstention.Rule | None) -> None:
        self.predictor, self.rule = predictor, rule

    def predict(self, images: np.ndarray, params: dict[str, Any] | None = None) -> "pd.DataFrame":
        """Read images.

        Args:
            images: (n, height, width) uint8, as the data set has them, or in MNIST's form.
            params: None; there is nothing to choose.

        Returns:
            A row an image: label, the name of the likeliest class; scores, the calibrated
            probabilities of all classes; confident, False where the answer is withheld, which is
            always so where no rule was made for the model.

        """
        import pandas as pd

        prepared = self.predictor.prepare(np.asarray(images))
        probabilities = self.predictor.probabilities(prepared)
        confident = [False] * len(prepared)
        if self.rule is not None:
            confident = [reason is None for reason in self.rule.withheld(prepared, probabilities)]
        labels = [self.predictor.classes[place] for place in probabilities.argmax(axis=1)]
        return pd.DataFrame(
            {"label": labels, "scores": probabilities.tolist(), "confident": confident}
        )


def _load_pyfunc(path: str) -> Pyfunc:
    """Open the files of a logged model; those that it lacks are taken from where DVC holds them.

    Raises:
        UserError: if one of them is nowhere, or is damaged.

    """
    data = Path(path)
    references = files.read_json(data / models.REFERENCES)
    found = {models.DESCRIPTION: data / models.DESCRIPTION}
    for name in references.keys() & {models.GRAPH, models.RULE}:
        beside = data / name
        reference = Reference.of(references[name], models.REFERENCES)
        found[name] = beside if beside.is_file() else held.find(reference, paths.HOME)
    with tempfile.TemporaryDirectory() as folder:
        arrange(found, LOADED, Path(folder))
        predictor = Predictor.load(Path(folder) / LOADED)
        rule = None
        if models.RULE in found:
            digest, classes = predictor.bundle.digest, len(predictor.classes)
            rule = abstention.load(LOADED, digest, classes, Path(folder))
        return Pyfunc(predictor, rule)


def arrange(found: Mapping[str, Path], model: str, folder: Path) -> None:
    """Lay links to a model's files as the folder `models` of a checkout has them.

    Args:
        found: Files by their names in a logged model.
        model: What the model shall be called.
        folder: An empty folder.

    """
    for name, place in models.places(model).items():
        if name in found:
            link = folder / Path(place).relative_to("models")
            link.parent.mkdir(exist_ok=True)
            link.symlink_to(found[name].resolve())
