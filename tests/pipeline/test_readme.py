"""The README shows what the committed run printed."""

import subprocess

from digits.core import paths


def committed(path: str) -> str:
    """A file as committed: a later run on another machine has other timings."""
    shown = subprocess.run(
        ["git", "show", f"HEAD:{path}"], cwd=paths.ROOT, capture_output=True, check=True
    )
    return shown.stdout.decode()


def test_the_results_table_is_the_reports():
    shown = committed("README.md").split("<!-- results: reports/comparison.md -->")[1]
    shown = shown.split("<!-- end of results -->")[0]
    assert shown.strip() == committed("reports/comparison.md").strip()


def test_every_make_target_and_picture_that_it_names_exists():
    readme = (paths.ROOT / "README.md").read_text(encoding="utf-8")
    makefile = (paths.ROOT / "Makefile").read_text(encoding="utf-8")
    for word in ("repro", "test", "mlflow", "help"):
        assert f"make {word}" in readme
        assert f"\n{word}:" in makefile
    for part in readme.split("](")[1:]:
        target = part.split(")")[0]
        if "://" not in target:
            assert (paths.ROOT / target).is_file(), target
