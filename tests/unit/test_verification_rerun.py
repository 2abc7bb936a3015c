"""What of a commit is run anew, and on which data."""

import hashlib
import subprocess

import pytest

from digits.core import files, paths
from digits.core.errors import UserError
from digits.datasets.raw.published import MIRROR_VARIABLE, PUBLISHED, File, Published
from digits.verification import rerun


def commit(folder):
    for words in (("add", "--all"), ("commit", "--quiet", "--allow-empty", "--message", "m")):
        identity = ("-c", "user.name=a", "-c", "user.email=a@example.org")
        subprocess.run(["git", *identity, *words], cwd=folder, check=True)


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A repository with a commit, which is taken for the project."""
    folder = (tmp_path / "project").resolve()
    folder.mkdir()
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    commit(folder)
    monkeypatch.setattr(paths, "ROOT", folder)
    return folder


def test_the_data_at_hand_are_used_if_they_are_the_published_ones(tmp_path, monkeypatch):
    published = Published(
        (File("images.gz", 6, hashlib.sha256(b"images").hexdigest()),),
        ("../shared/set",),
        (1, 1),
        ("0",),
    )
    monkeypatch.setitem(PUBLISHED, "mnist", published)
    monkeypatch.setattr(paths, "HOME", tmp_path / "project")
    monkeypatch.setattr(paths, "RAW", tmp_path / "project/data/raw")
    monkeypatch.setenv(MIRROR_VARIABLE, "https://example.org/set")
    assert rerun.mirror("mnist") is None
    assert rerun.mirror("optdigits") is None
    files.write_text(tmp_path / "shared/set/images.gz", "images")
    files.write_text(tmp_path / "project/data/raw/images.gz", "damaged")
    assert rerun.mirror("mnist") == str(tmp_path / "project/../shared/set")
    files.write_text(tmp_path / "project/data/raw/images.gz", "images")
    assert rerun.mirror("mnist") == str(tmp_path / "project/data/raw")


@pytest.mark.parametrize("place", ["there", "file/below", "x" * 300])
def test_a_folder_that_cannot_be_made_is_said_before_anything_is_run(project, tmp_path, place):
    (tmp_path / "there").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=place[:10]):
        rerun.verify(keep=tmp_path / place)


@pytest.mark.parametrize(
    ("files_", "words"),
    [
        ({}, "has no dvc.lock"),
        ({"dvc.lock": "stages: 3"}, r"dvc\.lock is not as DVC writes it"),
        ({"dvc.lock": "a: [", "params.yaml": "dataset: {}"}, "names no data set"),
        ({"dvc.lock": "stages: {}", "params.yaml": "a: &a [*a]"}, "refers to what it is part of"),
        ({"dvc.lock": "stages: {}", "params.yaml": "dataset: [1]"}, "names no data set"),
    ],
)
def test_a_commit_that_records_nothing_is_said(project, tmp_path, files_, words):
    for name, text in files_.items():
        (project / name).write_text(text)
    if "params.yaml" not in files_:
        text = "dataset: {name: mnist, path: data/own, fallback: none}"
        (project / "params.yaml").write_text(text)
    commit(project)
    with pytest.raises(UserError, match=words):
        rerun.verify(keep=tmp_path / "kept")


def test_what_is_no_repository_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    with pytest.raises(UserError, match="expected a clone of the project with a commit"):
        rerun.verify()
