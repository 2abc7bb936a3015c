"""One file from one mirror: which bytes are taken and why others are refused."""

import contextlib
import hashlib
import os
import socket
import ssl
import subprocess
import sys
import time
import tracemalloc
from dataclasses import replace

import pytest

from digits.datasets.raw.published import File
from digits.datasets.transfer import LIMITS, Limits, Refused, Unusable, fetch, shown
from tests.bad_servers import RIGHT, WRONG, good, redirect_to, serving, slow_body

BODY = bytes(range(256)) * 40
FILE = File("images.gz", len(BODY), hashlib.sha256(BODY).hexdigest())
IMPATIENT = Limits(connect_seconds=0.5, answer_seconds=0.5, stretch_bytes=4096, stretch_seconds=0.5)


@pytest.fixture
def get(tmp_path):
    """Fetches from a mirror; gives the bytes."""

    def get(mirror, limits=LIMITS, seconds=60.0):
        target = tmp_path / "arrived"
        deadline = time.monotonic() + seconds
        try:
            fetch(mirror, FILE, target, tmp_path, limits, deadline, lambda count: None)
        except Refused:
            assert not target.exists()
            raise
        return target.read_bytes()

    return get


@pytest.mark.parametrize("name", RIGHT)
def test_the_published_bytes_are_taken_however_they_come(get, name):
    with serving(RIGHT[name], {FILE.name: BODY}) as address:
        assert get(address) == BODY
        assert get(address.upper() + "/deeper/") == BODY


@pytest.mark.parametrize("name", WRONG)
def test_every_misbehaviour_of_a_server_is_a_refusal(get, name):
    began = time.monotonic()
    with serving(WRONG[name], {FILE.name: BODY}) as address, pytest.raises(Refused) as refused:
        get(address, IMPATIENT)
    assert time.monotonic() - began < LIMITS.answer_seconds
    assert str(refused.value).isprintable()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("an HTML page", "HTML page"),
        ("closed early", r"broke off after \d.* of 10,240 bytes"),
        ("closed early without length", "expected 10,240 bytes, received 10,237"),
        ("another file", "expected SHA-256"),
        ("endless body", "expected 10,240 bytes, received more"),
        ("slow body", "too slow: fewer than 4,096 bytes in 0.5 s"),
        ("stalled", "too slow"),
        ("silent", "no answer in 0.5 s"),
        ("a redirect to itself", "redirects more than 5 times"),
        ("status 404", "status 404 Not Found"),
    ],
)
def test_a_refusal_says_why(get, name, words):
    with serving(WRONG[name], {FILE.name: BODY}) as address, pytest.raises(Refused, match=words):
        get(address, IMPATIENT if name == "silent" else replace(IMPATIENT, answer_seconds=20))


def test_an_endless_answer_takes_no_memory(get):
    for name in ("endless body", "endless redirect body", "endless headers", "endless chunk size"):
        with serving(WRONG[name], {FILE.name: BODY}) as address:
            tracemalloc.start()
            with pytest.raises(Refused):
                get(address, IMPATIENT)
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        assert peak < 50 * 2**20, name


def test_the_time_for_all_transfers_ends_one_that_is_fast_enough(get):
    with (
        serving(slow_body, {FILE.name: BODY}) as address,
        pytest.raises(Unusable, match="time for all transfers"),
    ):
        get(address, seconds=0.2)


def test_a_redirect_is_followed(get):
    with (
        serving(good, {FILE.name: BODY}) as address,
        serving(redirect_to(f"{address}/{FILE.name}"), {}) as redirecting,
    ):
        assert get(redirecting) == BODY


def test_a_token_in_the_query_stays_behind_the_file_name(get):
    def behave(client, body):
        good(client, body if body == BODY else b"")

    with serving(behave, {FILE.name: BODY}) as address:
        assert get(f"{address}/set?token=1") == BODY


def test_a_certificate_that_nobody_vouches_for_is_refused(get, tmp_path):
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = f"openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=127.0.0.1 -keyout {key}"
    made = subprocess.run(f"{command} -out {certificate}".split(), capture_output=True)
    assert made.returncode == 0, made.stderr
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    with (
        serving(good, {FILE.name: BODY}, tls) as address,
        pytest.raises(Unusable, match=r"TLS: self.signed certificate"),
    ):
        get(address)
    with serving(good, {FILE.name: BODY}) as address, pytest.raises(Unusable, match="TLS"):
        get(address.replace("http:", "https:"))


@pytest.mark.parametrize(
    ("mirror", "words"),
    [
        ("ftp://127.0.0.1/set", "begins with http:// or https://"),
        ("file:///set", "begins with http:// or https://"),
        ("http://", "begins with http:// or https://"),
        ("http://[bad", "no valid address"),
        ("http://127.0.0.1:port", "no valid address"),
        ("http://127.0.0.1:99999", "no valid address"),
        ("http://" + "a" * 80 + ".example", "no answer|no valid address"),
        ("http://name.invalid", "no answer"),
        ("http://127.0.0.1:9", "no answer"),
        ("http:/127.0.0.1", "expected a folder or an http.* address, found none"),
        ("~/no such folder", "expected a folder"),
        ("~nobody-of-that-name/set", "expected a folder"),
        ("a" * 5000, "expected a folder"),
        ("file", "found a file"),
    ],
)
def test_a_mirror_that_is_none_is_unusable(get, tmp_path, mirror, words):
    (tmp_path / "file").touch()
    with pytest.raises(Unusable, match=words):
        get(mirror)


def test_a_folder_in_the_home_is_a_mirror(get, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / FILE.name).write_bytes(BODY)
    assert get("~/set") == BODY
    assert get("set") == BODY


def a_socket(path):
    socket.socket(socket.AF_UNIX).bind(str(path))


STRANGE = {
    "there is no such file": lambda path: None,
    "is a link to nowhere, which does not exist": lambda path: path.symlink_to("nowhere"),
    "found a folder": lambda path: path.mkdir(),
    "found a named pipe": os.mkfifo,
    "found a socket": a_socket,
    "found a device": lambda path: path.symlink_to("/dev/zero"),
    "cannot be reached": lambda path: path.symlink_to(path),
    "expected 10,240 bytes, received 3": lambda path: path.write_bytes(b"abc"),
    "expected 10,240 bytes, received more": lambda path: path.write_bytes(BODY + b"a"),
    "expected SHA-256": lambda path: path.write_bytes(bytes(len(BODY))),
}


@pytest.mark.parametrize("words", STRANGE)
def test_what_is_no_such_file_in_a_folder_is_refused(get, tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    STRANGE[words](tmp_path / FILE.name)
    with pytest.raises(Refused, match=words) as refused:
        get(".")
    assert not isinstance(refused.value, Unusable)


@pytest.mark.skipif(sys.platform != "linux", reason="needs a file whose reading fails")
def test_a_file_that_cannot_be_read_is_refused(get, tmp_path):
    (tmp_path / FILE.name).symlink_to("/proc/self/mem")
    with pytest.raises(Refused, match="cannot be read"):
        get(".")


def test_a_disk_that_is_full_is_no_fault_of_the_mirror(tmp_path):
    (tmp_path / FILE.name).write_bytes(BODY)
    target = tmp_path / "full"
    target.symlink_to("/dev/full")
    with contextlib.suppress(Refused), pytest.raises(OSError, match="No space left"):
        fetch(".", FILE, target, tmp_path, LIMITS, time.monotonic() + 9, lambda count: None)


@pytest.mark.parametrize(
    ("mirror", "line"),
    [
        ("../shared/mnist", "../shared/mnist"),
        ("https://user:secret@example.org:81/set?token=secret", "https://example.org:81/set"),
        ("http://user:secret@[bad", "http://..."),
        ("a\nb\x1b[31m", r"a\nb\x1b[31m"),
    ],
)
def test_a_mirror_is_named_on_one_line_without_secrets(mirror, line):
    assert shown(mirror) == line
