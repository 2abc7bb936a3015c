"""What `pip install` of the project brings: enough to read digits, and nothing that trains."""

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from digits.core import paths
from tests.pipeline.conftest import environment

LARGEST_MIB = 350
LONGEST_SECONDS = 60
"""On a warm cache; the first installation also downloads."""


def call(*command: str | Path, cwd: Path = paths.ROOT) -> str:
    done = subprocess.run(command, cwd=cwd, env=environment(), capture_output=True, text=True)
    assert done.returncode == 0, f"{command}: {done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a new environment that holds the base lock file and the project."""
    folder = tmp_path_factory.mktemp("base")
    source = folder / "source"
    shutil.copytree(paths.ROOT / "digits", source / "digits")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy2(paths.ROOT / name, source / name)
    call("uv", "build", "--quiet", "--no-build-isolation", "--python", sys.executable,
         "--out-dir", folder, source)  # fmt: skip
    (wheel,) = folder.glob("*.whl")

    def install(name: str) -> tuple[Path, float]:
        began = time.perf_counter()
        call("uv", "venv", "--quiet", "--python", sys.executable, folder / name)
        pip = ("uv", "pip", "install", "--quiet", "--python", folder / name)
        call(*pip, "--require-hashes", "--requirement", paths.ROOT / "locks/base.lock")
        call(*pip, "--no-deps", wheel)
        return folder / name, time.perf_counter() - began

    shutil.rmtree(install("cold")[0])
    place, seconds = install("warm")
    assert seconds < LONGEST_SECONDS
    size = sum(path.lstat().st_size for path in place.rglob("*") if path.is_file())
    assert size < LARGEST_MIB * 2**20
    return place / "bin"


@pytest.fixture
def project(models: Path) -> Path:
    """A folder with tiny models, and nothing else of a checkout."""
    return models.parent


def test_it_holds_no_library_that_trains_or_records(installed):
    names = "tensorflow keras sklearn onnx pandas matplotlib dvc mlflow"
    code = f"import importlib.util as u; print(*[n for n in '{names}'.split() if u.find_spec(n)])"
    assert not call(installed / "python", "-c", code).strip()


def test_it_reads_digits(installed, project):
    drawn = Image.new("L", (200, 200), 255)
    ImageDraw.Draw(drawn).line([(100, 30), (100, 170)], fill=0, width=14)
    drawn.save(project / "one.png")
    shown = call(
        installed / "digits", "predict", "--model", "svc", "--json", "one.png", cwd=project
    )
    (digit,) = json.loads(shown)["digits"]
    assert len(digit["label"]) == 1


def test_it_serves_the_page(installed, project):
    with subprocess.Popen(
        [installed / "digits", "ui", "--model", "svc", "--port", "0"],
        cwd=project,
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    ) as service:
        assert service.stdout is not None
        try:
            address = service.stdout.readline().strip()
            with urllib.request.urlopen(f"{address}/healthz", timeout=20) as answer:
                assert json.load(answer) == {"status": "ok"}
        finally:
            service.terminate()


def test_what_needs_more_says_how_to_get_it(installed, project):
    done = subprocess.run(
        [installed / "digits", "doctor"],
        cwd=project,
        env=environment(),
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0
    assert "make install" in done.stderr
    assert "Traceback" not in done.stderr
    assert os.listdir(project) == ["models"]
