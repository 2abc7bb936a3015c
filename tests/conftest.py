"""What several tests need."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of the tiny models, to be left as it is."""
    from tests.tiny import save_models

    return save_models(tmp_path_factory.mktemp("made") / "models")


@pytest.fixture
def models(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of them, which is the project's folder of models."""
    from digits.core import paths

    folder = shutil.copytree(made, tmp_path / "models")
    monkeypatch.setattr(paths, "MODELS", folder)
    return folder


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep on one of the parallel workers what shares a costly fixture: a file, the clone."""
    for item in items:
        shared = "clone" in getattr(item, "fixturenames", ())
        item.add_marker(pytest.mark.xdist_group("clone" if shared else str(item.path)))
