"""MLflow's web server of the project's store, with the addresses of its views."""

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable

from digits.core import paths
from digits.core.errors import UserError
from digits.tracking import connection, views
from digits.tracking.store import Store

HOST = "127.0.0.1"
NAME = "digits.localhost"
"""Browsers find it at `HOST`.  Under that address itself, MLflow covers a quarter of the page with
an assistant when somebody comes for the first time."""
START_SECONDS = 120
SETTINGS = {
    # Eight processes that score and archive the traces of language models.
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "PYTHONWARNINGS": "ignore",
}


def serve(port: int, tell: Callable[[str], object]) -> None:
    """Serve the store until interrupted; where it is a server already, only tell the addresses.

    Args:
        port: To listen on, on this machine alone.
        tell: Called with each line for the person who asks.

    Raises:
        UserError: if the port is taken, or the server does not come up.

    """
    experiment = Store().experiment
    if connection.address().startswith(("http://", "https://")):
        _tell(connection.address().rstrip("/"), experiment, tell)
        return
    check_port(port)
    with subprocess.Popen(
        _command(port), cwd=paths.ROOT, env=os.environ | connection.SETTINGS | SETTINGS
    ) as server:
        try:
            _wait(server, port)
            _tell(f"http://{NAME}:{port}", experiment, tell)
            tell(f"In a browser that does not find {NAME}: the same with {HOST}. Ctrl-C ends.")
            status = server.wait()
        except KeyboardInterrupt:
            # The terminal has interrupted the server, too.
            return
        finally:
            server.terminate()
    if status != 0:
        raise UserError(f"MLflow's server ended with status {status}, for the reason above")


def check_port(port: int) -> None:
    """Try to listen.

    Raises:
        UserError: if that cannot be done.

    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise UserError(
                f"port {port}: expected a free port, received: {error.strerror}; choose another "
                "with --port, or end the program that listens there"
            ) from None


def _command(port: int) -> list[str]:
    hosts = [f"{name}:{port}" for name in (NAME, "localhost", HOST)]
    return [
        *(sys.executable, "-m", "mlflow", "server"),
        *("--backend-store-uri", connection.address()),
        *("--host", HOST, "--port", str(port)),
        *("--allowed-hosts", ",".join(hosts)),
        *("--cors-allowed-origins", ",".join(f"http://{host}" for host in hosts)),
        *("--workers", "1", "--uvicorn-opts", "--log-level warning"),
    ]


def _wait(server: subprocess.Popen[bytes], port: int) -> None:
    end = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < end:
        with (
            contextlib.suppress(urllib.error.URLError, OSError),
            urllib.request.urlopen(f"http://{HOST}:{port}/health", timeout=5),
        ):
            return
        time.sleep(0.2)
    raise UserError("MLflow's server did not come up, for the reason above")


def _tell(server: str, experiment: str, tell: Callable[[str], object]) -> None:
    tell(f"MLflow shows {connection.address()}:")
    shown = views.addresses(server, experiment)
    width = max(map(len, shown))
    for name, address in shown.items():
        tell(f"  {name:{width}}  {address}")
