"""What of a commit is run anew, and on which data."""

import hashlib

from digits.core import files, paths
from digits.datasets.raw.published import MIRROR_VARIABLE, PUBLISHED, File, Published
from digits.verification import rerun


def lock(**stages) -> dict:
    """A dvc.lock: by stage, what it reads, what it writes, and a parameter."""
    return {
        "stages": {
            name: {
                "deps": [{"path": path, "md5": md5} for path, md5 in deps.items()],
                "params": {"params.yaml": {"seed": seed}},
                "outs": [{"path": path, "md5": md5} for path, md5 in outs.items()],
            }
            for name, (deps, outs, seed) in stages.items()
        }
    }


def test_what_shows_times_is_told_from_what_is_compared_directly():
    known = lock(
        train=({"train.py": "1"}, {"models/svc": "1", "metrics/svc/timing.json": "1"}, 0),
        evaluate=({"models/svc": "1"}, {"metrics/svc/test.json": "1"}, 0),
        compare=({"metrics/svc/timing.json": "1"}, {"reports/comparison.md": "1"}, 0),
        page=({"reports/comparison.md": "1"}, {"reports/report.html": "1"}, 0),
    )
    order = ["train", "evaluate", "new", "compare", "page"]
    assert rerun.showing_times(order, known) == ["compare", "page"]


def test_inputs_that_the_record_does_not_know_are_named():
    recorded = lock(
        split=({"split.py": "1"}, {"train.npz": "1"}, 0),
        train=({"train.py": "1", "train.npz": "1"}, {"models/svc": "1"}, 0),
    )
    found = lock(
        split=({"split.py": "1"}, {"train.npz": "2"}, 1),
        train=({"train.py": "2", "train.npz": "2"}, {"models/svc": "2"}, 0),
    )
    assert rerun.changed_inputs(recorded, recorded) == {}
    assert rerun.changed_inputs(recorded, found) == {
        "split": ["params.yaml"],
        "train": ["train.py"],
    }


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
