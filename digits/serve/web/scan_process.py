"""What happens in a process that scans images, which may be ended at any moment."""

import os
import signal
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection

import cv2
import numpy as np
from threadpoolctl import threadpool_limits

from digits.core.errors import UserError
from digits.scan.page.find import find_digits
from digits.scan.single.decode import NoImageError, TooLargeError, decoded, open_image
from digits.scan.single.types import Digit
from digits.serve import png

PRELOADED = (__name__, "digits.cli")
"""What the processes are forked with, so that each is ready in milliseconds.  The second because
each imports the main module anew, which is the script `digits`."""
LAST = 7
"""How nice a process is that has worked long: whoever is new goes first, yet it gets on."""
QUICK_SECONDS = 0.4
"""Of processor time.  A drawing takes 0.02, a photo of 12 million pixels 0.3."""


@dataclass(frozen=True)
class Scanned:
    """The digits of an image."""

    width: int
    height: int
    """Of the upright image, in pixels."""
    digits: tuple[Digit, ...]
    """In reading order."""


@dataclass(frozen=True)
class Refused:
    """Why an image was not scanned, as an HTTP status and a sentence."""

    status: int
    detail: str


@dataclass(frozen=True)
class TooMany:
    """An image has more pixels than were to be scanned."""

    pixels: int


Result = Scanned | Refused | TooMany
Scan = Callable[[bytes, int], Result]
"""Scans an image file, unless it has more pixels than the second argument says."""


def serve(connection: Connection, scan: Scan, niceness: int) -> None:
    """Scan one image file after the other, until the other end is closed or one took long.

    Args:
        connection: The arguments of `scan` come in; a `Result` or the trace of a fault goes out,
            with whether it was the last one.
        scan: What scans.
        niceness: How much others go first: 0 for not at all.

    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the service ends its processes itself
    os.nice(niceness)
    # Decoders written in C warn of hostile images on this descriptor, line after line.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    cv2.setNumThreads(1)
    threadpool_limits(1, "blas")
    # The first scan takes three times as long as the second: have it over.
    warm = np.zeros((28, 28, 1), np.uint8)
    scan(png.encode(cv2.rectangle(warm, (8, 4), (18, 23), 255, 2)), warm.size)
    used_up = False

    def let_others_go_first(*_: object) -> None:
        nonlocal used_up
        used_up = True  # there is no way back without privileges
        os.setpriority(os.PRIO_PROCESS, os.getpid(), LAST)

    signal.signal(signal.SIGPROF, let_others_go_first)
    with suppress(EOFError, ConnectionError):
        connection.send("ready")
        while not used_up:
            asked = connection.recv()
            signal.setitimer(signal.ITIMER_PROF, QUICK_SECONDS)
            result: Result | str
            try:
                result = scan(*asked)
            except Exception:
                result = traceback.format_exc()
            signal.setitimer(signal.ITIMER_PROF, 0)
            connection.send((result, used_up))


def scan_image(data: bytes, most_pixels: int) -> Result:
    """Decode an image file and find its digits.

    Args:
        data: The file: nothing that it holds is to be trusted.
        most_pixels: More than that are not decoded.

    """
    try:
        image = open_image(data)
        if image.pixels > most_pixels:
            return TooMany(image.pixels)
        grey = decoded(image)
    except TooLargeError as error:
        return Refused(413, str(error))
    except NoImageError as error:
        return Refused(415, str(error))
    except UserError as error:
        return Refused(422, str(error))
    try:
        digits = find_digits(grey)
    except (cv2.error, MemoryError):
        return Refused(422, "this image cannot be read; scale it down, or send a part of it")
    height, width = grey.shape
    return Scanned(width, height, tuple(digits))
