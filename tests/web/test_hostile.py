"""Images that are made to cost much: none takes the service long, and none holds up another."""

import io
import statistics
import struct
import threading
import time
import zlib

import cv2
import numpy as np
import pytest
import requests
from PIL import Image

from digits.serve.web.settings import Settings
from tests.web.conftest import encoded

MARGIN = 1.5
"""Seconds that a busy machine may add."""
BESIDE = 4
"""Seconds for which hostile images come."""


def chunk(kind, data=b""):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def many_chunks(kind):
    """A PNG of 100 x 100 pixels with next to nothing in half a million chunks."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 100, 100, 8, 0, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(bytes(100 * 101)))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(kind) * 500_000 + pixels + chunk(b"IEND")


def strokes(side, step):
    """A drawing of so many short strokes that none is a digit."""
    rng = np.random.default_rng(0)
    page = np.full((side, side), 255, np.uint8)
    for y in range(0, side, step):
        for x in range(0, side, step):
            cv2.line(page, (x, y), (x + step // 2, y + int(rng.integers(-3, 4))), 0, 1)
    return encoded(page)


def saved(image, kind, **options):
    sink = io.BytesIO()
    image.save(sink, kind, **options)
    return sink.getvalue()


def speckled(width, height):
    page = np.full((height, width), 200, np.uint8)
    page[::7, ::5] = 90
    return Image.fromarray(page)


HOSTILE = {
    "empty text chunks": lambda: many_chunks(b"tEXt"),
    "empty data chunks": lambda: many_chunks(b"IDAT"),
    "short strokes": lambda: strokes(2000, 12),
    "many more strokes": lambda: strokes(1400, 6),
    "forty million pixels in little": lambda: saved(speckled(6400, 6200), "PNG"),
    "a long strip": lambda: saved(speckled(60_000, 600), "PNG"),
    "noise": lambda: encoded(np.random.default_rng(0).integers(0, 256, (1400, 1400), np.uint8)),
    "black and white noise": lambda: encoded(
        np.random.default_rng(0).integers(0, 2, (1400, 1400), np.uint8) * 255
    ),
    "floats": lambda: saved(
        Image.fromarray(np.tile(np.float32([[1, 2]]), (4000, 2500))),
        "TIFF",
        compression="tiff_adobe_deflate",
    ),
    "frames": lambda: saved(
        speckled(300, 300), "GIF", save_all=True, append_images=[speckled(300, 300)] * 300
    ),
}


def post(service, data):
    begun = time.monotonic()
    response = requests.post(f"{service.address}/api/predict", data, timeout=60)
    return time.monotonic() - begun, response


@pytest.mark.parametrize("family", HOSTILE)
def test_no_image_takes_long(service, family):
    seconds, response = post(service, HOSTILE[family]())
    assert response.status_code in (200, 413, 422, 503)
    assert seconds < Settings().work_seconds + MARGIN
    assert requests.get(f"{service.address}/healthz", timeout=5).ok


@pytest.mark.parametrize("family", ["short strokes", "many more strokes", "floats"])
def test_no_image_is_held_up_by_another(serve, drawing, family):
    hostile, ended = HOSTILE[family](), threading.Event()
    with serve() as service:

        def send():
            while not ended.is_set():
                post(service, hostile)

        alone = statistics.median(post(service, drawing)[0] for _ in range(5))
        clients = [threading.Thread(target=send) for _ in range(4)]
        for client in clients:
            client.start()
        beside = []
        end = time.monotonic() + BESIDE
        while time.monotonic() < end:
            seconds, response = post(service, drawing)
            assert response.status_code == 200
            beside.append(seconds)
        ended.set()
        for client in clients:
            client.join()
    assert statistics.median(beside) < alone + 1
