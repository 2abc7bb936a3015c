"""Pictures of digits, drawn here, for the tests of `scan`."""

import io

import cv2
import numpy as np
from PIL import Image

STROKES = {
    0: [[(50, 0), (85, 15), (100, 50), (85, 85), (50, 100), (15, 85), (0, 50), (15, 15), (50, 0)]],
    1: [[(50, 0), (50, 100)]],
    2: [[(10, 25), (35, 0), (75, 5), (80, 35), (10, 100), (90, 100)]],
    3: [[(10, 0), (70, 0), (40, 42), (80, 60), (75, 92), (10, 98)]],
    4: [[(65, 100), (65, 0), (5, 65), (95, 65)]],
    5: [[(85, 0), (15, 0), (12, 45), (70, 48), (85, 75), (60, 100), (10, 95)]],
    7: [[(10, 0), (90, 0), (40, 100)]],
}
"""Digits as strokes in a square of 100 x 100."""


def draw(
    canvas: np.ndarray, digit: int, left: int, top: int, tall: int, pen: int, ink: int = 0
) -> None:
    for stroke in STROKES[digit]:
        points = (np.array(stroke) * tall / 100 + (left, top)).round().astype(np.int32)
        cv2.polylines(canvas, [points], False, ink, pen, cv2.LINE_AA)


def page(numbers: list[list[int]], pen: int = 8, tall: int = 80) -> np.ndarray:
    """Rows of digits in dark ink on white."""
    canvas = np.full((170 * len(numbers) + 60, 150 * max(map(len, numbers)) + 60), 255, np.uint8)
    for row, digits in enumerate(numbers):
        for column, digit in enumerate(digits):
            draw(canvas, digit, 60 + 150 * column, 60 + 170 * row, tall, pen)
    return canvas


def mnist_like(digit: int = 3) -> np.ndarray:
    canvas = np.zeros((280, 280), np.uint8)
    draw(canvas, digit, 55, 45, 190, 26, 255)
    return cv2.resize(canvas, (28, 28), interpolation=cv2.INTER_AREA)


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def textured(rng: np.random.Generator, shape: tuple[int, int] = (600, 800)) -> np.ndarray:
    """Blank paper in a shadow with a soft edge, under noise."""
    light = np.full(shape, 190.0)
    light[:, shape[1] // 3 :] *= 0.65
    light = cv2.GaussianBlur(light, (0, 0), 12) * np.linspace(0.8, 1, shape[0])[:, None]
    return np.clip(light + rng.normal(0, 4, shape), 0, 255).astype(np.uint8)
