"""What `digits doctor` looks at."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import numpy as np

from digits.core import config, paths
from digits.core.errors import UserError
from digits.data import preprocess
from digits.evaluation import abstention, examples
from digits.hardware import detect, selection
from digits.inference import bundle
from digits.inference.predictor import Predictor
from digits.verification import own_data


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    subject: str
    good: bool
    text: str


def examine() -> list[Finding]:
    """Look at everything; a fault in one thing does not keep the others from being looked at."""
    examined: list[tuple[str, Callable[[], str]]] = [
        ("python", lambda: sys.version.split()[0]),
        ("packages", _packages),
        ("hardware", _hardware),
        ("params.yaml", _parameters),
        ("own data", own_data.check),
        ("dvc.lock", lock),
        *((f"models/{model}", lambda model=model: answer(model)) for model in config.MODELS),
        ("MLflow store", _store),
    ]
    findings = []
    for subject, look in examined:
        try:
            findings.append(Finding(subject, True, look()))
        except UserError as error:
            findings.append(Finding(subject, False, str(error)))
        except Exception as error:  # whatever is broken here, the rest is looked at all the same
            findings.append(Finding(subject, False, f"{type(error).__name__}: {error}"))
    return findings


def _packages() -> str:
    """Versions of what computes, compared with the lock file."""
    try:
        lines = paths.PIPELINE_LOCK.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        name = paths.relative(paths.PIPELINE_LOCK)
        raise UserError(f"{name} is missing; restore it with `git checkout {name}`") from None
    pinned = dict(
        line.removesuffix(" \\").split(" ;")[0].split("==")
        for line in lines
        if "==" in line and not line.startswith(" ")
    )
    other = {}
    for package in (*detect.RECORDED_PACKAGES, "dvc", "mlflow"):
        installed = metadata.version(package)
        if installed != pinned.get(package):
            other[package] = f"{installed} instead of {pinned.get(package)}"
    if other:
        named = ", ".join(f"{package} {versions}" for package, versions in other.items())
        raise UserError(f"not what {paths.PIPELINE_LOCK.name} pins: {named}; run `make install`")
    return ", ".join(
        f"{package} {metadata.version(package)}" for package in detect.RECORDED_PACKAGES
    )


def _hardware() -> str:
    wanted = config.load("hardware", selection.Params)
    machine = selection.choose(wanted)
    return (
        f"{machine.cpu}, {machine.threads} of {machine.cores} core(s), {machine.memory_gib} GiB, "
        f"GPU: {machine.gpu or 'none'}; trains on the {machine.device}"
    )


def _parameters() -> str:
    config.check(config.read(paths.PARAMS))
    return "every value is valid"


def lock() -> str:
    """Whether the recorded results are those of the code and the parameters as they stand.

    Raises:
        UserError: if they are not.

    """
    if not paths.DVC_LOCK.is_file():
        raise UserError("nothing has been run yet; run `dvc repro`")
    own_data.check()
    called = subprocess.run(
        [sys.executable, "-m", "dvc", "repro", "--dry", "--allow-missing"],
        cwd=paths.ROOT,
        capture_output=True,
        text=True,
    )
    if called.returncode != 0:
        raise UserError(f"dvc failed: {called.stderr.strip() or called.stdout.strip()}")
    stale = [
        line.split("'")[1]
        for line in called.stdout.splitlines()
        if line.startswith("Running stage '")
    ]
    if stale:
        raise UserError(f"not up to date: {', '.join(stale)}; run `dvc repro`")
    return "the results belong to the code and the parameters as they stand"


def answer(model: str, folder: Path = paths.MODELS) -> str:
    """Let a model, with its rule when to abstain, answer the image of a stroke.

    Args:
        model: Its name.
        folder: Where the bundles are.

    Returns:
        What kind of model it is.

    Raises:
        UserError: if it cannot be opened or used.

    """
    ready = Predictor.load(folder / model, threads=1)
    described = ready.bundle.description
    if described.model != model:
        raise bundle.unusable(ready.bundle.folder, f"it holds the model {described.model}")
    rule = abstention.load(model, ready.bundle.digest, len(ready.classes), folder)
    stroke = np.zeros((1, preprocess.MNIST_SIDE, preprocess.MNIST_SIDE), np.uint8)
    stroke[:, 4:24, 12:16] = preprocess.FULL
    examples.load(model, folder)
    prepared = ready.prepare(stroke)
    rule.withheld(prepared, ready.probabilities(prepared))
    return (
        f"trained on {described.dataset}, {ready.bundle.size / 2**20:.1f} MiB, "
        f"{ready.bundle.digest[:12]}, answers, abstains below a score of {rule.threshold:.1%}"
    )


def _store() -> str:
    from digits.tracking import connection
    from digits.tracking.store import Store

    if not connection.is_made():
        return f"{connection.LOCAL} will be made by the first run"
    with connection.in_reach("digits doctor"):
        store = Store()
        runs, opened = store.count(), store.test_sets_opened()
    lines = [
        f"{count} of them opened the test set of {dataset}, {digest[:12]}: choose nothing by it"
        for (dataset, digest), count in opened.items()
    ]
    return "\n".join([f"{connection.address()} holds {runs} run(s)", *lines])
