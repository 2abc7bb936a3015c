"""How MLflow's web pages show the runs: named views, kept in tags of the experiment.

The page of an experiment's runs takes what it shows from the tag that its address names: a JSON
object of the view's name, two times and, as JSON again, the page's state (filter, order, columns).
That is not documented; MLflow's web sources, for example those of 3.17.2, tell it.
"""

import json
from typing import Any

from digits.tracking.run import EXPERIMENT, KIND, TRAINING

TAG = "mlflow.sharedViewState."
CHANGED = 1767225600000
"""The time that every view names, in milliseconds since 1970: the same view is the same text."""
MODEL, DATASET, HARDWARE = (f"tags.`{name}`" for name in ("model", "dataset", "hardware.name"))
FIGURES = {
    "metrics.`validation_accuracy`": 135,
    "metrics.`test_accuracy`": 110,
    "metrics.`train_seconds`": 110,
    "metrics.`latency_ms`": 95,
    "metrics.`bundle_mib`": 95,
}
"""The columns of what was measured, with their widths in pixels; what to choose by stands first."""
WIDTHS = {MODEL: 75, DATASET: 80, HARDWARE: 245}


def tags() -> dict[str, str]:
    """The experiment's tags: its kind, and a view for each of `addresses`."""
    views = {
        "by-model": _view("Trainings by model", TRAINING, MODEL),
        "by-hardware": _view("Trainings by hardware", TRAINING, HARDWARE),
        "experiments": _view("Experiments", EXPERIMENT, "tags.`dvc.experiment`"),
    }
    # Without its kind the page begins with traces and an assistant.
    return {"mlflow.experimentKind": "custom_model_development"} | {
        TAG + key: view for key, view in views.items()
    }


def _view(name: str, kind: str, order: str) -> str:
    """The text of a view: the runs of one kind, what they are ordered by in the first column."""
    described = sorted(WIDTHS, key=lambda column: column != order)
    state: dict[str, Any] = {
        "searchFilter": f"tags.`{KIND}` = '{kind}'",
        "orderByKey": order,
        "orderByAsc": True,
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "modelVersionFilter": "All Runs",
        "datasetsFilter": [],
        "selectedColumns": [*described, *FIGURES],
        "columnOrder": [*described, *FIGURES, "duration"],
        "columnWidths": {"duration": 90} | WIDTHS | FIGURES,
    }
    return json.dumps(
        {"name": name, "createdAt": CHANGED, "updatedAt": CHANGED, "state": json.dumps(state)}
    )


def addresses(server: str, experiment: str) -> dict[str, str]:
    """Where a server shows each view, by the view's name.

    Args:
        server: Its address.
        experiment: The experiment's id there.

    """
    page = f"{server}/#/experiments/{experiment}/runs?workflowType=machine_learning"
    return {
        json.loads(view)["name"]: f"{page}&viewStateShareKey={tag.removeprefix(TAG)}"
        for tag, view in tags().items()
        if tag.startswith(TAG)
    }
