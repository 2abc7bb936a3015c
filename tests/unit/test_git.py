"""The git wrapper: files at a revision, what differs from a commit, DVC's experiments."""

import subprocess

import pytest

from digits.core.errors import UserError
from digits.tracking import git


@pytest.fixture
def repository(tmp_path):
    """A repository with one commit of `code/a.py` and `notes.txt`."""

    def call(*words):
        subprocess.run(["git", *words], cwd=tmp_path, check=True, capture_output=True)

    call("init", "--quiet")
    call("config", "user.name", "test")
    call("config", "user.email", "test@example.org")
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "a.py").write_text("a = 1\n")
    (tmp_path / "notes.txt").write_bytes(b"\x89notes")
    call("add", ".")
    call("commit", "--quiet", "--message", "first")
    return tmp_path


def test_a_file_is_read_as_it_was(repository):
    (repository / "notes.txt").write_text("later")
    assert git.content("HEAD", "notes.txt", repository) == b"\x89notes"
    assert git.content("HEAD", "absent.txt", repository) is None
    assert git.content("no-such-revision", "notes.txt", repository) is None


def test_a_commit_has_its_full_name(repository):
    first = git.run("rev-parse", "HEAD", folder=repository).strip()
    assert git.commit(folder=repository) == first
    assert git.commit(first[:8], repository) == first
    assert git.commit("no-such-revision", repository) is None
    assert git.last_commit_of(["code"], repository) == first
    assert git.last_commit_of(["elsewhere"], repository) is None


def test_what_differs_from_a_commit_is_named(repository):
    assert git.changed(folder=repository) == []
    (repository / "notes.txt").write_text("later")
    (repository / "code" / "new name.py").write_text("")
    assert git.changed(folder=repository) == ["notes.txt", "code/new name.py"]
    assert git.changed(folder=repository, untracked=False) == ["notes.txt"]
    assert git.changed(["code"], folder=repository) == ["code/new name.py"]
    with pytest.raises(UserError, match="no-such-revision"):
        git.changed(since="no-such-revision", folder=repository)


def test_experiments_are_found_by_their_references(repository):
    head = git.commit(folder=repository)
    assert head is not None
    exps = f"refs/exps/{head[:2]}/{head[2:]}"
    for name in (f"{exps}/wide", "refs/exps/exec/EXEC_BASELINE", "refs/exps/celery/stash"):
        git.run("update-ref", name, head, folder=repository)
    assert git.experiments(repository) == [git.Experiment(head, head, "wide")]


def test_the_folder_decides_which_repository(repository, tmp_path_factory, monkeypatch):
    monkeypatch.setenv("GIT_DIR", str(tmp_path_factory.mktemp("other") / ".git"))
    assert git.content("HEAD", "code/a.py", repository) == b"a = 1\n"


def test_without_git_or_repository_there_is_no_answer(repository, tmp_path_factory, monkeypatch):
    bare = tmp_path_factory.mktemp("bare")
    assert git.commit(folder=bare) is None
    assert git.experiments(bare) == []
    monkeypatch.setenv("PATH", str(bare))
    assert git.commit(folder=repository) is None
    assert git.content("HEAD", "notes.txt", repository) is None
    with pytest.raises(UserError, match="expected the program git, found none"):
        git.run("status", folder=repository)
