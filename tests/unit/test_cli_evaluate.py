"""`digits evaluate`, with tiny models."""

import json

import pytest
from typer.testing import CliRunner

from digits import cli
from digits.core.errors import UserError
from tests.tiny import page, saved


@pytest.fixture
def folder(tmp_path):
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for name, shape in (("0-a", "0"), ("0-b", "0"), ("1-a", "1"), ("1-b", "0")):
        saved(pictures / f"{name}.png", page(shape))
    return pictures


@pytest.fixture
def evaluate(models, folder):
    return lambda *words: CliRunner().invoke(
        cli.app, ["evaluate", str(folder), "--model", "reader", *words]
    )


def test_what_is_read_is_counted_by_model_and_class(evaluate):
    shown = evaluate()
    assert shown.exit_code == 0, shown.output
    assert "4 pictures in " in shown.stdout
    assert "not exactly one" not in shown.stdout
    assert "| reader | 75.00% | 30.06% to 95.44% | 0.00% | 25.00% |" in shown.stdout
    assert "| 0 | 2 | 100.0% |" in shown.stdout
    assert "| 1 | 2 | 50.0% |" in shown.stdout
    assert "McNemar" not in shown.stdout
    assert "reader, confident and wrong: 1-b.png as 0\n" in shown.stdout


def test_json_holds_every_picture(evaluate, folder):
    told = json.loads(evaluate("--json").stdout)
    assert told["folder"] == str(folder)
    assert told["models"]["reader"]["correct"] == 3
    assert told["pictures"][3] == {
        "image": "1-b.png",
        "label": "1",
        "digits": 1,
        "answers": {"reader": {"guess": "0", "confident": True}},
    }


def test_a_picture_with_two_digits_is_misread(evaluate, folder):
    saved(folder / "1-c.png", page("11"))
    shown = evaluate().stdout
    assert "in 1 not exactly one digit was found" in shown
    assert "1-c.png as 11" in shown


def test_a_folder_that_cannot_be_used_is_an_error(evaluate, folder):
    saved(folder / "x.png", page("1"))
    shown = evaluate()
    assert isinstance(shown.exception, UserError)
    assert "x.png: expected a class that the models know (0, 1), found x" in str(shown.exception)
