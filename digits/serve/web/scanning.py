"""Images are scanned in processes that are ended at their deadline.

A decoder that is stuck in a hostile image can be ended in no other way.  To start a process costs
half a second, because it imports everything anew; these are forked in milliseconds from one that
has imported what they need.
"""

import asyncio
import multiprocessing
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from multiprocessing import forkserver

from digits.serve.web import scan_process
from digits.serve.web.problems import LOG, RETRY, ProblemError, busy
from digits.serve.web.scan_process import Refused, Result, Scan, Scanned, TooMany
from digits.serve.web.settings import Settings

SECOND = 2
"""How nice processes are that scan large images: they have less, but enough beside many small."""
LARGE_WAITING = 8
"""Large images that wait; further ones get 429."""

context = multiprocessing.get_context("forkserver")


class Turns:
    """Places for scans: whoever has worked for longer than its share gives way to who waits."""

    def __init__(self, places: int, share_seconds: float) -> None:
        self._places, self._free = places, asyncio.Semaphore(places)
        self._share = share_seconds
        self._holding = 0
        self._working: dict[asyncio.Timeout, float] = {}
        self.waiting = 0

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Wait for a place and hold it."""
        self.waiting += 1
        self._make_room()
        try:
            await self._free.acquire()
        finally:
            self.waiting -= 1
            self._make_room()
        self._holding += 1
        try:
            yield
        finally:
            self._holding -= 1
            self._free.release()
            self._make_room()

    @asynccontextmanager
    async def work(self) -> AsyncIterator[None]:
        """Work at the place.

        Raises:
            ProblemError: 503 if the place was given away.

        """
        try:
            async with asyncio.timeout(None) as end:
                self._working[end] = asyncio.get_running_loop().time() + self._share
                self._make_room()
                yield
        except TimeoutError:
            if not end.expired():
                raise
            raise ProblemError(
                503, "this image takes long and others wait; scale it down, or try again", RETRY
            ) from None
        finally:
            del self._working[end]

    def _make_room(self) -> None:
        """Set an end to as many of those that work longest as others wait, and to no more."""
        beyond = self._holding + self.waiting - self._places
        for number, (end, latest) in enumerate(self._working.items()):
            when = latest if number < beyond else None
            if not end.expired() and end.when() != when:
                end.reschedule(when)


class ScanningProcess:
    """One process, seen from the service."""

    def __init__(self, scan: Scan, niceness: int) -> None:
        self._connection, theirs = context.Pipe()
        self._process = context.Process(
            target=scan_process.serve, args=(theirs, scan, niceness), daemon=True, name="scan"
        )
        self._process.start()
        theirs.close()
        self.used_up = False
        """Whether it has worked long, and ends."""
        self._connection.recv()  # it is ready

    @property
    def alive(self) -> bool:
        """Whether it waits for an image: one that has ended has closed its end."""
        return not self._connection.poll()

    def scan(self, data: bytes, most_pixels: int) -> Result | str:
        """Have an image scanned; raises OSError or EOFError if the process is ended meanwhile."""
        self._connection.send((data, most_pixels))
        result: Result | str
        result, self.used_up = self._connection.recv()
        return result

    def end(self) -> None:
        # The connection is closed with the last reference to it: a thread may wait for it.
        self._process.kill()


class Lane:
    """Processes for images of one kind."""

    def __init__(self, scan: Scan, places: int, ready: int, niceness: int, share: float) -> None:
        """Make no process yet.

        Args:
            scan: What they do.
            places: Processes that scan at once.
            ready: Processes that are there before they are needed.
            niceness: How much others go first.
            share: Seconds after which a scan gives way to one that waits.

        """
        self.turns = Turns(places, share)
        self._scan, self._ready, self._niceness = scan, ready, niceness
        self._idle: list[ScanningProcess] = []
        self._busy = 0
        self._threads = ThreadPoolExecutor(places + 1, "scan")  # one of them forks
        self._filling: asyncio.Task[None] | None = None

    async def fill(self) -> None:
        """Have processes ready, unless none can be made: the next image needs one and says so."""
        with suppress(ProblemError):
            while self._lacking():
                self._idle.append(await self._fork())

    def _lacking(self) -> bool:
        return len(self._idle) + self._busy < self._ready

    async def _fork(self) -> ScanningProcess:
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._threads, ScanningProcess, self._scan, self._niceness
            )
        except (EOFError, OSError) as error:
            LOG.error("no process can be made to scan images: %r", error)
            raise ProblemError(
                503, "there is no process to read images at the moment; try again", RETRY
            ) from None

    async def scan(self, data: bytes, most_pixels: int) -> Result:
        """Scan an image when it is its turn; raises ProblemError if that fails."""
        async with self.turns.place(), self._process() as process, self.turns.work():
            try:
                result = await asyncio.get_running_loop().run_in_executor(
                    self._threads, process.scan, data, most_pixels
                )
            except (EOFError, OSError):
                # It crashed, or the system ended it because memory ran out.
                raise ProblemError(
                    422, "this image cannot be read; scale it down, or send a part of it"
                ) from None
        if isinstance(result, str):
            raise RuntimeError(result)
        return result

    @asynccontextmanager
    async def _process(self) -> AsyncIterator[ScanningProcess]:
        """A process to use; it is ended if the use is cut short."""
        while self._idle and not self._idle[-1].alive:
            self._idle.pop()
        self._busy += 1
        try:
            process = self._idle.pop() if self._idle else await self._fork()
            try:
                yield process
            except BaseException:
                process.end()
                raise
            if not process.used_up:
                self._idle.append(process)
        finally:
            self._busy -= 1
            if self._lacking() and (self._filling is None or self._filling.done()):
                self._filling = asyncio.create_task(self.fill())

    def close(self) -> None:
        """End all processes that are idle; those at work end with their requests."""
        if self._filling is not None:
            self._filling.cancel()
        while self._idle:
            self._idle.pop().end()
        self._threads.shutdown(wait=False)


class Scans:
    """Images are scanned in two lanes, so that no large one holds up a small one."""

    def __init__(self, settings: Settings, scan: Scan = scan_process.scan_image) -> None:
        self._quick_pixels = settings.quick_pixels
        workers, share = settings.workers, settings.share_seconds
        self._quick = Lane(scan, 2 * workers, workers, 0, share)
        # Two to a core take twice as long.  Whoever is new is the first, and nobody's turn is over
        # before it had its share of a core.
        places = min(2 * workers, settings.large)
        self._slow = Lane(scan, places, 1, SECOND, max(1, places / workers) * share)

    async def start(self) -> None:
        """Have processes ready."""
        preload()
        await self._quick.fill()
        await self._slow.fill()

    async def scan(self, data: bytes) -> Scanned:
        """Find the digits of an image file.

        Raises:
            ProblemError: if it is no image, cannot be read, or has to give way to others.

        """
        result = await self._quick.scan(data, self._quick_pixels)
        if isinstance(result, TooMany):
            if self._slow.turns.waiting >= LARGE_WAITING:
                raise busy("too many large images are waiting; try again")
            result = await self._slow.scan(data, result.pixels)
        if isinstance(result, Refused):
            raise ProblemError(result.status, result.detail)
        assert isinstance(result, Scanned)
        return result

    def close(self) -> None:
        """End the processes."""
        self._quick.close()
        self._slow.close()


def preload() -> None:
    """Begin to import what the processes need, beside whatever is done next."""
    context.set_forkserver_preload(list(scan_process.PRELOADED))
    forkserver.ensure_running()
