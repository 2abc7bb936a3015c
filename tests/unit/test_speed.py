"""Speeds, measured with a clock that the test turns."""

import itertools

import numpy as np
import pytest

from digits.evaluation import speed
from tests import made_records


class Slow:
    """Scores whose calls take as many seconds as they are told to, and the clock that shows it."""

    def __init__(self, seconds):
        self.now, self.seconds, self.sizes = 0.0, seconds, []

    def score(self, images):
        self.sizes.append(len(images))
        self.now += self.seconds(len(self.sizes), len(images))
        return np.zeros((len(images), 10))

    def clock(self):
        return self.now

    def measure(self, images):
        shape = np.zeros((images, 28, 28, 1), np.float32)
        return speed.measure(lambda: self.score, shape, made_records.HARDWARE, self.clock)


def test_the_median_does_not_see_a_cold_start_or_an_interruption():
    slow = Slow(lambda call, size: 5.0 if call == 1 or call % 11 == 0 else 0.001 * size)
    measured = slow.measure(2000)
    assert measured.latency_ms == measured.single.median_ms == pytest.approx(1)
    assert measured.images_per_second == pytest.approx(1000)
    assert measured.batched.high_ms >= measured.batched.median_ms == pytest.approx(500)
    assert measured.hardware == made_records.HARDWARE


@pytest.mark.parametrize(
    ("seconds", "repeats"), [(1e-6, speed.MOST), (0.02, speed.SECONDS / 0.02), (60, speed.FEWEST)]
)
def test_calls_are_repeated_as_long_as_it_is_worth_it(seconds, repeats):
    measured = Slow(lambda call, size: seconds).measure(600)
    assert measured.single.repeats == pytest.approx(repeats, abs=1)
    assert measured.batched.repeats == pytest.approx(repeats, abs=1)


def test_calls_are_timed_after_a_warm_up():
    slow = Slow(lambda call, size: 0.1)
    measured = slow.measure(600)
    warming = len(slow.sizes) - measured.single.repeats - measured.batched.repeats
    assert warming * 0.1 >= 2 * speed.WARM_UP_SECONDS


def test_a_small_set_is_one_batch():
    slow = Slow(lambda call, size: 1.0)
    measured = slow.measure(7)
    assert (measured.single.batch, measured.batched.batch) == (1, 7)
    assert set(slow.sizes) == {1, 7}


def test_the_spread_is_of_the_percentiles():
    slow = Slow(lambda call, size: 0.00001 * (1 + call % 100))
    single = slow.measure(600).single
    assert single.low_ms == pytest.approx(0.05, abs=0.02)
    assert single.median_ms == pytest.approx(0.5, abs=0.02)
    assert single.high_ms == pytest.approx(0.95, abs=0.02)


def test_memory_is_what_the_model_adds_and_then_the_batch():
    kept = []

    def grown(mebibytes):
        kept.append(np.ones(mebibytes * 2**20, np.uint8))

    def load():
        grown(64)
        return lambda images: grown(0 if len(kept) > 4 else len(images) // 5)

    images = np.zeros((500, 28, 28, 1), np.float32)
    ticks = itertools.count()
    measured = speed.measure(load, images, made_records.HARDWARE, lambda: float(next(ticks)))
    assert measured.memory_mib == pytest.approx(64, abs=16)
    assert measured.batch_memory_mib == pytest.approx(164, abs=16)
