"""`digits experiment` and `digits reproduce` refuse what cannot be run before anything is run."""

import shutil

import pytest
from typer.testing import CliRunner

from digits import cli
from digits.core import paths
from digits.core.errors import UserError
from digits.experiments import definition, reproduction, running


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A copy of the definitions, where a run would be a fault of the test."""
    folder = shutil.copytree(
        paths.EXPERIMENTS, tmp_path / "experiments", ignore=shutil.ignore_patterns("outcomes")
    )
    monkeypatch.setattr(paths, "EXPERIMENTS", folder)
    for function in (definition.names, definition.load):
        defaults = function.__defaults__ or ()
        monkeypatch.setattr(function, "__defaults__", (*defaults[:-1], folder))
    monkeypatch.setattr(paths, "REPRODUCTION", tmp_path / "REPRODUCTION.md")
    monkeypatch.setattr(reproduction, "RECORD", tmp_path / "reproduction.json")
    for name in ("execute", "queue"):
        monkeypatch.setattr(running, name, lambda run: pytest.fail(f"{run.name} was run"))
    return tmp_path


def refused(*arguments) -> str:
    done = CliRunner().invoke(cli.app, list(arguments))
    assert isinstance(done.exception, UserError), done.output
    return str(done.exception)


@pytest.mark.parametrize("command", [["reproduce"], ["experiment", "mlp-128"]])
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("title: [", "mlp-128.yaml is not valid YAML: line "),
        ("a: &a [*a]", "refers to what it is part of"),
        ("title: t\nmodels: [ann]\nclaims: [3]", "claims.0: "),
        ("title: t\nmodels: [ann]\nseeds: [1, 1]", "2 runs are called"),
        ("- 1", "expected sections"),
        ("", "expected sections"),
    ],
)
def test_a_damaged_definition_is_said_first(project, command, text, words):
    (project / "experiments/mlp-128.yaml").write_text(text)
    assert words in refused(*command)
    assert not (project / "REPRODUCTION.md").exists()


def test_a_parameter_that_is_wrong_everywhere_is_said_first(project):
    path = project / "experiments/mlp-128.yaml"
    path.write_text(path.read_text().replace("[128, 128]", "[128, -1]"))
    for command in (["reproduce"], ["experiment", "digits-svc", "mlp-128"]):
        assert "train.ann.units.1" in refused(*command)


def test_an_unknown_experiment_is_said_before_the_known_ones_are_run(project):
    message = refused("experiment", "mlp-128", "mpl-128")
    assert "there is no experiment 'mpl-128'; defined are ann-10k" in message


def test_without_definitions_nothing_is_replaced(project):
    (project / "REPRODUCTION.md").write_text("kept")
    shutil.rmtree(project / "experiments")
    assert "expected experiments that make claims" in refused("reproduce")
    assert (project / "REPRODUCTION.md").read_text() == "kept"
