"""Errors that a user can act on, and how a program ends with one."""

import errno
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager


class UserError(Exception):
    """Something outside the code is wrong.

    The message says what was expected, what came and what to do next.
    """


@contextmanager
def reported() -> Iterator[None]:
    """Turn an expected failure into one message on stderr and exit status 1.

    A bug still shows its traceback.  A terminated process unwinds like an interrupted one, so
    that temporary files are removed and the MLflow run is closed.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        yield
    except UserError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("interrupted: nothing was recorded as finished; run the same command again")
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES):
            raise
        sys.exit(
            f"error: {error.strerror}: {error.filename or 'while writing a result'}. "
            "What was finished before is kept; make the folder writable or free some space, "
            "then run the same command again"
        )
