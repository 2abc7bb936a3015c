"""Images are scanned in processes that are ended at their deadline.

A decoder that is stuck in a hostile image can be ended in no other way.  anyio's worker processes
could be, too, but each costs half a second to start, because it imports everything anew; these
are forked in milliseconds from one that has imported what they need.
"""

import asyncio
import multiprocessing
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from multiprocessing import forkserver
from typing import Any

from anyio import CapacityLimiter, to_thread

from digits.serve.web import scan_process
from digits.serve.web.problems import RETRY, ProblemError, busy
from digits.serve.web.scan_process import Opened, Refused, Scan, Scanned
from digits.serve.web.settings import Settings

SLOWED_AFTER = 0.4
"""Seconds after which a scan lets all others go first.  A drawing takes 0.02, a photo 0.3."""
NICENESS = 15
LEAVE = b"go on"
LARGE_WAITING = 8
"""Large images that wait, each in a process of its own; further ones get 429."""

context = multiprocessing.get_context("forkserver")


class Turns:
    """Places for scans: whoever has held one for longer than its share gives way to who waits."""

    def __init__(self, places: int, share_seconds: float) -> None:
        self._places = CapacityLimiter(places)
        self._share = share_seconds
        self._held: dict[object, tuple[asyncio.Timeout, float]] = {}
        self.waiting = 0

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a place and hold it.

        Raises:
            ProblemError: 503 if the place was given away.

        """
        holder = object()
        self.waiting += 1
        self._make_room()
        try:
            await self._places.acquire_on_behalf_of(holder)
        finally:
            self.waiting -= 1
            self._make_room()
        try:
            async with asyncio.timeout(None) as end:
                self._held[holder] = end, asyncio.get_running_loop().time()
                self._make_room()
                yield
        except TimeoutError:
            if not end.expired():
                raise
            raise ProblemError(
                503, "this image takes long and others wait; scale it down, or try again", RETRY
            ) from None
        finally:
            del self._held[holder]
            self._places.release_on_behalf_of(holder)
            self._make_room()

    def _make_room(self) -> None:
        """Set an end to as many of the longest turns as others wait for, and to no more."""
        beyond = len(self._held) + self.waiting - self._places.total_tokens
        for place, (end, began) in enumerate(self._held.values()):
            when = began + self._share if place < beyond else None
            if not end.expired() and end.when() != when:
                end.reschedule(when)


class ScanningProcess:
    """One process, seen from the service."""

    def __init__(self, scan: Scan) -> None:
        self._connection, theirs = context.Pipe()
        self._process = context.Process(
            target=scan_process.serve, args=(theirs, scan), daemon=True, name="scan"
        )
        self._process.start()
        theirs.close()
        self.used_up = False
        """Whether it is to be replaced: it stays slow, or may keep much memory."""

    @property
    def alive(self) -> bool:
        """Whether it waits for an image: one that has ended has closed its end."""
        return not self._connection.poll()

    def ask(self, message: bytes) -> Any:
        """Send a message and wait for the answer; raises OSError or EOFError if it is ended."""
        self._connection.send_bytes(message)
        return self._connection.recv()

    def slow_down(self) -> None:
        """Let all other processes go first, from now on."""
        self.used_up = True
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, self._process.pid or 0, NICENESS)

    def end(self) -> None:
        # The connection is closed with the last reference to it: a thread may wait for it.
        self._process.kill()


class Scans:
    """The processes, and who may use them."""

    def __init__(self, settings: Settings, scan: Scan = scan_process.scan_image) -> None:
        self._settings, self._scan = settings, scan
        self._turns = Turns(2 * settings.workers, settings.share_seconds)
        self._large_turns = Turns(settings.large, settings.share_seconds)
        self._idle: list[ScanningProcess] = []
        self._threads = CapacityLimiter(settings.workers + settings.waiting + 1)
        self._filling: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Have a process ready for each core."""
        preload()
        while len(self._idle) < self._settings.workers:
            self._idle.append(await self._fork())

    async def _fork(self) -> ScanningProcess:
        return await to_thread.run_sync(ScanningProcess, self._scan, limiter=self._threads)

    async def scan(self, data: bytes) -> Scanned:
        """Find the digits of an image file.

        Raises:
            ProblemError: if it is no image, cannot be read, or has to give way to others.

        """
        async with AsyncExitStack() as stack:
            async with self._turns.turn():
                process = await stack.enter_async_context(self._process())
                result = await self._ask(process, data)
                large = isinstance(result, Opened) and result.pixels > self._settings.large_pixels
                if isinstance(result, Opened) and not large:
                    result = await self._ask(process, LEAVE)
            if large:
                if self._large_turns.waiting >= LARGE_WAITING:
                    raise busy("too many large images are waiting; try again")
                process.used_up = True
                async with self._large_turns.turn():
                    result = await self._ask(process, LEAVE)
        match result:
            case Scanned():
                return result
            case Refused(status, detail):
                raise ProblemError(status, detail)
        raise RuntimeError(f"a scanning process answered {result}")

    @asynccontextmanager
    async def _process(self) -> AsyncIterator[ScanningProcess]:
        """A process to use; it is ended if the use is cut short."""
        while self._idle and not self._idle[-1].alive:
            self._idle.pop()
        process = self._idle.pop() if self._idle else await self._fork()
        slow = asyncio.get_running_loop().call_later(SLOWED_AFTER, process.slow_down)
        kept = False
        try:
            yield process
            kept = not process.used_up and len(self._idle) < self._settings.workers
        finally:
            slow.cancel()
            if kept:
                self._idle.append(process)
            else:
                process.end()
                if self._filling is None or self._filling.done():
                    self._filling = asyncio.create_task(self.start())

    async def _ask(self, process: ScanningProcess, message: bytes) -> Any:
        try:
            return await to_thread.run_sync(
                process.ask, message, abandon_on_cancel=True, limiter=self._threads
            )
        except (EOFError, OSError):
            # It crashed, or the system ended it because memory ran out.
            process.used_up = True
            raise ProblemError(
                422, "this image cannot be read; scale it down, or send a part of it"
            ) from None

    def close(self) -> None:
        """End all processes that are idle; those at work end with the requests."""
        if self._filling is not None:
            self._filling.cancel()
        while self._idle:
            self._idle.pop().end()


def preload() -> None:
    """Begin to import what the processes need, beside whatever is done next."""
    context.set_forkserver_preload(list(scan_process.PRELOADED))
    forkserver.ensure_running()
