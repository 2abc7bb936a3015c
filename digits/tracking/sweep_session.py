"""The second process of a sweep: it writes what the journal says to MLflow's store.

`search.running` runs it as `python -m digits.tracking.sweep_session FOLDER`.  It reads one word
from its standard input, the status with which the sweep ends; the end of the input without one
means that the sweep's process died.  A store that fails is tried again; the sweep goes on.
"""

import os
import select
import sys
import time
from pathlib import Path

from digits.core.errors import printable
from digits.tracking import connection, journal
from digits.tracking.connection import Patience, Unanswered
from digits.tracking.sweeps import Projection

LOOK_SECONDS = 2.0
"""Between two looks at the journal: what ended meanwhile is written together."""
AGAIN_SECONDS = 20.0
"""From a failure of the store to the next try."""
FAULTS = (Exception, Unanswered)


class Follower:
    """Follows a journal with a store that may fail at any moment."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.projection: Projection | None = None
        self.failure: BaseException | None = None
        self._again = 0.0

    def look(self, patient: bool = False) -> None:
        """Bring the store up to date, unless it has just failed.

        Args:
            patient: Whether to try even then.

        """
        if not patient and time.monotonic() < self._again:
            return
        try:
            self.projection = self.projection or Projection(
                self.folder, Patience(announced=patient)
            )
            self.projection.update()
            self.failure = None
        except FAULTS as error:
            self._failed(error)

    def close(self, status: str) -> None:
        """Write what is left, and how the sweep ended."""
        self.look(patient=True)
        if self.projection is None:
            return
        try:
            self.projection.close(status)
        except FAULTS as error:
            self._failed(error)

    def _failed(self, error: BaseException) -> None:
        # What the store took before is found again by its tags.
        self.projection, self.failure = None, error
        self._again = time.monotonic() + AGAIN_SECONDS


def main(folder: Path) -> None:
    """Follow the journal until the input ends; exit with status 1 if the store lacks something."""
    follower, status = Follower(folder), "KILLED"
    while True:
        ready, _, _ = select.select([sys.stdin], [], [], LOOK_SECONDS)
        if ready:
            status = sys.stdin.readline().strip() or status
            break
        follower.look()
    follower.close(status)
    if follower.failure:
        again = "digits sync"
        if folder.parent != journal.RESULTS:
            again = f"digits sweep ... --storage {folder} --resume"
        why = connection.remedy(follower.failure, again)
        print(f"warning: {printable(why)}. All trials are in {folder}", file=sys.stderr, flush=True)
    # MLflow's threads may still wait for a server.
    os._exit(1 if follower.failure else 0)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
