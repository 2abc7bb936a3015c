"""The champion as a reader of pictures, and a service that follows it.

Nothing but the files that `digits promote` registered is downloaded, each under its digest; they
are read by `digits.inference`, which runs no code of theirs.
"""

import sys
import tempfile
import threading
import time
from pathlib import Path

from digits.core.errors import UserError, printable
from digits.serve.reader import Reader
from digits.team.pyfunc import arrange
from digits.team.registry import CHAMPION, NAME, Registry
from digits.tracking import connection
from digits.tracking.store import Store

LOOK_SECONDS = 2.0
"""Between two looks at the registry."""


def open_registry() -> Registry:
    """Reach the registry; raises whatever a store can fail with."""
    return Registry(Store())


def read(number: int, registry: Registry, threads: int = 0) -> Reader:
    """Load a version of the registered model; in the reader its name is `CHAMPION`.

    Raises:
        UserError: if its files are not those that were promoted, or cannot be used.

    """
    version = registry.version(number)
    with tempfile.TemporaryDirectory() as folder:
        downloaded, arranged = Path(folder) / "downloaded", Path(folder) / "models"
        downloaded.mkdir()
        arranged.mkdir()
        arrange(registry.fetch(version, downloaded), CHAMPION, arranged)
        return Reader([CHAMPION], arranged, threads)


def number(registry: Registry) -> int:
    """The champion's version.

    Raises:
        UserError: if there is no champion.

    """
    found = registry.champion()
    if found is None:
        raise UserError(
            f"MLflow's registry {connection.address()} has no champion of {NAME}; make one with "
            "`digits promote MODEL`, or name a model"
        )
    return found


def load(task: str, threads: int = 0) -> Reader:
    """The champion as it is now, for the command `task`."""
    with connection.in_reach(task):
        registry = open_registry()
        return read(number(registry), registry, threads)


class Follower:
    """The reader of whichever version is champion; a new one takes over when it is ready.

    Args:
        registry: Where the champion is.
        threads: Cores to use for an image.

    """

    def __init__(self, registry: Registry, threads: int) -> None:
        self._registry, self._threads = registry, threads
        self._number = number(registry)
        self._reader = read(self._number, registry, threads)
        self._refused: str | None = None

    def __call__(self) -> Reader:
        """The reader of this moment, which whoever asks keeps for one request."""
        return self._reader

    def start(self) -> None:
        """Follow the champion in a thread for as long as the process lives."""
        threading.Thread(target=self._follow, name="champion", daemon=True).start()

    def _follow(self) -> None:
        while True:
            time.sleep(LOOK_SECONDS)
            try:
                self.look()
                self._refused = None
            except (Exception, connection.Unanswered) as error:
                self._say(connection.remedy(error, "digits promote MODEL"))

    def look(self) -> None:
        """Ask the registry once; load the champion if it is another one.

        Raises:
            UserError: if it must not be loaded, or tells other classes apart than its predecessor.

        """
        found = number(self._registry)
        if found == self._number:
            return
        reader = read(found, self._registry, self._threads)
        if reader.classes != self._reader.classes:
            raise UserError(
                f"version {found} of {NAME} tells {', '.join(reader.classes)} apart, not "
                f"{', '.join(self._reader.classes)}; start the service anew to serve it"
            )
        # One assignment: a request has the reader before or the one after it.
        self._reader, self._number = reader, found
        print(f"champion: version {found}, {reader.digests[CHAMPION][:12]}", flush=True)

    def _say(self, why: str) -> None:
        """Say once that the service stays with what it has."""
        if why != self._refused:
            self._refused = why
            print(printable(f"the champion stays version {self._number}: {why}"), file=sys.stderr)
