"""The benchmark of the service: what it sends, and what it says of memory."""

import re

import cv2
import numpy as np
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


def test_the_same_images_are_sent_each_time(monkeypatch):
    monkeypatch.setattr(service, "IMAGES", 8)
    sent = service.images(8)
    assert sent == service.images(8)
    assert len(set(sent)) == 8
    read = [cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_GRAYSCALE) for file in sent]
    assert read[0].shape == (28, 28)
    assert read[1].shape == service.DRAWING[::-1]
    assert read[2] is None or not sent[2].endswith(b"IEND\xaeB`\x82")


def test_what_a_process_takes_is_counted_with_its_children():
    now = service.used(psutil.Process())
    assert now.processes >= 1
    assert now.megabytes > 10
    assert now.seconds == pytest.approx(service.used(psutil.Process()).seconds, abs=5)
