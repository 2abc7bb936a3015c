"""`digits sweep` refuses what cannot be run before anything starts."""

import pytest
from typer.testing import CliRunner

from digits import cli
from digits.cli import checkout
from digits.core.errors import UserError
from digits.search import definition, objective, running
from tests.unit import sweeps

TEXT = "title: tried\nmodel: cnn\nbudget: {trials: 4}\nspace: {train: {cnn: {seed: {choice: [1]}}}}"


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setattr(checkout, "missing", lambda *libraries: [])
    monkeypatch.setattr(objective, "read_data", lambda model: sweeps.data())
    monkeypatch.setattr(running, "resources", lambda *given: pytest.fail("it was run"))
    path = tmp_path / "tried.yaml"
    path.write_text(TEXT)
    return path


def refused(*arguments):
    done = CliRunner().invoke(cli.app, ["sweep", *map(str, arguments)])
    assert isinstance(done.exception, UserError), done.output
    return str(done.exception)


def test_without_the_extra_it_says_what_to_install(monkeypatch):
    lacking = {"ray": "ray", "optuna": "optuna"}
    monkeypatch.setattr(checkout, "SEARCH", lacking)
    monkeypatch.setattr(checkout, "_is_there", lambda module: module not in lacking)
    said = refused("sweeps/cnn.yaml")
    assert said.startswith("`digits sweep` needs libraries that are not installed: ray, optuna.")
    assert "`make search`" in said
    assert "\n" not in said


def test_a_test_measure_is_refused(file):
    file.write_text(TEXT + "\nobjective: test_accuracy")
    assert "the test set, which chooses nothing" in refused(file)


def test_dry_shows_the_budget_and_runs_nothing(file):
    done = CliRunner().invoke(cli.app, ["sweep", str(file), "--dry"])
    assert done.exit_code == 0, done.output
    assert "4 trials, " in done.output


def test_what_began_is_resumed_and_what_did_not_is_not(file, tmp_path):
    folder = tmp_path / "results"
    assert "holds no sweep" in refused(file, "--storage", folder, "--resume")
    pytest.importorskip("optuna")
    running.begin(definition.load(file), sweeps.data(), folder)
    assert "go on with --resume" in refused(file, "--storage", folder)
    file.write_text(TEXT.replace("[1]", "[2]"))
    assert "another space" in refused(file, "--storage", folder, "--resume")


def test_a_trial_is_chosen_to_be_applied(file):
    assert "expected --apply, too" in refused(file, "--trial", 3)
