"""Two commits' outputs, side by side."""

import pytest

from benchmarks import outputs
from digits.core import paths
from digits.core.errors import UserError
from digits.tracking import git


def test_what_is_equal_is_counted_and_the_rest_named(monkeypatch, tmp_path, capsys):
    def lock(**outs: str) -> bytes:
        return "\n".join(
            ["stages:", "  s:", "    outs:"]
            + [f"    - {{path: {path}, md5: '{md5}'}}" for path, md5 in outs.items()]
        ).encode()

    commits = {"old": lock(a="1", b="2", c="3")}
    monkeypatch.setattr(git, "content", lambda revision, path: commits.get(revision))
    monkeypatch.setattr(paths, "DVC_LOCK", tmp_path / "dvc.lock")
    paths.DVC_LOCK.write_bytes(lock(a="1", b="4", d="5"))
    outputs.main("old")
    assert capsys.readouterr().out.splitlines() == [
        "1 of 2 outputs are the same bytes",
        "  other bytes: b",
        "  no longer made: c",
        "  new: d",
    ]
    with pytest.raises(UserError, match="expected a commit"):
        outputs.main("unknown")
