"""How fast `digits read` is, beside plain processes that do the same without Ray.

Run as `python -m benchmarks.reading [PICTURES]`, after `dvc pull` or `dvc repro`; 100,000 pictures
take some minutes.  The last lines say what 1,000,000,000 pictures would need.
"""

import multiprocessing
import os
import sys
import tempfile
import threading
import time
from pathlib import Path

import cv2
import numpy as np
import psutil

from digits.core import errors, paths
from digits.core.errors import UserError
from digits.data import split
from digits.hardware import detect
from digits.inference import bundle
from digits.report import text
from digits.search import listing, reading
from digits.search.plan import duration
from digits.serve.reader import Reader

PICTURES = 100_000
MODEL = "reader"
A_FOLDER = 1_000
"""Pictures of a folder."""
SIDE, DIGIT = 96, 60
"""Of a picture and of the digit in it, in pixels."""
LARGE, LARGE_CORES = 1_000_000_000, 1_000
MIB = 2**20


def draw(folder: Path, pictures: int) -> int:
    """Write pictures of validation digits, dark on white; returns their bytes."""
    part = split.read(paths.SPLIT, "validation")
    size = 0
    for number in range(pictures):
        image = part.images[number % len(part), :, :, 0]
        ink = cv2.resize((255 * image / image.max()).astype(np.uint8), (DIGIT, DIGIT))
        page = np.full((SIDE, SIDE), 255, np.uint8)
        margin = (SIDE - DIGIT) // 2
        page[margin:-margin, margin:-margin] = 255 - ink
        place = folder / f"{number // A_FOLDER:05d}"
        place.mkdir(parents=True, exist_ok=True)
        content = cv2.imencode(".png", page)[1].tobytes()
        (place / f"{number:08d}.png").write_bytes(content)
        size += len(content)
    return size


def plain(names: list[str]) -> int:
    """What one process without Ray does with its share."""
    from pyarrow.fs import LocalFileSystem

    cv2.setNumThreads(1)
    system, reader, rows = LocalFileSystem(), Reader([MODEL], paths.MODELS, threads=1), 0
    for start in range(0, len(names), reading.TOGETHER):
        some = names[start : start + reading.TOGETHER]
        rows += sum(1 for _ in reading.read(some, system, reader, MODEL))
    return rows


def _watched(memory: list[float], done: threading.Event) -> None:
    """Note the memory of this process and of all that it started, in MiB, twice a second."""
    me = psutil.Process()
    while not done.wait(0.5):
        total = 0
        for one in [me, *me.children(recursive=True)]:
            try:
                info = one.memory_full_info()
                total += getattr(info, "pss", info.rss)
            except psutil.Error:
                continue
        memory.append(total / MIB)


def main(pictures: int = PICTURES) -> None:
    """Read the pictures both ways in a temporary folder and print what it took."""
    cores = detect.usable_cores()
    os.environ["OMP_NUM_THREADS"] = "1"
    with tempfile.TemporaryDirectory() as folder:
        size = draw(Path(folder) / "pictures", pictures)
        source, out = f"{folder}/pictures", Path(folder) / "results.parquet"
        began = time.perf_counter()
        listed = listing.make(source, out, {"digest": bundle.load(paths.MODELS / MODEL).digest})
        listing_seconds = time.perf_counter() - began
        names = [name for part in range(listed.parts) for name in listed.members(part)]
        began = time.perf_counter()
        with multiprocessing.get_context("spawn").Pool(cores) as pool:
            rows = sum(pool.map(plain, [names[at::cores] for at in range(cores)], chunksize=1))
        beside = time.perf_counter() - began

        total = dict.fromkeys(reading.COUNTS, 0)

        def tell(counts: dict[str, int]) -> None:
            for name, count in counts.items():
                total[name] += count

        memory, done = list[float](), threading.Event()
        watcher = threading.Thread(target=_watched, args=(memory, done))
        watcher.start()
        began = time.perf_counter()
        reading.run(listed, source, MODEL, paths.MODELS, None, tell)
        taken = time.perf_counter() - began
        done.set()
        watcher.join()
        results = sum(one.stat().st_size for one in out.glob("*.parquet"))
    thirds = [
        memory[len(memory) * third // 3 : len(memory) * (third + 1) // 3] for third in range(3)
    ]
    speed = pictures / taken
    print(f"{pictures:,} pictures of {size / pictures:.0f} bytes, {cores} cores, model {MODEL}")
    print(f"  listing           {duration(listing_seconds)}")
    print(f"  plain processes   {pictures / beside:,.0f} a second, {rows:,} rows")
    print(f"  digits read       {speed:,.0f} a second, {total['digits']:,} digits")
    print(f"  with Ray's start  {text.percent(beside / taken, 0)} of the plain processes' speed")
    told = ", ".join(f"{np.mean(part):.0f}" for part in thirds if part)
    print(f"  memory            {told} MiB in the thirds of the time, all processes")
    print(f"  results           {results / pictures:.1f} bytes a picture")
    hours = LARGE / (speed / cores) / LARGE_CORES
    print(f"{LARGE:,} pictures on {LARGE_CORES:,} cores:")
    print(f"  reading           {duration(hours)}")
    print(f"  listing           {duration(listing_seconds / pictures * LARGE)}, by one process")
    print(
        f"  pictures          {size / pictures * LARGE / 2**40:.1f} TiB, "
        f"{speed / cores * LARGE_CORES * size / pictures / 2**20:,.0f} MiB a second"
    )
    print(f"  results           {results / pictures * LARGE / 2**30:,.0f} GiB in "
          f"{LARGE // listing.PART:,} files")  # fmt: skip


if __name__ == "__main__":
    with errors.reported():
        if len(sys.argv) > 2 or not all(one.isdigit() for one in sys.argv[1:]):
            raise UserError("expected a number of pictures after the command")
        main(*map(int, sys.argv[1:]))
