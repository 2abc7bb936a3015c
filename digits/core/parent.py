"""A stage ends when the `dvc` that started it is gone.

`kill -9` of `dvc` alone would leave the stage at work, and a second `dvc repro` would train beside
it and write the same files.
"""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ksh", "fish", "busybox"})
"""DVC runs a command in a shell, which outlives it: what counts is who started the shell."""
LOOK_SECONDS = 1.0
GRACE_SECONDS = 10.0
"""From the request to end, which a long call into a library delays, to the end by force."""


@contextmanager
def followed() -> Iterator[None]:
    """End this process, as by SIGTERM, once the DVC that runs it, if any, is gone."""
    if "DVC_STAGE" not in os.environ:
        yield
        return

    import psutil

    starter = next(one for one in psutil.Process().parents() if one.name() not in SHELLS)
    left = threading.Event()

    def follow() -> None:
        while starter.is_running():
            if left.wait(LOOK_SECONDS):
                return
        os.kill(os.getpid(), signal.SIGTERM)
        if not left.wait(GRACE_SECONDS):
            os._exit(128 + signal.SIGTERM)

    threading.Thread(target=follow, name="dvc", daemon=True).start()
    try:
        yield
    finally:
        left.set()
