"""Every path of the project, once."""

import os
from pathlib import Path

PARAMS_NAME, MODELS_NAME = "params.yaml", "models"


def project(beside: Path, current: Path) -> Path:
    """The project's folder.

    Args:
        beside: The folder that the package `digits` lies in.
        current: The folder that the command is given in.

    Returns:
        `beside` where it holds params.yaml: a checkout, or DVC's temporary copy of one.  A package
        that is installed elsewhere (site-packages) works in the nearest folder at or above
        `current` that holds params.yaml or the folder models, and where there is none, in
        `current`.

    """
    if (beside / PARAMS_NAME).is_file():
        return beside
    above = (current, *current.parents)
    projects = (
        one for one in above if (one / PARAMS_NAME).is_file() or (one / MODELS_NAME).is_dir()
    )
    return next(projects, current)


ROOT = project(Path(__file__).resolve().parents[2], Path.cwd())
"""The folder that holds params.yaml."""

HOME = Path(os.environ.get("DVC_ROOT", ROOT)).resolve()
"""The checkout that a person works in.

It differs from ROOT only while DVC runs an experiment in a temporary copy: DVC then names the
original in DVC_ROOT.  What must outlive the copy (the experiment store) lives here.
"""

PARAMS = ROOT / PARAMS_NAME
DVC_YAML = ROOT / "dvc.yaml"
DVC_LOCK = ROOT / "dvc.lock"
PIPELINE_LOCK = ROOT / "locks" / "pipeline.lock"
"""What `make install` installs."""

RAW = ROOT / "data" / "raw"
PREPARED = ROOT / "data" / "prepared"
SPLIT = ROOT / "data" / "split"
SYNTHESIS = ROOT / "data" / "synthesis"
MODELS = ROOT / MODELS_NAME
METRICS = ROOT / "metrics"
REPORTS = ROOT / "reports"
FIGURES = REPORTS / "figures"
PAGE = REPORTS / "report.html"

EXPERIMENTS = ROOT / "experiments"
OUTCOMES = EXPERIMENTS / "outcomes"
REPRODUCTION = ROOT / "REPRODUCTION.md"

DATASET_JSON = "dataset.json"

STORE = HOME / "mlflow.db"
ARTIFACTS = HOME / "mlartifacts"


def relative(path: Path) -> str:
    """`path` as a person would type it: relative to the project where it is inside."""
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
