"""A scan that does what the "image" says; it is imported by the processes that scan."""

import os
import time

from digits.serve.web.scan_process import Scanned, TooMany


def scan(data, most_pixels):
    """`PIXELS COMMAND SECONDS`; the width that is found is the process's number."""
    if data.startswith(b"\x89PNG"):
        return Scanned(0, 0, ())
    pixels, command, *rest = data.decode().split()
    if int(pixels) > most_pixels:
        return TooMany(int(pixels))
    match command:
        case "take":
            time.sleep(float(rest[0]))
        case "spin":
            end = time.process_time() + float(rest[0])
            while time.process_time() < end:
                pass
        case "crash":
            os.abort()
        case "fault":
            raise ValueError(command)
        case "warn":
            os.write(2, b"libpng warning: nonsense\n")
    return Scanned(os.getpid(), 1, ())
