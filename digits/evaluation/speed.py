"""How fast a model predicts, one image alone and many a call, and in how much memory."""

import time
from collections.abc import Callable

import numpy as np

from digits.core import records

LARGE_BATCH = 500
WARM_UP_SECONDS = 0.2
"""Of untimed calls: the first ones find memory and clocks cold."""
SECONDS = 0.6
"""That the timed calls take together, if they are not fewer than `FEWEST` or more than `MOST`."""
FEWEST, MOST = 7, 1000
SPREAD = (5, 95)
"""Percentiles between which most calls lie."""


Score = Callable[[np.ndarray], np.ndarray]
"""From prepared images to probabilities."""


def measure(
    load: Callable[[], Score],
    images: np.ndarray,
    hardware: records.Hardware,
    clock: Callable[[], float] = time.perf_counter,
) -> records.Speed:
    """Time calls with one image and with `LARGE_BATCH`; to be called while nothing else computes.

    Args:
        load: Makes the model ready; whatever else the process needs is loaded before.
        images: (n, height, width, 1) float32; every call gets the next ones, from the first again
            after the last.
        hardware: What is measured on.
        clock: Gives the time in seconds.

    """
    import psutil

    process, batch = psutil.Process(), min(LARGE_BATCH, len(images))
    before = process.memory_info().rss
    score = load()
    added = []
    for size in (1, batch):
        score(images[:size])
        added.append(round(max(process.memory_info().rss - before, 0) / 2**20, 1))
    single = _timed(score, images, 1, clock)
    batched = _timed(score, images, batch, clock)
    return records.Speed(
        latency_ms=single.median_ms,
        images_per_second=round(batched.batch / batched.median_ms * 1000, 1),
        memory_mib=added[0],
        batch_memory_mib=added[1],
        single=single,
        batched=batched,
        hardware=hardware,
    )


def _timed(
    score: Score, images: np.ndarray, batch: int, clock: Callable[[], float]
) -> records.Timed:
    starts = range(0, len(images) - batch + 1, batch)
    calls = [images[start : start + batch] for start in starts]
    begun = clock()
    score(calls[0])
    while clock() - begun < WARM_UP_SECONDS:
        score(calls[0])
    taken: list[float] = []
    while len(taken) < FEWEST or (sum(taken) < SECONDS and len(taken) < MOST):
        part = calls[len(taken) % len(calls)]
        before = clock()
        score(part)
        taken.append(clock() - before)
    median, low, high = np.percentile(np.array(taken) * 1000, (50, *SPREAD)).round(4).tolist()
    return records.Timed(
        batch=batch, repeats=len(taken), median_ms=median, low_ms=low, high_ms=high
    )
