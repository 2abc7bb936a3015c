"""Which folder the project is, wherever the package is installed."""

import os
import shutil
import subprocess
import sys

import pytest

from digits.core import paths


@pytest.fixture
def places(tmp_path):
    """A folder to which a package is installed, and a folder to work in, deep in another."""
    installed, current = tmp_path / "lib/site-packages", tmp_path / "home/project/sub/deeper"
    installed.mkdir(parents=True)
    current.mkdir(parents=True)
    return installed, current


def test_a_checkout_is_the_project_from_everywhere(places):
    installed, current = places
    (installed / "params.yaml").touch()
    (current / "params.yaml").touch()
    assert paths.project(installed, current) == installed


@pytest.mark.parametrize("kind", ["params.yaml", "models"])
def test_an_installed_package_works_in_the_nearest_project(places, kind):
    installed, current = places
    for above in (current.parents[0], current.parents[2]):
        if kind == "models":
            (above / kind).mkdir()
        else:
            (above / kind).touch()
    assert paths.project(installed, current) == current.parent


def test_without_a_project_it_is_the_current_folder_and_never_the_packages_own(places):
    installed, current = places
    (current / "models").touch()  # a file of that name holds no models
    (current / "params.yaml").mkdir()
    assert paths.project(installed, current) == current
    assert paths.project(installed, installed) == installed


def test_a_package_in_site_packages_looks_for_models_where_it_is_called(places):
    installed, current = places
    package = paths.ROOT / "digits"
    shutil.copytree(package, installed / "digits", ignore=shutil.ignore_patterns("__pycache__"))
    code = "from digits.core import paths; print(paths.MODELS, paths.HOME, paths.__file__)"
    shown = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=current,
        env={name: value for name, value in os.environ.items() if name != "DVC_ROOT"}
        | {"PYTHONPATH": str(installed)},
    )
    where = installed / "digits/core/paths.py"
    assert shown.stdout.split() == [str(current / "models"), str(current), str(where)]
