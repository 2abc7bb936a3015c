"""Errors that a user can act on, and how a program ends with one."""

import errno
import signal
import sys
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager

from digits.core.parent import followed

UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)
"""Reasons for which only writing fails."""
INVISIBLE = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"""Categories of Unicode that a terminal obeys instead of showing: controls, formats (which turn
the direction of writing around), surrogates, separators of lines."""
JOINERS = "\u200c\u200d"
"""Formats that change nothing but the shape of what they join, as in emoji."""


class UserError(Exception):
    """Something outside the code is wrong.

    The message says what was expected, what came and what to do next.
    """


def printable(text: object) -> str:
    r"""Text of unknown origin for one line of a terminal or a table: what is invisible is escaped.

    "odd<escape>[2J.png" becomes "odd\x1b[2J.png", and a byte that is no UTF-8 "\udcff".
    """
    return "".join(
        character.encode("unicode_escape").decode()
        if unicodedata.category(character) in INVISIBLE and character not in JOINERS
        else character
        for character in str(text)
    )


@contextmanager
def reported() -> Iterator[None]:
    """Turn an expected failure into one message on stderr and exit status 1.

    A bug still shows its traceback.  A terminated process unwinds like an interrupted one, so
    that temporary files are removed and the MLflow run is closed; a stage that is started by DVC
    ends so when DVC is gone.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        with followed():
            yield
    except UserError as error:
        sys.exit("\n".join(printable(line) for line in f"error: {error}".split("\n")))
    except KeyboardInterrupt:
        sys.exit("interrupted: nothing was recorded as finished; run the same command again")
    except OSError as error:
        if error.errno not in (*UNWRITABLE, errno.EACCES):
            raise
        # Where one file is written from another, the second name is the one that is written.
        name = error.filename2 or error.filename or "while writing a result"
        sys.exit(
            f"error: {error.strerror}: {printable(name)}. What was finished before is kept; make "
            "the folder writable or free some space, then run the same command again"
        )
