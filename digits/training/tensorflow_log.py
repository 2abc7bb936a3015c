"""What TensorFlow's libraries log while they are loaded, as quiet as it was asked for.

Two of them log before they read TF_CPP_MIN_LOG_LEVEL, each the same lines: that oneDNN is on, that
no CUDA was found.  So a second process reads what is written to the standard error meanwhile and
passes on what that variable lets through, once.  It is a process of its own for the sake of the
last words of a library that ends the interpreter, say for want of an instruction.
"""

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator

LEVELS = "IWEF"
"""Information, warning, error, fatal: the first letter of a line, by TF_CPP_MIN_LOG_LEVEL."""
LINE = re.compile(rf"([{LEVELS}])\d{{4}} [\d:.]+ +\d+ (.*)", re.DOTALL)
HEADER = "WARNING: All log messages before absl::InitializeLog() is called are written to STDERR"
END_SECONDS = 5


@contextlib.contextmanager
def heeding_its_level() -> Iterator[None]:
    """Filter what the block writes to the standard error, from whatever language."""
    sys.stderr.flush()
    kept = os.dup(2)
    with subprocess.Popen([sys.executable, "-I", "-S", __file__], stdin=subprocess.PIPE) as reader:
        assert reader.stdin is not None
        os.dup2(reader.stdin.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)
            reader.stdin.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                reader.wait(END_SECONDS)
            reader.kill()  # if a process that was started meanwhile still holds the pipe


def passed_on(lines: Iterable[str], level: int) -> Iterator[str]:
    """Those lines that are no log, or are at least of the level, each message once."""
    seen = set()
    for line in lines:
        logged = LINE.fullmatch(line)
        if line.rstrip() == HEADER:
            continue
        if logged:
            if LEVELS.index(logged[1]) < level or logged.groups() in seen:
                continue
            seen.add(logged.groups())
        yield line


def main() -> None:
    """Pass on the standard input to the standard error."""
    asked = os.environ.get("TF_CPP_MIN_LOG_LEVEL", "")
    for line in passed_on(sys.stdin, int(asked) if asked.isdigit() else 0):
        sys.stderr.write(line)
        sys.stderr.flush()


if __name__ == "__main__":
    main()
