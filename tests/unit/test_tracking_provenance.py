"""What a training follows from: commit, code, parameters, experiment."""

import hashlib
import subprocess

import pytest

from digits.core import paths
from digits.tracking import git, provenance
from tests.trained import LOCK, PARAMS


@pytest.mark.parametrize(
    ("change", "follow"),
    [
        (("x", "x"), {"train_cnn", "evaluate@cnn"}),
        (("epochs: 2", "epochs: 3"), set()),  # params.yaml was edited since
        (("split: {seed: 0}", "split: {seed: 1}"), set()),  # so was what it was trained on
        (("md5: s1}, {", "md5: s2}, {"), set()),  # other data
        (("deps: [{path: models/cnn, md5: m1", "deps: [{path: models/cnn, md5: m2"), {"train_cnn"}),
    ],
)  # fmt: skip
def test_what_follows_from_the_parameters_beside_it(change, follow):
    files = {"params.yaml": PARAMS, "dvc.lock": LOCK.replace(*change).encode()}
    stages = ["train_cnn", "evaluate@cnn", "train_ann"]
    assert provenance.followed(stages, files.get) == follow


def test_without_a_lock_nothing_follows():
    assert provenance.followed(["train_cnn"], {"params.yaml": PARAMS}.get) == set()


def md5(content):
    return hashlib.md5(content).hexdigest()


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project whose training is recorded in the commit that holds its code."""
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    for name in (git.content, git.files, git.commit, git.last_commit_of, git.changed):
        monkeypatch.setattr(git, name.__name__, within(name, tmp_path))
    code = {
        "digits/core/config.py": b"a = 1\n",
        "digits/core/deep/more.py": b"b = 2\n",
        "stages/train_cnn.py": b"c = 3\n",
        "stages/split.py": b"d = 4\n",
    }
    core = {
        "config.py": code["digits/core/config.py"],
        "deep/more.py": code["digits/core/deep/more.py"],
    }
    folder = provenance.md5_of_folder({name: md5(content) for name, content in core.items()})
    lock = f"""
stages:
  split:
    deps: [{{path: stages/split.py, md5: {md5(code["stages/split.py"])}}}]
    outs: [{{path: data/split/train.npz, md5: s1}}]
  train_cnn:
    deps:
    - {{path: data/split/train.npz, md5: s1}}
    - {{path: digits/core, md5: {folder}}}
    - {{path: stages/train_cnn.py, md5: {md5(code["stages/train_cnn.py"])}}}
    params: {{params.yaml: {{train.cnn.epochs: 2}}}}
    outs: [{{path: metrics/cnn/train.json, md5: m1}}]
"""
    results = {
        "dvc.lock": lock.encode(),
        "params.yaml": PARAMS,
        "dvc.yaml": b"stages: {}\n",
        "README.md": b"read\n",
        "metrics/cnn/train.json": b"{}",
        "metrics/cnn/timing.json": b"{}",
    }
    for path, written in (code | results).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(written)
    git.run("init", "--quiet", folder=tmp_path)
    save(tmp_path, "first")
    return tmp_path


def within(function, folder):
    return lambda *arguments, **named: function(*arguments, **{"folder": folder} | named)


def save(folder, message):
    git.run("add", "--all", folder=folder)
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    git.run(*who, "commit", "--quiet", "--message", message, folder=folder)


@pytest.mark.parametrize(
    ("path", "dirty"),
    [
        ("metrics/cnn/train.json", "false"),  # DVC rewrites it before the training
        ("dvc.lock", "false"),
        ("README.md", "false"),
        ("stages/train_cnn.py", "true"),
        ("digits/core/new.py", "true"),
        ("params.yaml", "true"),
        ("dvc.yaml", "true"),
    ],
)
def test_a_working_tree_is_dirty_where_code_or_parameters_differ(project, path, dirty):
    head = git.commit()
    assert provenance.of_workspace("wide") == {
        provenance.COMMIT: head,
        provenance.DIRTY: "false",
        provenance.EXPERIMENT: "wide",
    }
    (project / path).write_text("changed")
    assert provenance.of_workspace() == {provenance.COMMIT: head, provenance.DIRTY: dirty}


def in_working_tree(project):
    return lambda path: (project / path).read_bytes()


def dirty(project, revision="HEAD"):
    """Whether the commit lacks what the working tree's dvc.lock says that was trained with."""
    tags = provenance.of_training("cnn", in_working_tree(project), revision)
    assert tags[provenance.COMMIT] == git.commit(revision)
    return tags[provenance.DIRTY]


def test_a_training_is_of_the_commit_that_recorded_it(project):
    first = git.commit()
    (project / "README.md").write_text("changed")
    save(project, "second")
    assert provenance.recording("cnn") == first != git.commit()
    assert dirty(project, first) == "false"
    (project / "metrics/cnn/timing.json").write_text("[]")
    assert provenance.recording("cnn") == "HEAD"
    assert dirty(project) == "false"


@pytest.mark.parametrize(
    "path",
    [
        "stages/train_cnn.py",
        "digits/core/deep/more.py",
        "digits/core/new.py",
        "stages/split.py",
    ],
)
def test_a_commit_with_other_code_than_was_trained_with_is_dirty(project, path):
    (project / path).write_text("changed")
    assert dirty(project) == "false"  # what was changed since was not trained with
    save(project, "second")
    assert dirty(project) == "true"
    assert dirty(project, "HEAD~1") == "false"


def test_so_is_one_with_other_parameters(project):
    (project / "params.yaml").write_bytes(PARAMS.replace(b"epochs: 2", b"epochs: 3"))
    save(project, "second")
    assert dirty(project) == "true"


def test_outside_a_repository_there_is_no_commit(tmp_path, monkeypatch):
    monkeypatch.setattr(git, "commit", within(git.commit, tmp_path))
    assert provenance.of_workspace() == {}
    assert provenance.of_training("cnn", {}.get, "HEAD") == {}


def test_the_digest_of_a_folder_is_that_of_dvc(tmp_path):
    (tmp_path / "made" / "deep").mkdir(parents=True)
    (tmp_path / "made" / "b.txt").write_bytes(b"b")
    (tmp_path / "made" / "deep" / "a.txt").write_bytes(b"a")
    (tmp_path / "dvc.yaml").write_text("stages: {make: {cmd: 'true', deps: [made]}}\n")
    dvc = ("dvc", "--cd", str(tmp_path))
    subprocess.run([*dvc, "init", "--no-scm", "--quiet"], check=True)
    subprocess.run([*dvc, "repro", "--quiet"], check=True)
    found = provenance.md5_of_folder({"b.txt": md5(b"b"), "deep/a.txt": md5(b"a")})
    assert found in (tmp_path / "dvc.lock").read_text()
