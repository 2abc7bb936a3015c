"""`digits compare --by hardware`: its reports, its run in the store, its errors."""

import json
from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from digits import cli
from digits.core import errors, paths
from tests.trained import PARAMS, finished, training_files


@pytest.fixture
def compare(monkeypatch, tmp_path):
    """Runs the command, writing its reports to a folder of the test."""
    monkeypatch.setattr(paths, "REPORTS", tmp_path / "reports")
    return lambda *words: CliRunner().invoke(cli.app, ["compare", "--by", "hardware", *words])


def test_another_split_is_refused_and_the_reports_are_kept_once(store, compare):
    store.publish(finished())
    # Neither is the working tree's, so the later one is shown.
    other = training_files(seconds=5.0, started=datetime(2025, 1, 1, tzinfo=UTC))
    other["params.yaml"] = PARAMS.replace(b"seed: 0", b"seed: 1")
    other["metrics/cnn/train.json"] = other["metrics/cnn/train.json"].replace(b"a" * 64, b"d" * 64)
    store.publish(finished(other))

    shown = compare()
    assert shown.exit_code == 0, shown.output
    text = (paths.REPORTS / "hardware.md").read_text()
    assert "split.seed: " in text
    assert "train images: " in text
    (model,) = json.loads((paths.REPORTS / "hardware.json").read_text())["models"]
    assert [row["train_seconds"] for row in model["rows"]] == [20.0]
    assert [len(refusal["run_ids"]) for refusal in model["refused"]] == [1]
    assert (paths.REPORTS / "hardware.png").read_bytes().startswith(b"\x89PNG")
    assert "a new run in MLflow" in shown.output
    assert "the same run in MLflow" in compare().output
    assert store.count() == 3


def test_without_a_training_it_says_what_to_run(store, compare):
    store.publish(finished())
    shown = compare("--model", "svc")
    assert "training of svc" in str(shown.exception)
    assert "dvc repro" in str(shown.exception)
    assert not paths.REPORTS.exists()


@pytest.mark.parametrize("uri", ["http://127.0.0.1:9", "nonsense://store"])
def test_one_line_says_that_the_store_is_out_of_reach(uri, compare, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    shown = compare()
    assert isinstance(shown.exception, errors.UserError)
    assert uri in str(shown.exception)
    assert "\n" not in str(shown.exception)
