"""The project's git repository: the only module that calls git."""

import io
import os
import subprocess
import tarfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from digits.core import paths
from digits.core.errors import UserError

Read = Callable[[str], bytes | None]
"""Gives the content of a file by its path relative to the project, or None."""

OF_ONE_REPOSITORY = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_COMMON_DIR",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
)
"""Variables by which a hook of another repository would lead git away from the folder asked for."""


@dataclass(frozen=True)
class Experiment:
    """What `dvc exp run` left."""

    commit: str
    baseline: str
    """The commit that it began at."""
    name: str


def run(*words: str, folder: Path = paths.ROOT) -> str:
    """What a git command prints; it takes no lock on the index.

    Raises:
        UserError: if there is no git, or if it fails.

    """
    done = _call(words, folder)
    if done is None:
        raise UserError("expected the program git, found none; install it")
    if done.returncode != 0:
        raise UserError(f"git {words[0]} failed in {folder}: {done.stderr.decode().strip()}")
    return done.stdout.decode()


def content(revision: str, path: str, folder: Path = paths.ROOT) -> bytes | None:
    """A file as it was in `revision`; None where it was not, and where there is no repository."""
    return _answer("show", f"{revision}:{path}", folder=folder)


def at_revision(revision: str) -> Read:
    """Read files of a commit, for example of a DVC experiment."""
    return lambda path: content(revision, path)


def files(revision: str, members: Iterable[str], folder: Path = paths.ROOT) -> dict[str, bytes]:
    """Content by path of all files that a commit has in these files and folders."""
    listed = _answer("ls-tree", "-r", "-z", "--name-only", revision, "--", *members, folder=folder)
    names = (listed or b"").decode().split("\0")[:-1]
    if not names:
        return {}
    archive = _answer("archive", "--format=tar", revision, "--", *names, folder=folder)
    with tarfile.open(fileobj=io.BytesIO(archive or b"")) as packed:
        inside = ((entry.name, packed.extractfile(entry)) for entry in packed)
        return {name: file.read() for name, file in inside if file is not None}


def commit(revision: str = "HEAD", folder: Path = paths.ROOT) -> str | None:
    """The full name of a commit, or None where there is none."""
    return _line("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}", folder=folder)


def identity(folder: Path = paths.ROOT) -> str | None:
    """Who commits here, as in "Ada <ada@example.org>"; None where git was not told."""
    name, address = (_line("config", f"user.{part}", folder=folder) for part in ("name", "email"))
    return f"{name} <{address}>" if name and address else name


def last_commit_of(members: Iterable[str], folder: Path = paths.ROOT) -> str | None:
    """The last commit that changed one of these files and folders, or None."""
    return _line("log", "-1", "--format=%H", "--", *members, folder=folder)


def changed(
    members: Iterable[str] = (),
    since: str = "HEAD",
    folder: Path = paths.ROOT,
    untracked: bool = True,
) -> list[str]:
    """Files of the working tree that differ from a commit.

    Args:
        members: Files and folders to look at; all if empty.
        since: The commit.
        folder: The repository.
        untracked: Whether new files count that git does not ignore.

    Raises:
        UserError: if `since` is no commit.

    """
    chosen = ["--", *members]
    listed = run("diff", "--name-only", "--no-renames", "-z", since, *chosen, folder=folder)
    if untracked:
        listed += run("ls-files", "--others", "--exclude-standard", "-z", *chosen, folder=folder)
    return listed.split("\0")[:-1]


def experiments(folder: Path = paths.ROOT) -> list[Experiment]:
    """Every DVC experiment in the repository."""
    listed = _answer(
        "for-each-ref", "--format=%(objectname) %(refname)", "refs/exps", folder=folder
    )
    found = []
    for line in (listed or b"").decode().splitlines():
        revision, reference = line.split(" ", 1)
        # refs/exps/<two digits>/<rest of the baseline's commit>/<name>
        parts = reference.split("/")
        if len(parts) == 5 and len(parts[2]) == 2:
            found.append(Experiment(revision, parts[2] + parts[3], parts[4]))
    return found


def _line(*words: str, folder: Path) -> str | None:
    return (_answer(*words, folder=folder) or b"").decode().strip() or None


def _answer(*words: str, folder: Path) -> bytes | None:
    """What a git command prints; None if it fails or if there is no git."""
    done = _call(words, folder)
    return None if done is None or done.returncode != 0 else done.stdout


def _call(words: Iterable[str], folder: Path) -> subprocess.CompletedProcess[bytes] | None:
    try:
        return subprocess.run(
            ["git", "--no-optional-locks", *words],
            cwd=folder,
            env={name: part for name, part in os.environ.items() if name not in OF_ONE_REPOSITORY},
            capture_output=True,
        )
    except FileNotFoundError:
        return None
