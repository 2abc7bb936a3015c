"""The house: who may import whom, and whether dvc.yaml lists what a stage imports."""

import re
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import grimp
import pytest
from ruamel.yaml import YAML

from digits.core import config, paths

NOT_A_RESULT = ("digits.hardware.detect", "digits.hardware.energy", "digits.tracking")
"""What a stage may import without listing it: it cannot change a result."""


@cache
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("digits", "stages", exclude_type_checking_imports=True, cache_dir=None)


def file_of(module: str) -> Path:
    path = paths.ROOT / module.replace(".", "/")
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def modules() -> set[str]:
    """Every module of the project that is no package."""
    return {name for name in graph().modules if file_of(name).name != "__init__.py"}


def closure(module: str) -> set[str]:
    """`module` and all that it imports, directly or not, but for what cannot change a result."""
    found = {module}
    waiting = [module]
    while waiting:
        for name in graph().find_modules_directly_imported_by(waiting.pop()) - found:
            if not name.startswith(NOT_A_RESULT):
                found.add(name)
                waiting.append(name)
    return found & modules()


def members(room: str) -> set[str]:
    """Every module in a folder and in those below it."""
    return {name for name in modules() if name.startswith(f"{room}.")}


def boundary(module: str) -> set[str]:
    """What dvc.yaml has to list for a stage: folders that are imported as a whole, else files."""
    inside = closure(module)
    listed = set()
    for name in inside:
        parts = name.split(".")
        rooms = [".".join(parts[:depth]) for depth in range(2, len(parts))]
        whole = (
            room
            for room in rooms
            if {one for one in modules() if one.startswith(f"{room}.")} <= inside
        )
        room = next(whole, None)
        path = file_of(room).parent if room else file_of(name)
        listed.add(str(path.relative_to(paths.ROOT)))
    return listed


def stages() -> dict[str, dict]:
    return YAML(typ="safe").load(paths.DVC_YAML)["stages"]


def test_rooms_import_only_from_the_layers_below():
    shown = subprocess.run(
        ["lint-imports", "--no-cache"], capture_output=True, text=True, cwd=paths.ROOT
    )
    assert shown.returncode == 0, shown.stdout


def test_the_document_names_the_layers_that_are_checked():
    with (paths.ROOT / "pyproject.toml").open("rb") as file:
        contract, *_ = tomllib.load(file)["tool"]["importlinter"]["contracts"]
    text = (paths.ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    table = re.findall(r"^\| \d \| (.+) \|$", text, re.MULTILINE)
    rooms = {path.name for path in (paths.ROOT / "digits").iterdir() if path.is_dir()}
    assert [rooms & set(re.findall(r"`(\w+)`", row)) for row in table] == [
        set(layer.split(" | ")) for layer in contract["layers"]
    ]


@pytest.mark.parametrize("name", sorted(stages()))
def test_a_stage_lists_what_it_imports(name):
    stage = stages()[name]
    listed = {path for path in stage["deps"] if path.startswith(("digits/", "stages/"))}
    code = {path for path in listed if (paths.ROOT / path).is_dir() or path.endswith(".py")}
    assert code == boundary(stage["cmd"].split()[2])
    assert "locks/compute.lock" in stage["deps"]


def test_dvc_yaml_names_the_models_of_the_code():
    for name in ("evaluate", "robustness", "transfer", "confidence"):
        assert tuple(stages()[name]["matrix"]["model"]) == config.MODELS
    assert {f"train_{model}" for model in config.MODELS} < set(stages())
    assert {f"models/{model}" for model in config.MODELS} < set(stages()["forms"]["deps"])


def test_only_evaluate_opens_the_test_set():
    readers = {name for name, stage in stages().items() if "data/split/test.npz" in stage["deps"]}
    assert readers == {"evaluate"}


@pytest.mark.parametrize(
    "module",
    ["digits.cli", "digits.serve.reader", "digits.scan.page.find", "digits.serve.web.serving"],
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
    named = ", ".join(sorted(modules() - {"digits.__main__"}))
    code = f"""if True:
        import os
        before = dict(os.environ)
        import {named}
        ours = ("TF_", "CUDA", "OMP", "KERAS", "MLFLOW", "DIGITS", "DVC")
        assert not [name for name in os.environ.keys() - before.keys() if name.startswith(ours)]
    """
    before = sorted(path.name for path in paths.ROOT.iterdir())
    subprocess.run([sys.executable, "-c", code], check=True, cwd=paths.ROOT)
    assert sorted(path.name for path in paths.ROOT.iterdir()) == before
