"""A shell completes commands, options, models and experiments."""

import os
import subprocess
import sys

import pytest

from digits.core import config, paths


def completed(*words, shell="bash"):
    """What the shell is offered for the last of the words."""
    told = {
        "_DIGITS_COMPLETE": f"complete_{shell}",
        "COMP_WORDS": " ".join(["digits", *words]),
        "COMP_CWORD": str(len(words)),
        "_TYPER_COMPLETE_ARGS": " ".join(["digits", *words]),
    }
    done = subprocess.run(
        [sys.executable, "-c", "from digits import cli; cli.main()"],
        capture_output=True,
        text=True,
        cwd=paths.ROOT,
        env=os.environ | told,
    )
    assert not done.stderr
    return done.stdout.split()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["pred"], {"predict"}),
        (["predict", "--mo"], {"--model"}),
        (["predict", "--model", ""], {*config.MODELS, "all", "champion"}),
        (["verify", "--model", "v"], {"vgg16"}),
        (["experiment", "aug"], {"augmentation"}),
    ],
)
def test_bash_is_offered_what_fits(words, offered):
    assert set(completed(*words)) == offered


def test_zsh_is_offered_the_commands():
    assert '"predict"' in "".join(completed("pred", shell="zsh"))


def test_help_tells_how_to_have_it():
    done = subprocess.run(
        [sys.executable, "-m", "digits", "--help"], capture_output=True, text=True, cwd=paths.ROOT
    )
    assert "Usage: digits [OPTIONS]" in done.stdout
    assert "--install-completion" in done.stdout
