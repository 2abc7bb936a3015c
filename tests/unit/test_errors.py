"""How a program ends with an expected failure, and what of unknown names reaches a terminal."""

import errno
import os
import signal

import pytest

from digits.core import errors
from digits.core.errors import UserError


@pytest.fixture(autouse=True)
def _signals():
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize(
    ("raised", "words"),
    [
        (UserError("expected a digit"), "error: expected a digit"),
        (UserError("two\nlines"), "two\nlines"),
        (UserError("\x1b[2Jgone"), r"\x1b[2Jgone"),
        (OSError(errno.ENOSPC, "No space left on device", "x.npz"), "x.npz"),
        (OSError(errno.ENOSPC, "No space left on device", "read", None, "written"), ": written."),
        (OSError(errno.EFBIG, "File too large", "x.npz"), "File too large: x.npz"),
        (KeyboardInterrupt(), "interrupted"),
    ],
)
def test_an_expected_failure_is_one_message(raised, words):
    with pytest.raises(SystemExit) as caught, errors.reported():
        raise raised
    assert words in str(caught.value)
    with pytest.raises(ZeroDivisionError), errors.reported():
        raise ZeroDivisionError


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("four 4.png", "four 4.png"),
        ("vier-größer-四-\u202f\U0001f468\u200d\U0001f469.png",) * 2,
        ("a\x1b]0;title\x07b", r"a\x1b]0;title\x07b"),
        ("a\nb\tc\rd", r"a\nb\tc\rd"),
        ("a\u202egnp.b", r"a\u202egnp.b"),
        ("a\x9bb", r"a\x9bb"),
        ("a\u2028b", r"a\u2028b"),
        (os.fsdecode(b"a\xffb"), r"a\udcffb"),
        (3, "3"),
    ],
)
def test_what_a_terminal_would_obey_is_escaped(text, shown):
    assert errors.printable(text) == shown
