"""A temporary clone of the project, in which the real pipeline has run on the bundled digits."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from digits.core import paths

SMALL = {
    "dataset.name": "optdigits",
    "split.train": "400",
    "split.validation": "40",
    "split.test": "80",
    "split.left_out": "1277",
    "train.ann.units": "[64]",
    "train.ann.epochs": "6",
    "train.cnn.filters": "[8,16]",
    "train.cnn.kernel_sizes": "[3,3]",
    "train.cnn.epochs": "6",
    "train.cnn.batch_size": "32",
    "train.vgg16.units": "[16,16]",
    "train.vgg16.batch_size": "256",
    "train.cnn.learning_rate": "0.004",
    "train.reader.filters": "[8,16]",
    "train.reader.kernel_sizes": "[3,3]",
    "train.reader.epochs": "2",
    "train.reader.batch_size": "32",
    "train.reader.learning_rate": "0.004",
    "train.svc.C": "10.0",
    "train.svc.gamma": "0.03",
    "preprocess.deskew": "true",
    "hardware.device": "auto",
    "hardware.threads": "0",
}
"""Changes of params.yaml that let everything end in seconds, and what the tests begin with."""

Run = Callable[..., subprocess.CompletedProcess]


FOREIGN = ("DVC_", "MLFLOW_", "DIGITS_", "GIT_", "TF_", "CUDA_", "OMP_", "PYTHON")
"""What variables begin with that would change what is tested."""


def environment() -> dict[str, str]:
    """The user's environment, with this interpreter's programs first and no DVC or MLflow in it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    kept["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), kept["PATH"]])
    return kept | {
        "GIT_AUTHOR_NAME": "a",
        "GIT_AUTHOR_EMAIL": "a@example.org",
        "GIT_COMMITTER_NAME": "a",
        "GIT_COMMITTER_EMAIL": "a@example.org",
    }


def runner(folder: Path) -> Run:
    def run(*command: str, check: bool = True) -> subprocess.CompletedProcess:
        done = subprocess.run(
            command, cwd=folder, env=environment(), capture_output=True, text=True
        )
        if check and done.returncode != 0:
            raise AssertionError(f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    return run


def set_params(folder: Path, **changes: str) -> None:
    """Change params.yaml: values as YAML by dotted key."""
    from ruamel.yaml import YAML

    yaml = YAML()
    tree = yaml.load(folder / "params.yaml")
    for key, value in changes.items():
        *path, last = key.split(".")
        section = tree
        for part in path:
            section = section[part]
        section[last] = YAML(typ="safe").load(value)
    yaml.dump(tree, folder / "params.yaml")


def clone(folder: Path) -> Run:
    """The project's files as they stand, in a repository of their own, with small parameters."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=paths.ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    for name in listed:
        results = name.startswith(("metrics/", "reports/", "experiments/outcomes/"))
        if (paths.ROOT / name).is_file() and (not results or name.endswith("README.md")):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(paths.ROOT / name, folder / name)
    (folder / "dvc.lock").unlink(missing_ok=True)
    set_params(folder, **SMALL)
    run = runner(folder)
    run("python", "-m", "digits.report.plots_page")
    run("git", "init", "--quiet", "--initial-branch", "main")
    run("git", "add", "--all")
    run("git", "commit", "--quiet", "--message", "start")
    return run


def reproduce(folder: Path, *stages: str) -> Path:
    """A clone after its first `dvc repro`, committed."""
    run = clone(folder)
    run("dvc", "repro", *stages)
    run("git", "add", "--all")
    run("git", "commit", "--quiet", "--message", "results")
    return folder


def lock(folder: Path) -> dict[str, str]:
    """MD5 of every output, by its path."""
    from ruamel.yaml import YAML

    stages = YAML(typ="safe").load(folder / "dvc.lock")["stages"]
    return {out["path"]: out["md5"] for stage in stages.values() for out in stage.get("outs", [])}


def store_runs(folder: Path) -> tuple[Any, Any]:
    """A client of the clone's store, and its runs."""
    import mlflow

    client = mlflow.MlflowClient(f"sqlite:///{folder}/mlflow.db")
    experiment = client.get_experiment_by_name("digits")
    assert experiment is not None
    assert experiment.artifact_location == (folder / "mlartifacts").as_uri()
    return client, client.search_runs([experiment.experiment_id])


@pytest.fixture(scope="module")
def reproduced(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone in which the whole pipeline has run."""
    return reproduce(tmp_path_factory.mktemp("clone") / "project")


@pytest.fixture
def run(reproduced: Path) -> Run:
    """Runs a command in the reproduced clone, which is put back into its state first."""
    call = runner(reproduced)
    call("git", "checkout", "--quiet", "--force", "main")
    call("git", "clean", "--quiet", "--force", "-d")
    call("dvc", "checkout", "--quiet", "--force", "--allow-missing")
    return call
