"""The committed results are those of the committed code."""

import subprocess

from digits.core import paths


def test_dvc_lock_belongs_to_the_code_and_the_parameters():
    shown = subprocess.run(
        ["dvc", "repro", "--dry", "--allow-missing"],
        cwd=paths.ROOT,
        capture_output=True,
        text=True,
    )
    assert shown.returncode == 0, shown.stderr
    assert "Running stage" not in shown.stdout, shown.stdout
