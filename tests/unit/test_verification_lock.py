"""What a dvc.lock records."""

import json

import pytest

from digits.core import paths
from digits.core.errors import UserError
from digits.verification.lock import Lock


def lock(**stages) -> Lock:
    """A dvc.lock: by stage, what it reads, what it writes, and a parameter."""
    tree = {
        "stages": {
            name: {
                "deps": [{"path": path, "md5": md5} for path, md5 in deps.items()],
                "params": {"params.yaml": {"seed": seed}},
                "outs": [{"path": path, "md5": md5} for path, md5 in outs.items()],
            }
            for name, (deps, outs, seed) in stages.items()
        }
    }
    return Lock.model_validate_json(json.dumps(tree))


def test_what_shows_times_is_told_from_what_is_compared_directly():
    known = lock(
        train=({"train.py": "1"}, {"models/svc": "1", "metrics/svc/timing.json": "1"}, 0),
        evaluate=({"models/svc": "1"}, {"metrics/svc/test.json": "1"}, 0),
        compare=({"metrics/svc/timing.json": "1"}, {"reports/comparison.md": "1"}, 0),
        page=({"reports/comparison.md": "1"}, {"reports/report.html": "1"}, 0),
    )
    order = ["train", "evaluate", "new", "compare", "page"]
    assert known.showing_times(order) == ["compare", "page"]


def test_inputs_that_the_record_does_not_know_are_named():
    recorded = lock(
        split=({"split.py": "1"}, {"train.npz": "1"}, 0),
        train=({"train.py": "1", "train.npz": "1"}, {"models/svc": "1"}, 0),
    )
    found = lock(
        split=({"split.py": "1"}, {"train.npz": "2"}, 1),
        train=({"train.py": "2", "train.npz": "2"}, {"models/svc": "2"}, 0),
    )
    assert recorded.changed_inputs(recorded) == {}
    assert recorded.changed_inputs(found) == {
        "split": ["params.yaml"],
        "train": ["train.py"],
    }


def test_some_stages_alone_may_be_asked_for():
    known = lock(split=({}, {"train.npz": "1"}, 0), train=({}, {"models/svc": "2"}, 0))
    assert known.digests == {"train.npz": "1", "models/svc": "2"}
    some = known.only(["train", "new"])
    assert some.digests == {"models/svc": "2"}
    assert some.stages["new"].deps == ()


def test_the_committed_lock_is_read():
    recorded = Lock.load(paths.ROOT)
    assert {"train_ann", "evaluate@cnn", "report"} <= set(recorded.stages)
    assert recorded.digests["models/ann"].endswith(".dir")
    assert recorded.outputs["models/ann"].size > 10**5


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("stages: 3", "stages: "),
        ("schema: '2.0'", "stages: Field required"),
        ("stages: {train: 3}", "stages.train: "),
        ("stages: {train: {deps: [3]}}", r"stages\.train\.deps\.0: "),
        ("stages: {train: {outs: [{path: a}]}}", r"stages\.train\.outs\.0\.md5: Field required"),
        ("stages: {train: {outs: [{path: a, md5: 3}]}}", r"outs\.0\.md5: "),
        ("stages: {train: {outs: [{path: a, md5: b, size: -1}]}}", r"outs\.0\.size: "),
        ("stages: {train: {params: [a]}}", r"stages\.train\.params: "),
        ("[1, 2]", "expected sections"),
        ("stages: &a [*a]", "refers to what it is part of"),
    ],
)
def test_a_damaged_lock_is_said(tmp_path, text, words):
    (tmp_path / "dvc.lock").write_text(text)
    with pytest.raises(UserError, match=words) as caught:
        Lock.load(tmp_path)
    assert "dvc.lock" in str(caught.value)
