"""How a store is reached, waited for and, where it cannot be used, what is said."""

import contextlib
import sqlite3
import subprocess
import sys
import time

import pytest

from digits.core.errors import UserError
from digits.tracking import connection
from digits.tracking.store import Store


def test_a_server_that_never_answers_is_waited_for_a_short_time_and_named(
    silent_server, monkeypatch, capsys
):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", silent_server)
    began = time.monotonic()
    with pytest.raises(UserError) as raised, connection.in_reach("digits sync"):
        Store()
    assert time.monotonic() - began < connection.PATIENCE_SECONDS + 15  # with MLflow's import
    assert f"waiting for MLflow's store {silent_server}, at most 15 s" in capsys.readouterr().err
    said = str(raised.value)
    assert f"{silent_server} cannot be used: it did not answer within 15 s" in said
    assert "then run `digits sync`" in said
    assert "\n" not in said


def test_patience_is_one_for_all_that_is_asked(silent_server, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", silent_server)
    patience = connection.Patience(0.3, announced=False)
    began = time.monotonic()
    for _ in range(3):
        with pytest.raises(connection.Unanswered), patience.waiting():
            time.sleep(10)
    assert time.monotonic() - began < 2


def test_what_answers_uses_up_no_patience(silent_server, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", silent_server)
    patience = connection.Patience(0.5, announced=False)
    for _ in range(4):
        with patience.waiting():
            time.sleep(0.2)
    assert patience.left == 0.5


def test_a_local_file_may_take_its_time(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/store.db")
    with connection.Patience(0.1).waiting():
        time.sleep(0.3)


@pytest.mark.parametrize(
    "uri",
    [
        "http://127.0.0.1:9",
        "sqlite:////proc/no/store.db",
        "nonsense://store",
        "sqlite:///{tmp_path}/not-a-store.db",
        "sqlite:///{tmp_path}",
    ],
)
def test_one_line_says_that_a_store_cannot_be_used(uri, tmp_path, monkeypatch, capfd):
    (tmp_path / "not-a-store.db").write_text("no SQLite file, but long enough to look like one" * 9)
    address = uri.format(tmp_path=tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    began = time.monotonic()
    with pytest.raises(UserError) as raised, connection.in_reach("digits sync"):
        Store()
    assert time.monotonic() - began < 20
    assert address in str(raised.value)
    assert "\n" not in str(raised.value)
    assert "Traceback" not in capfd.readouterr().err


def half_made(path):
    """What two makers at once left: tables and columns that the version beside them lacks."""
    with contextlib.closing(sqlite3.connect(path)) as opened, opened:
        opened.execute("UPDATE alembic_version SET version_num = '451aebb31d03'")
        opened.execute("DROP TABLE webhooks")


def out_of_date(path):
    with contextlib.closing(sqlite3.connect(path)) as opened, opened:
        opened.execute("UPDATE alembic_version SET version_num = '451aebb31d03'")


def newer(path):
    with contextlib.closing(sqlite3.connect(path)) as opened, opened:
        opened.execute("UPDATE alembic_version SET version_num = 'ffffffffffff'")
        opened.execute("DROP TABLE webhooks")


@pytest.mark.parametrize(
    ("break_it", "told"),
    [
        (half_made, "was cut off"),
        (out_of_date, "another version of MLflow made it"),
        (newer, "another version of MLflow made it"),
    ],
)
def test_a_broken_store_is_recognised_and_the_way_out_leads_out(
    break_it, told, store, monkeypatch, capfd
):
    path = connection.file()
    assert path is not None
    break_it(path)
    opening = "from digits.tracking.store import Store; from digits.tracking import connection"
    code = f"{opening}\nwith connection.in_reach('digits sync'): print(Store().count())"

    def call():
        return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    failed = call()
    said = failed.stderr.strip().splitlines()[-1]
    assert told in said
    assert "`digits sync` then writes the runs" in said
    if break_it is out_of_date:
        assert f"`mlflow db upgrade {connection.address()}`" in said
    words = said.split("`mv ")[1].split("`")[0].split()
    subprocess.run(["mv", *words], check=True)
    assert call().stdout.strip() == "0"


WRITERS = """
import os, sys
import mlflow
from digits.tracking.store import Store
from tests.trained import finished
writers = []
for _ in range(8):
    if not (writer := os.fork()):
        Store().publish(finished())
        os._exit(0)
    writers.append(writer)
sys.exit(any([os.waitpid(writer, 0)[1] for writer in writers]))
"""


def test_eight_writers_make_one_store_and_one_run(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/new.db")
    made = subprocess.run([sys.executable, "-c", WRITERS], capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    client = Store().client
    (run,) = client.search_runs([client.get_experiment_by_name("digits").experiment_id])
    assert run.info.status == "FINISHED"
    assert not client.search_runs([run.info.experiment_id], run_view_type=2)  # none was removed


def test_a_lock_that_another_process_holds_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/new.db")
    monkeypatch.setattr(connection, "LOCK_SECONDS", 0.1)
    with (
        connection.lock(),
        pytest.raises(UserError, match=r"new\.lock"),
        connection.locked(connection.lock()),
    ):
        pass
    assert "waiting for another process that writes to" in capsys.readouterr().err
