"""The gate: what stops a change of a model, and what its comment says."""

import json

import numpy as np
import pytest

from digits.core import paths
from digits.core.errors import UserError
from digits.team import gate, paired, standards
from digits.verification.lock import Lock
from tests import made_records

MODEL, DIGEST, OTHER = "cnn", "b" * 64, "c" * 64
PARAMS = standards.Params(
    margin=0.01, class_accuracy=0.5, latency_ms=1e6, size_mib=1e6, robustness={}
)
LABELS = np.arange(2000) % 10


def table(wrong):
    """validation.csv of a model that takes these images for another class."""
    said = LABELS.copy()
    said[list(wrong)] = (said[list(wrong)] + 1) % 10
    rows = zip(range(len(LABELS)), LABELS, said, strict=True)
    lines = [",".join(map(str, row)) for row in rows]
    return "\n".join(["index,label,prediction", *lines, ""]).encode()


def committed(wrong, digest=DIGEST):
    train = made_records.train(MODEL, model_sha256=digest)
    test = made_records.tested(MODEL, LABELS, np.eye(10)[LABELS], [str(one) for one in range(10)])
    return {
        f"metrics/{MODEL}/{name}": content
        for name, content in {
            "train.json": json.dumps(train.as_dict()).encode(),
            "test.json": json.dumps(test.as_dict()).encode(),
            "speed.json": json.dumps(made_records.speed().as_dict()).encode(),
            "robustness.json": json.dumps(made_records.robustness(MODEL).as_dict()).encode(),
            "validation.csv": table(wrong),
        }.items()
    }


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """Writes the working tree's metrics."""
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    monkeypatch.setattr(paths, "METRICS", tmp_path / "metrics")

    def write(files):
        for name, content in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    return write


def compared(base, params=PARAMS):
    return gate.compare(MODEL, base.get, params)


def test_the_same_model_is_not_compared_with_itself(tree):
    tree(committed([1, 2]))
    found = compared(committed([1, 2]))
    assert found.outcome is None
    assert found.faults == ()
    assert found.accuracy == found.before == 0.999


def test_an_equal_model_passes(tree):
    tree(committed([1, 2]))
    found = compared(committed([3, 4], OTHER))
    assert found.faults == ()
    assert (found.outcome.only_before, found.outcome.only_after) == (2, 2)


def test_a_worse_model_is_stopped(tree):
    tree(committed(range(100)))
    (worse,) = [fault for fault in compared(committed([], OTHER)).faults if "accuracy" in fault]
    assert "-5.00% of 2,000 images" in worse


def test_a_lowered_class_is_named_though_the_whole_is_within_the_margin(tree):
    ninths = np.flatnonzero(LABELS == 9)[:15]
    tree(committed(ninths))
    found = compared(committed([], OTHER), PARAMS.model_copy(update={"margin": 0.02}))
    assert len(found.faults) == 1
    assert "class 9 is read worse: 0 images won, 15 lost" in found.faults[0]


def test_a_floor_holds_without_a_base(tree):
    ninths = np.flatnonzero(LABELS == 9)[:15]
    tree(committed(ninths))
    found = compared({}, PARAMS.model_copy(update={"class_accuracy": 0.95}))
    assert found.before is None
    assert "class 9: 92.50%" in found.faults[0]


def test_missing_figures_and_other_images_are_faults(tree):
    assert "is missing" in compared({}).faults[0]
    tree(committed([]))
    other = committed([], OTHER)
    other[f"metrics/{MODEL}/validation.csv"] = table([]).replace(b"\n1,1,1", b"\n1,3,3")
    assert "the same validation images" in compared(other).faults[0]


def test_chance_alone_lowers_no_class(rng):
    """Of 50 changes that lower nothing, at most the share that the level allows is stopped."""
    stopped = 0
    for _ in range(50):
        before, after = (rng.random(len(LABELS)) > 0.01 for _ in range(2))
        stopped += bool(paired.worse_groups(before, after, LABELS))
    assert stopped / 50 <= paired.LEVEL + 4 * np.sqrt(0.05 * 0.95 / 50)


LOCK = b"""
stages:
  split: {deps: [{path: a, md5: "1"}], outs: []}
  train_cnn: {deps: [{path: b, md5: "%s"}], outs: []}
"""


def test_what_ran_again_and_what_came_from_the_cache(tree):
    tree({"dvc.lock": LOCK % b"2"})
    again, cached = gate.stages({"dvc.lock": LOCK % b"1"}.get)
    assert (again, cached) == (("train_cnn",), ("split",))
    assert gate.stages({}.get) == (("split", "train_cnn"), ())
    with pytest.raises(UserError, match=r"dvc\.lock"):
        Lock.parse(b"stages: 3")


def test_the_comment(tree):
    tree(committed(range(100)))
    found = gate.Gate(
        base="d" * 40,
        models=(compared(committed([], OTHER)),),
        faults=("FAILED tests/model/x.py::test[a|b]",),
        behaviour="1 failed",
        again=("train_cnn",),
        cached=(),
    )
    assert not found.good
    text = gate.markdown(found, {})
    assert text.startswith("## Gate: failed\n")
    assert "- FAILED tests/model/x.py::test[a\\|b]" in text
    assert "| cnn | 95.00% | 100.00% | -5.00% (" in text
    assert "- ran again: train_cnn" in text
    assert "- from the cache: nothing" in text
    assert "(reports/comparison.png)" in text
    named = {"GITHUB_SERVER_URL": "https://h", "GITHUB_REPOSITORY": "o/r", "GITHUB_SHA": "s"}
    assert "(https://h/o/r/raw/s/reports/comparison.png)" in gate.markdown(found, named)
