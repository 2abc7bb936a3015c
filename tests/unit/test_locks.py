"""The lock files: one a use, hashed, consistent with each other, without an address."""

import itertools
import re

import pytest

from digits.core import paths

USES = ("base", "compute", "pipeline", "search", "gpu", "dev")
LOCKS = paths.ROOT / "locks"


def pinned(use: str) -> dict[str, str]:
    """Version and marker of every package of a lock file."""
    text = (LOCKS / f"{use}.lock").read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9][\w.-]*)==(.+?) \\$", text, re.MULTILINE))


def version(pin: str) -> str:
    return pin.split(" ", maxsplit=1)[0]


def test_every_use_has_its_lock_file():
    assert {path.stem for path in LOCKS.iterdir()} == set(USES)


@pytest.mark.parametrize("use", USES)
def test_every_package_is_pinned_by_hash_and_nothing_names_an_address(use):
    text = (LOCKS / f"{use}.lock").read_text(encoding="utf-8")
    assert "://" not in text
    packages = [block for block in re.split(r"\n(?=\S)", text) if block.strip()]
    assert len(packages) == len(pinned(use)) > 10
    assert all("--hash=sha256:" in block for block in packages)


@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(USES, 2)))
def test_a_package_has_one_version(one, other):
    first, second = pinned(one), pinned(other)
    assert {
        name for name in first.keys() & second if version(first[name]) != version(second[name])
    } == set()


def test_a_use_brings_what_it_is_for_and_no_more():
    trains = {"tensorflow", "keras", "scikit-learn", "onnx", "pandas", "matplotlib"}
    runs, serves, searches = {"dvc", "mlflow"}, {"fastapi", "typer"}, {"ray", "optuna"}
    assert not (trains | runs) & pinned("base").keys()
    assert serves <= pinned("base").keys()
    assert trains <= pinned("compute").keys()
    assert not (runs | serves) & pinned("compute").keys()
    assert trains | runs | serves <= pinned("pipeline").keys()
    assert pinned("pipeline").keys() <= pinned("dev").keys()
    assert pinned("compute").keys() <= pinned("gpu").keys()
    assert searches <= pinned("search").keys()
    assert not any(searches & pinned(use).keys() for use in USES if use != "search")
