"""Every path of the project, once."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""The folder that holds params.yaml: a checkout, or DVC's temporary copy of one."""

HOME = Path(os.environ.get("DVC_ROOT", ROOT)).resolve()
"""The checkout that a person works in.

It differs from ROOT only while DVC runs an experiment in a temporary copy: DVC then names the
original in DVC_ROOT.  What must outlive the copy (the experiment store) lives here.
"""

PARAMS = ROOT / "params.yaml"
DVC_YAML = ROOT / "dvc.yaml"
DVC_LOCK = ROOT / "dvc.lock"
LOCK = ROOT / "requirements.lock"

RAW = ROOT / "data" / "raw"
PREPARED = ROOT / "data" / "prepared"
SPLIT = ROOT / "data" / "split"
MODELS = ROOT / "models"
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
