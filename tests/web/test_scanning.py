"""Processes that scan: ended at their deadline, replaced, and fair to whoever waits."""

import asyncio
import os
import signal
import time

import psutil
import pytest

from digits.serve.web.problems import ProblemError
from digits.serve.web.scan_process import QUICK_SECONDS
from digits.serve.web.scanning import Scans
from digits.serve.web.settings import Settings
from tests.web import commanded_scans

SHARE = 0.3
LARGE = 1_000_000
SOON = 5.0
"""Seconds in which something happens even on a busy machine."""


def with_scans(test, **changes):
    """Run a coroutine function that is given scans with short shares."""
    limits = {"workers": 1, "share_seconds": SHARE, "quick_pixels": LARGE, "large": 1} | changes

    async def run():
        scans = Scans(Settings(**limits), commanded_scans.scan)
        await scans.start()
        try:
            await asyncio.wait_for(test(scans), 60)
        finally:
            scans.close()

    asyncio.run(run())


def gone(pid):
    deadline = time.monotonic() + SOON
    while psutil.pid_exists(pid):  # its threads may outlast it for a moment
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def given_way(long):
    """Some of these scans were ended because others waited; the rest ends here."""
    ended = [task for task in long if task.done()]
    assert ended
    for task in ended:
        with pytest.raises(ProblemError, match="others wait") as refusal:
            task.result()
        assert refusal.value.status == 503
        assert refusal.value.headers
        assert "retry-after" in refusal.value.headers
    for task in long:
        task.cancel()


def test_processes_stay():
    async def test(scans):
        found = [(await scans.scan(b"1 take 0")).width for _ in range(5)]
        assert len(set(found)) == 1
        assert found[0] != os.getpid()

    with_scans(test)


def test_a_scan_is_ended_with_the_time_of_its_request():
    async def test(scans):
        spinning = (await scans.scan(b"1 take 0")).width
        begun = time.monotonic()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await scans.scan(b"1 spin 60")
        assert time.monotonic() - begun < SOON
        assert gone(spinning)
        assert (await scans.scan(b"1 take 0")).width != spinning

    with_scans(test)


def test_whoever_waits_waits_no_longer_than_a_share():
    async def test(scans):
        long = [asyncio.create_task(scans.scan(b"1 spin 60")) for _ in range(2)]
        await asyncio.sleep(0.1)
        begun = time.monotonic()
        await asyncio.gather(*(scans.scan(b"1 take 0") for _ in range(8)))
        assert time.monotonic() - begun < SHARE + SOON
        given_way(long)

    with_scans(test)


def test_nobody_gives_way_unless_others_wait():
    async def test(scans):
        long = asyncio.create_task(scans.scan(f"1 take {4 * SHARE}".encode()))
        while not long.done():
            await scans.scan(b"1 take 0.01")
        assert long.result().height == 1

    with_scans(test)


def test_large_images_do_not_hold_up_small_ones_and_give_way_to_each_other():
    async def test(scans):
        large = [asyncio.create_task(scans.scan(f"{LARGE + 1} take 60".encode())) for _ in range(3)]
        await asyncio.sleep(0.1)
        for _ in range(5):
            await scans.scan(f"{LARGE} take 0".encode())
        last = await scans.scan(f"{LARGE + 1} take 0".encode())
        assert last.height == 1
        given_way(large)

    with_scans(test)


def test_too_many_large_images_are_told_to_come_again():
    async def test(scans):
        large = [
            asyncio.create_task(scans.scan(f"{LARGE + 1} take 60".encode())) for _ in range(20)
        ]
        done, waiting = await asyncio.wait(large, timeout=SHARE / 2)
        while not done:
            done, waiting = await asyncio.wait(large, timeout=SHARE / 2)
        for task in done:
            with pytest.raises(ProblemError) as refusal:
                task.result()
            assert refusal.value.status == 429
        for task in waiting:
            task.cancel()

    with_scans(test, share_seconds=30)


def test_a_process_that_worked_long_lets_others_go_first_and_ends():
    async def test(scans):
        pid = (await scans.scan(b"1 take 0")).width
        working = asyncio.create_task(scans.scan(f"1 spin {3 * QUICK_SECONDS}".encode()))
        while os.getpriority(os.PRIO_PROCESS, pid) == 0:
            await asyncio.sleep(0.01)
        assert (await working).width == pid
        assert gone(pid)
        assert (await scans.scan(b"1 take 0")).width != pid
        # Time that is not spent on work does not count.
        pid = (await scans.scan(f"1 take {3 * QUICK_SECONDS}".encode())).width
        assert (await scans.scan(b"1 take 0")).width == pid

    with_scans(test)


def test_large_images_let_others_go_first():
    async def test(scans):
        pid = (await scans.scan(b"1 take 0")).width
        large = (await scans.scan(f"{LARGE + 1} take 0".encode())).width
        assert os.getpriority(os.PRIO_PROCESS, large) > os.getpriority(os.PRIO_PROCESS, pid)

    with_scans(test)


@pytest.mark.parametrize("pixels", [1, LARGE + 1])
def test_a_crash_is_the_image_s_fault_and_nobody_else_s(pixels):
    async def test(scans):
        for _ in range(3):
            with pytest.raises(ProblemError, match="cannot be read") as refusal:
                await scans.scan(f"{pixels} crash".encode())
            assert refusal.value.status == 422
        assert (await scans.scan(b"1 take 0")).height == 1

    with_scans(test)


def test_a_fault_of_the_code_is_told_with_its_trace():
    async def test(scans):
        with pytest.raises(RuntimeError, match=r"commanded_scans(.|\n)*ValueError: fault"):
            await scans.scan(b"1 fault")
        assert (await scans.scan(b"1 take 0")).height == 1

    with_scans(test)


def test_a_process_that_was_ended_from_outside_is_replaced():
    async def test(scans):
        first = (await scans.scan(b"1 take 0")).width
        os.kill(first, signal.SIGKILL)
        assert gone(first)
        assert (await scans.scan(b"1 take 0")).width != first

    with_scans(test)


def test_decoders_write_nothing_into_the_log(capfd):
    async def test(scans):
        assert (await scans.scan(b"1 warn")).height == 1

    with_scans(test)
    assert "nonsense" not in capfd.readouterr().err
