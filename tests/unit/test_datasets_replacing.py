"""A folder that is replaced as a whole, whoever is killed and however many do it."""

import random
import signal
import subprocess
import sys
import time

import pytest

from digits.core import paths
from digits.datasets.replacing import digests, replaced

FILES = ("a", "b", "c/d")
REPLACE = """
import sys
from pathlib import Path
from digits.datasets.replacing import replaced
print("ready", flush=True)
sys.stdin.readline()
for count in range(int(sys.argv[2])):
    with replaced(Path(sys.argv[1])) as arriving:
        for name in ("a", "b", "c/d"):
            (arriving / name).parent.mkdir(exist_ok=True)
            (arriving / name).write_text(f"{sys.argv[3]} {count}" * 1000)
"""


def fill(folder, text):
    with replaced(folder) as arriving:
        for name in FILES:
            (arriving / name).parent.mkdir(exist_ok=True)
            (arriving / name).write_text(text)


def start(folder, count, name):
    process = subprocess.Popen(
        [sys.executable, "-c", REPLACE, folder, str(count), name],
        cwd=paths.ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def go(process):
    process.stdin.write("\n")
    process.stdin.flush()


def is_whole(folder):
    return set(digests(folder)) == set(FILES) and len(set(digests(folder).values())) == 1


def test_the_new_content_takes_the_place_of_the_old(tmp_path):
    folder = tmp_path / "deeper" / "raw"
    fill(folder, "old")
    (folder / "left over").touch()
    fill(folder, "new")
    assert (folder / "a").read_text() == "new"
    assert is_whole(folder)
    assert {path.name for path in folder.parent.iterdir()} == {"raw", ".raw.lock"}


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_a_failure_keeps_the_old_content(tmp_path, error):
    fill(tmp_path / "raw", "old")
    with pytest.raises(error), replaced(tmp_path / "raw") as arriving:
        (arriving / "a").write_text("half")
        raise error
    assert (tmp_path / "raw" / "a").read_text() == "old"
    assert {path.name for path in tmp_path.iterdir()} == {"raw", ".raw.lock"}


def test_the_same_content_is_left_where_it_is(tmp_path):
    fill(tmp_path / "raw", "old")
    before = (tmp_path / "raw").stat().st_ino
    fill(tmp_path / "raw", "old")
    assert (tmp_path / "raw").stat().st_ino == before
    fill(tmp_path / "raw", "new")
    assert (tmp_path / "raw").stat().st_ino != before


def test_a_link_is_replaced_and_what_it_leads_to_is_kept(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a").write_text("old")
    (tmp_path / "raw").symlink_to("elsewhere")
    fill(tmp_path / "raw", "new")
    assert is_whole(tmp_path / "raw")
    assert not (tmp_path / "raw").is_symlink()
    assert (tmp_path / "elsewhere" / "a").read_text() == "old"
    assert not (tmp_path / ".raw.former").exists()


def test_a_kill_at_any_moment_leaves_a_whole_folder_or_none(tmp_path):
    moments = random.Random(0)
    for attempt in range(8):
        process = start(tmp_path / "raw", 10**6, str(attempt))
        go(process)
        time.sleep(moments.uniform(0, 0.05))
        process.kill()
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        assert not (tmp_path / "raw").exists() or is_whole(tmp_path / "raw")
    fill(tmp_path / "raw", "new")
    assert is_whole(tmp_path / "raw")
    assert {path.name for path in tmp_path.iterdir()} == {"raw", ".raw.lock"}


def test_several_at_once_wait_for_each_other(tmp_path):
    processes = [start(tmp_path / "raw", 20, str(number)) for number in range(3)]
    with replaced(tmp_path / "raw") as arriving:
        for process in processes:
            go(process)
        for process in processes:
            assert "waiting for another process that fills" in process.stderr.readline()
        for name in FILES:
            (arriving / name).parent.mkdir(exist_ok=True)
            (arriving / name).write_text("mine")
    for process in processes:
        process.communicate(timeout=60)
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert is_whole(tmp_path / "raw")
    assert {path.name for path in tmp_path.iterdir()} == {"raw", ".raw.lock"}
