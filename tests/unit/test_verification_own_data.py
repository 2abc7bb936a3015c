"""What DVC would wait for in the user's own data set is named by whoever looks before DVC."""

import os
import socket
import subprocess
import sys

import pytest

from digits.core import paths
from digits.core.errors import UserError
from digits.experiments import running
from digits.verification import doctor, own_data


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A data set of one image, at `dataset.path`."""
    monkeypatch.setattr(paths, "HOME", tmp_path)
    folder = tmp_path / "data" / "own"
    (folder / "3").mkdir(parents=True)
    (folder / "3" / "a.png").touch()
    return folder


def bind(path):
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(path))


SPECIAL = {
    "a named pipe": os.mkfifo,
    "a socket": bind,
    "a device": lambda path: path.symlink_to("/dev/zero"),
    "which does not exist": lambda path: path.symlink_to("gone"),
}


@pytest.mark.parametrize("kind", SPECIAL)
@pytest.mark.parametrize("name", ["b.png", "3/b.png", ".hidden/b", "3/no.picture"])
def test_what_never_ends_is_named_with_all_others(own, kind, name):
    (own / name).parent.mkdir(exist_ok=True)
    SPECIAL[kind](own / name)
    os.mkfifo(own / "3" / "other")
    with pytest.raises(UserError, match="2 faults") as caught:
        own_data.check(own)
    assert kind in str(caught.value)
    assert f"{name}: " in str(caught.value)
    assert "a.png" not in str(caught.value)


def test_files_and_links_to_them_are_read(own):
    (own / "3" / "b.png").symlink_to("a.png")
    (own / "4").symlink_to("3")
    assert "that DVC can read" in own_data.check(own)
    assert "0 files" in own_data.check(own / "none")


def test_no_command_waits_for_a_pipe(own):
    os.mkfifo(own / "3" / "pipe")
    found = {finding.subject: finding for finding in doctor.examine()}
    for subject in ("own data", "dvc.lock"):
        assert "pipe: expected a file, found a named pipe" in found[subject].text
    with pytest.raises(UserError, match="named pipe"):
        running._dvc("exp", "run")


def test_make_repro_looks_before_dvc():
    target = subprocess.run(
        ["make", "--dry-run", "--assume-old", ".venv/.installed", "repro"],
        cwd=paths.ROOT,
        capture_output=True,
        text=True,
    ).stdout
    assert target.index(own_data.__name__) < target.index("dvc repro")
    looked = subprocess.run([sys.executable, "-m", own_data.__name__], cwd=paths.ROOT)
    assert looked.returncode == 0
