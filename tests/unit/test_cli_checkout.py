"""A base installation predicts and serves; every other command names the libraries it lacks."""

import os
import shutil
import subprocess
import sys

import grimp
import numpy as np
import pytest
import requests

from digits import cli
from digits.cli import checkout
from digits.core import paths
from digits.serve import feedback
from tests.tiny import page, saved

BASE = {
    "PIL",
    "anyio",
    "cv2",
    "fastapi",
    "filelock",
    "h11",
    "joblib",
    "numpy",
    "onnxruntime",
    "pydantic",
    "rich",
    "starlette",
    "threadpoolctl",
    "typer",
    "uvicorn",
}
ONLY_SOME_MACHINES = {"sklearnex"}
BY_COMMAND = {
    "sync": [],
    "mlflow": [],
    "compare": ["--by", "hardware"],
    "doctor": [],
    "evaluate": ["folder"],
    "experiment": ["preprocessing"],
    "reproduce": [],
    "verify": [],
}


def command(*arguments, hidden=()):
    """An interpreter that lacks some modules and runs `digits`."""
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({list(hidden)!r})); "
        f"sys.argv = {['digits', *map(str, arguments)]!r}; from digits import cli; cli.main()"
    )
    return [sys.executable, "-c", code]


def digits(*arguments, hidden=(), folder=paths.ROOT, package=paths.ROOT):
    return subprocess.run(
        command(*arguments, hidden=hidden),
        capture_output=True,
        text=True,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(package)},
    )


def test_the_libraries_are_those_that_the_code_imports():
    graph = grimp.build_graph(
        "digits",
        "stages",
        include_external_packages=True,
        exclude_type_checking_imports=True,
        cache_dir=None,
    )
    own = {name for name in graph.modules if name.split(".")[0] in ("digits", "stages")}
    standard = set(sys.stdlib_module_names)
    outside = {name for name in graph.modules - own if name not in standard}
    imported = {"ruamel.yaml" if name == "ruamel" else name for name in outside}
    named = checkout.LIBRARIES.keys() | checkout.SEARCH
    assert imported - BASE - ONLY_SOME_MACHINES == named


def test_every_command_is_said_to_need_a_checkout_or_not():
    assert {command.__name__ for command in cli.ANYWHERE} == {
        "predict",
        "ui",
        "feedback",
        "fetch",
    }
    assert {command.__name__ for command in cli.IN_A_CHECKOUT} == set(BY_COMMAND)
    assert {command.__name__ for command in cli.SEARCHING} == {"sweep"}
    assert {command.__name__ for command in cli.READING} == {"read"}
    sharing = {command.__name__ for command in cli.SHARING}
    assert sharing == {"gate", "history", "promote", "release", "rollback"}
    assert len(cli.app.registered_commands) == 4 + len(BY_COMMAND) + len(sharing) + 2


@pytest.mark.parametrize("command", BY_COMMAND)
def test_a_command_of_a_checkout_names_all_that_is_missing_at_once(command):
    hidden = checkout.LIBRARIES if command == "sync" else ("mlflow", "sklearn", "ruamel")
    done = digits(command, *BY_COMMAND[command], hidden=hidden)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"error: `digits {command}` needs libraries that are not installed: ")
    named = line.split("installed: ")[1].split(". ")[0].split(", ")
    wanted = (
        checkout.LIBRARIES.values()
        if command == "sync"
        else ("mlflow", "ruamel.yaml", "scikit-learn")
    )
    assert sorted(named) == sorted(wanted)
    assert "`make install`" in line
    assert not done.stdout


@pytest.fixture
def installed(tmp_path):
    """A folder to which the package is installed, as a base installation has it."""
    folder = tmp_path / "lib"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(paths.ROOT / "digits", folder / "digits", ignore=ignored)
    return folder


def test_a_base_installation_helps_and_predicts_and_takes_corrections(installed, models, tmp_path):
    def base(*arguments):
        hidden, folder = checkout.LIBRARIES, models.parent
        return digits(*arguments, hidden=hidden, folder=folder, package=installed)

    for words in (["--help"], ["verify", "--help"]):
        assert "verify" in base(*words).stdout
    image = saved(tmp_path / "one.png", page("1"))
    done = base("predict", image, "--model", "svc", "--show", "out.png")
    assert done.stdout.startswith(f"{image}: 1 ("), done.stderr
    assert done.returncode == 0
    corrections = tmp_path / "data/feedback"
    store = feedback.Store(corrections)
    store.add(np.zeros((28, 28), np.uint8), "7", {"svc": "1"}, {"svc": "a" * 64})
    done = base("feedback")
    assert "1 image(s) of 1 correction(s)" in done.stdout, done.stderr
    assert len(list((tmp_path / "data/own/7").iterdir())) == 1


def test_a_base_installation_serves(installed, models):
    with subprocess.Popen(
        command("ui", "--port", 0, hidden=checkout.LIBRARIES),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=models.parent,
        env=os.environ | {"PYTHONPATH": str(installed)},
    ) as service:
        assert service.stdout is not None
        try:
            address = service.stdout.readline().strip()
            assert address.startswith("http://"), address + service.stdout.read()
            assert requests.get(f"{address}/healthz", timeout=10).status_code == 200
        finally:
            service.terminate()
