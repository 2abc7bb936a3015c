"""The benchmark of the service: what it sends, and what it says of memory."""

import re
import struct

import psutil
import pytest

from benchmarks import service


def test_memory_that_grows_is_told_from_memory_that_is_flat():
    warming = [(1000 * line, 500 + 20 * min(line, 5)) for line in range(1, 41)]
    assert re.search(r"600 to 600 MiB, [+-]0\.0 MiB in 100,000", service.trend(warming))
    leaking = [(count, megabytes + count / 1000) for count, megabytes in warming]
    assert "+100.0 MiB in 100,000 requests" in service.trend(leaking)
    for few in ([], warming[:2]):
        assert "too few" in service.trend(few)


def png_size(file):
    return struct.unpack_from(">II", file, 16)


def test_the_same_images_are_sent_each_time(monkeypatch):
    monkeypatch.setattr(service, "IMAGES", 8)
    sent = service.images(8)
    assert sent == service.images(8)
    assert len(set(sent)) == 8
    digit, drawing, damaged = (png_size(file) for file in sent[:3])
    assert digit == damaged == (28, 28)
    assert drawing == service.DRAWING
    assert [file.endswith(b"IEND\xaeB`\x82") for file in sent[:3]] == [True, True, False]


def test_what_a_process_takes_is_counted_with_its_children():
    now = service.used(psutil.Process())
    assert now.processes >= 1
    assert now.megabytes > 10
    assert now.seconds == pytest.approx(service.used(psutil.Process()).seconds, abs=5)
