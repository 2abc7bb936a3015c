"""Files by their digests: from the working tree, DVC's cache, and a remote."""

import hashlib
import shutil
import subprocess
import sys

import pytest

from digits.core.errors import UserError
from digits.team import held
from digits.tracking.models import Reference

CONTENT = b"numbers of a model"


@pytest.fixture
def checkout(tmp_path):
    """A repository of DVC that has one file, and a remote that has it too."""

    def dvc(*words):
        command = [sys.executable, "-m", "dvc", *words, "-q"]
        subprocess.run(command, check=True, cwd=root, capture_output=True)

    root = tmp_path / "checkout"
    root.mkdir()
    (root / "model.onnx").write_bytes(CONTENT)
    dvc("init", "--no-scm")
    dvc("remote", "add", "-d", "shared", str(tmp_path / "shared"))
    dvc("add", "model.onnx")
    dvc("push")
    return root


def reference(path="model.onnx", content=CONTENT):
    return Reference(
        path=path,
        md5=hashlib.md5(content).hexdigest(),
        sha256=hashlib.sha256(content).hexdigest(),
        size=len(content),
    )


def test_a_file_is_found_wherever_it_is_left(checkout):
    assert held.find(reference(), checkout) == (checkout / "model.onnx").resolve()
    (checkout / "model.onnx").unlink()
    assert held.find(reference(), checkout).read_bytes() == CONTENT
    shutil.rmtree(checkout / ".dvc" / "cache")
    assert held.find(reference(), checkout).read_bytes() == CONTENT
    shutil.rmtree(checkout / ".dvc" / "cache")
    shutil.rmtree(checkout.parent / "shared")
    with pytest.raises(UserError, match="dvc push"):
        held.find(reference(), checkout)


def test_a_changed_file_gives_way_to_the_one_that_is_meant(checkout):
    (checkout / "model.onnx").write_bytes(b"another")
    assert held.find(reference(), checkout).read_bytes() == CONTENT


def test_a_reference_leads_out_of_no_checkout(checkout):
    secret = checkout.parent / "secret"
    secret.write_bytes(b"secret")
    for path in ("../secret", str(secret)):
        with pytest.raises(UserError, match="neither in the working tree"):
            held.find(reference(path, b"secret"), checkout)


def test_where_there_is_no_repository_the_file_is_missed(tmp_path):
    with pytest.raises(UserError, match="neither in the working tree"):
        held.find(reference(), tmp_path)
