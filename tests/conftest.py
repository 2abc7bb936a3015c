"""What several tests need."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
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


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory):
    """A SQLite file with MLflow's tables and nothing in them, which take it seconds to make."""
    path = tmp_path_factory.mktemp("store") / "empty.db"
    made = "import sys, mlflow; mlflow.MlflowClient(f'sqlite:///{sys.argv[1]}')"
    subprocess.run([sys.executable, "-c", made, str(path)], check=True, capture_output=True)
    return path


@pytest.fixture
def store(empty_store, monkeypatch, tmp_path):
    """An open store in a file of its own, the one that MLFLOW_TRACKING_URI names."""
    from digits.tracking.store import Store

    shutil.copy(empty_store, tmp_path / "store.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/store.db")
    monkeypatch.chdir(tmp_path)
    return Store()


@pytest.fixture
def door(store):
    """The registry in that store."""
    from digits.team.registry import Registry

    return Registry(store)


@pytest.fixture
def silent_server():
    """The address of a server that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as server:
        held = []

        def accept():
            with contextlib.suppress(OSError):
                while True:
                    held.append(server.accept()[0])

        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
        for one in held:
            one.close()


class MlflowServer:
    """`digits mlflow`, on a store of its own."""

    def __init__(self, folder):
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "digits", "mlflow", "--port", str(self.port)],
            env=os.environ | {"MLFLOW_TRACKING_URI": f"sqlite:///{folder}/served.db"},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.said = []
        for line in self.process.stdout:
            self.said.append(line.rstrip())
            if "Ctrl-C" in line:
                break

    def close(self):
        """End it as by Ctrl-C, with all that it started."""
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(30) == 0
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", self.port)) != 0


@pytest.fixture(scope="session")
def mlflow_server(empty_store, tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    shutil.copy(empty_store, folder / "served.db")
    server = MlflowServer(folder)
    yield server
    server.close()
