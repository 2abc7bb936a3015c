"""The house: who may import whom, and whether dvc.yaml lists what a stage imports."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from digits import config, paths

FLOORS = (
    ("digits.errors", "digits.paths"),
    ("digits.files", "digits.config"),
    (
        "digits.augment",
        "digits.datasets",
        "digits.graph",
        "digits.hardware",
        "digits.preprocess",
        "digits.recommendation",
        "digits.scan",
        "digits.scoring",
        "digits.significance",
        "digits.split",
    ),
    (
        "digits.bundle",
        "digits.confidence",
        "digits.feedback",
        "digits.networks.convolution",
        "digits.networks.head",
        "digits.recipe",
        "digits.robustness",
        "digits.svc",
    ),
    (
        "digits.experiments.definition",
        "digits.networks.ann",
        "digits.networks.cnn",
        "digits.networks.vgg16",
        "digits.training",
    ),
    ("digits.plots", "digits.predictor", "digits.report", "digits.tracking.facts"),
    (
        "digits.by_hardware",
        "digits.charts",
        "digits.reading",
        "digits.tracking.publisher",
        "digits.web.limits",
    ),
    (
        "digits.annotation",
        "digits.experiments.results",
        "digits.page",
        "digits.tracking",
        "digits.web.images",
    ),
    ("digits.experiments.claims", "digits.experiments.running", "digits.web.app"),
    ("digits.experiments.outcome", "digits.web.serving"),
    ("digits.experiments.reproduction",),
    ("digits.diagnosis", "digits.pipeline"),
    ("digits.networks.stage", "digits.verification"),
    ("digits.cli",),
    (
        "digits.__main__",
        *sorted(f"stages.{path.stem}" for path in (paths.ROOT / "stages").glob("[!_]*.py")),
    ),
)
FLOOR = {module: number for number, floor in enumerate(FLOORS) for module in floor}

NOT_A_RESULT = ("digits.hardware", "digits.tracking")
"""What a stage may import without listing it: it cannot change a result."""


def file_of(module: str) -> Path:
    path = paths.ROOT / module.replace(".", "/")
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def imported(module: str) -> set[str]:
    """The project's modules that `module` imports anywhere in its file, but for type checking."""
    tree = ast.parse(file_of(module).read_text(encoding="utf-8"))
    skipped = {
        node
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for node in ast.walk(block)
    }
    names = set()
    for node in ast.walk(tree):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            parts = {f"{node.module}.{alias.name}" for alias in node.names}
            # `from package import module` uses the package's own file only for other names.
            names |= parts if parts <= set(FLOOR) else {node.module} | parts
    return {name for name in names if name in FLOOR}


def closure(module: str) -> set[str]:
    found: set[str] = set()
    waiting = [module]
    while waiting:
        for name in imported(waiting.pop()) - found:
            if not name.startswith(NOT_A_RESULT):
                found.add(name)
                waiting.append(name)
    return found


def stages() -> dict[str, dict]:
    return YAML(typ="safe").load(paths.DVC_YAML)["stages"]


def test_every_module_stands_on_one_floor():
    modules = {
        ".".join(path.relative_to(paths.ROOT).with_suffix("").parts)
        for folder in ("digits", "stages")
        for path in (paths.ROOT / folder).rglob("*.py")
        if path.name != "__init__.py"
    }
    assert modules | {"digits.tracking"} == set(FLOOR)


@pytest.mark.parametrize("module", sorted(FLOOR))
def test_imports_only_lower_floors(module):
    higher = {name for name in imported(module) if FLOOR[name] >= FLOOR[module]}
    assert not higher


def test_only_the_publisher_imports_mlflow():
    users = {
        module
        for module in FLOOR
        if "import mlflow" in (text := file_of(module).read_text(encoding="utf-8"))
        or "from mlflow" in text
    }
    assert users == {"digits.tracking.publisher"}


def test_only_the_command_line_imports_the_web():
    users = {
        module
        for module in FLOOR
        if any(name.startswith("digits.web") for name in imported(module))
        and not module.startswith("digits.web")
    }
    assert users == {"digits.cli"}


@pytest.mark.parametrize("name", sorted(stages()))
def test_a_stage_lists_the_files_that_it_imports(name):
    stage = stages()[name]
    listed = {path for path in stage["deps"] if path.endswith(".py")}
    module = stage["cmd"].split()[2]
    expected = {module} | closure(module)
    assert listed == {str(file_of(part).relative_to(paths.ROOT)) for part in expected}
    assert "requirements.lock" in stage["deps"]


def test_dvc_yaml_names_the_models_of_the_code():
    for name in ("evaluate", "robustness", "confidence"):
        assert tuple(stages()[name]["matrix"]["model"]) == config.MODELS
    assert {f"train_{model}" for model in config.MODELS} < set(stages())


def test_only_evaluate_opens_the_test_set():
    readers = {name for name, stage in stages().items() if "data/split/test.npz" in stage["deps"]}
    assert readers == {"evaluate"}


@pytest.mark.parametrize(
    "module", ["digits.cli", "digits.reading", "digits.scan", "digits.web.serving"]
)
def test_predicting_needs_no_training_library(module):
    code = (
        f"import sys, {module}; "
        "print(*{'tensorflow', 'keras', 'mlflow', 'sklearn', 'pandas'} & set(sys.modules))"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=paths.ROOT
    )
    assert not shown.stdout.strip()


def test_importing_has_no_side_effect():
    modules = ", ".join(sorted(set(FLOOR) - {"digits.__main__"}))
    code = f"""if True:
        import os
        before = dict(os.environ)
        import {modules}
        ours = ("TF_", "CUDA", "OMP", "KERAS", "MLFLOW", "DIGITS", "DVC")
        assert not [name for name in os.environ.keys() - before.keys() if name.startswith(ours)]
    """
    before = sorted(path.name for path in paths.ROOT.iterdir())
    subprocess.run([sys.executable, "-c", code], check=True, cwd=paths.ROOT)
    assert sorted(path.name for path in paths.ROOT.iterdir()) == before
