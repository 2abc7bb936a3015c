"""MLflow's server: its addresses, and many writers from many machines."""

import subprocess
import sys

import pytest

from digits.core.errors import UserError
from digits.tracking import server, store, views
from tests.trained import finished, training_files

CLIENTS = 4
TRAININGS = (10.0, 20.0)
"""Their seconds, by which they are told apart."""
CLIENT = """
import os, sys
from pathlib import Path
from digits.core import paths
from digits.tracking.store import Store
from tests.trained import finished, training_files
trainings = [finished(training_files(seconds=float(seconds))) for seconds in sys.argv[3:]]
clients = []
for number in range(int(sys.argv[2])):
    if not (client := os.fork()):
        # Each on a machine of its own: no lock keeps them apart.
        paths.STORE = Path(sys.argv[1]) / str(number) / "mlflow.db"
        store = Store()
        for training in trainings:
            store.publish(training)
        os._exit(0)
    clients.append(client)
sys.exit(any([os.waitpid(client, 0)[1] for client in clients]))
"""


@pytest.fixture
def served(mlflow_server, monkeypatch):
    """The store that the server serves."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_server.address)
    return store.Store()


def active(served):
    return served.client.search_runs([served.experiment])


def test_many_machines_make_one_run_a_training(served, tmp_path):
    words = [str(tmp_path), str(CLIENTS), *map(str, TRAININGS)]
    made = subprocess.run([sys.executable, "-c", CLIENT, *words], capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    runs = active(served)
    assert sorted(run.data.metrics["train_seconds"] for run in runs) == list(TRAININGS)
    assert {run.info.status for run in runs} == {"FINISHED"}
    assert all(run.data.metrics["test_accuracy"] == 0.99 for run in runs)
    for run in runs:
        content = training_files()["metrics/cnn/predictions.csv"]
        assert served.predictions(run.info.run_id) == content
    for seconds in TRAININGS:
        assert not served.publish(finished(training_files(seconds=seconds)))


def test_doubles_that_an_earlier_version_wrote_are_healed(served):
    served.publish(finished(training_files(seconds=33.0)))
    (first,) = [run for run in active(served) if run.data.metrics["train_seconds"] == 33.0]
    for _ in range(2):
        start = first.info.start_time
        served.client.create_run(served.experiment, start_time=start, tags=first.data.tags)
    before = len(active(served))
    served.publish(finished(training_files(seconds=33.0)))
    assert len(active(served)) == before - 2


def test_the_views_are_where_the_addresses_say(mlflow_server, served):
    by_name = views.addresses(mlflow_server.address, served.experiment)
    port = mlflow_server.address.rpartition(":")[2]
    for name, address in by_name.items():
        printed = address.replace("127.0.0.1", server.NAME)
        assert any(name in line and printed in line for line in mlflow_server.said)
    shown = subprocess.run(
        [sys.executable, "-m", "digits", "mlflow"], capture_output=True, text=True, timeout=60
    )
    assert all(address in shown.stdout for address in by_name.values())
    with pytest.raises(UserError, match=f"port {port}: expected a free port"):
        server.check_port(int(port))
