"""What is no digit: letters, signs, doodles and scribbles, in the form of MNIST's images.

`sheets` makes drawings and photographs of them as it does of digits.  They are drawn here, from
matplotlib's fonts and from lines; nothing is trained or chosen by them.  The same generator state
gives the same pictures.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

SIDE, CANVAS = 28, 280
"""A picture's side, and that of the canvas on which it is drawn."""
FONTS = ("DejaVuSans", "DejaVuSans-Oblique", "DejaVuSerif-Italic")
LETTERS = "ACEFHKLMNPRTUVWXYadefhkmnprtuvwx"
LOOKALIKES = "BDGIJOQSZbcgijloqsyz"
"""Letters that are written like somebody's digits: counted apart."""
SIGNS = "&@#+=*<"


def letters(count: int, rng: np.random.Generator, of: str = LETTERS) -> np.ndarray:
    """Letters or signs as if written by hand: (count, 28, 28) uint8, bright on dark."""
    glyphs = [_glyph(rng.choice(list(of)), rng.choice(FONTS)) for _ in range(count)]
    return np.stack([_as_mnist(_by_hand(glyph, rng)) for glyph in glyphs])


def doodles(count: int, rng: np.random.Generator) -> np.ndarray:
    """Smileys, stars, hearts and the like: (count, 28, 28) uint8, bright on dark."""
    made = []
    for _ in range(count):
        canvas = np.zeros((CANVAS, CANVAS), np.uint8)
        DOODLES[rng.choice(list(DOODLES))](canvas, rng)
        made.append(_as_mnist(_by_hand(canvas, rng)))
    return np.stack(made)


def scribbles(count: int, rng: np.random.Generator) -> np.ndarray:
    """Smooth lines from nowhere to nowhere: (count, 28, 28) uint8, bright on dark."""
    made = []
    for _ in range(count):
        canvas = np.zeros((CANVAS, CANVAS), np.uint8)
        corners = rng.uniform(40, 240, (rng.integers(6, 14), 2))
        _stroke(canvas, _smooth(corners))
        made.append(_as_mnist(canvas))
    return np.stack(made)


MATERIAL: dict[str, Callable[[int, np.random.Generator], np.ndarray]] = {
    "letters": letters,
    "signs": lambda count, rng: letters(count, rng, SIGNS),
    "doodles": doodles,
    "scribbles": scribbles,
    "letters like digits": lambda count, rng: letters(count, rng, LOOKALIKES),
}


# How they are drawn ----------------------------------------------------------------------------


@cache
def _glyph(sign: str, font: str) -> np.ndarray:
    """One sign of a font in the middle of the canvas."""
    import matplotlib

    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"{font}.ttf"
    image = Image.new("L", (CANVAS, CANVAS))
    ImageDraw.Draw(image).text(
        (CANVAS / 2, CANVAS / 2), sign, 255, ImageFont.truetype(path, 190), anchor="mm"
    )
    return np.asarray(image)


def _smooth(corners: np.ndarray) -> np.ndarray:
    """A curve (n, 2) that passes near all corners (Chaikin's corner cutting)."""
    for _ in range(4):
        ahead, behind = corners[:-1], corners[1:]
        cut = np.stack([0.75 * ahead + 0.25 * behind, 0.25 * ahead + 0.75 * behind], axis=1)
        corners = np.concatenate([corners[:1], cut.reshape(-1, 2), corners[-1:]])
    return corners


def _stroke(canvas: np.ndarray, points: object, closed: bool = False) -> None:
    joined = np.round(np.asarray(points, float)).astype(np.int32)
    cv2.polylines(canvas, [joined], closed, 255, 22, cv2.LINE_AA)


def _ring(points: int, radius: float, turn: float = 0.0) -> np.ndarray:
    angles = turn + 2 * np.pi * np.arange(points) / points
    return 140 + radius * np.stack([np.sin(angles), -np.cos(angles)], axis=1)


def _smiley(canvas: np.ndarray, rng: np.random.Generator) -> None:
    _stroke(canvas, _ring(40, 100), closed=True)
    for x in (105, 175):
        cv2.circle(canvas, (x, 110), 12, 255, -1, cv2.LINE_AA)
    bend = rng.choice([-30, 0, 35])
    _stroke(
        canvas, _smooth(np.array([(95, 180 - bend / 2), (140, 180 + bend), (185, 180 - bend / 2)]))
    )


def _star(canvas: np.ndarray, rng: np.random.Generator) -> None:
    if rng.random() < 0.5:
        _stroke(canvas, _ring(5, 110)[[0, 2, 4, 1, 3]], closed=True)
    else:
        corners = np.stack([_ring(5, 110), _ring(5, 50, np.pi / 5)], axis=1).reshape(-1, 2)
        _stroke(canvas, corners, closed=True)


def _heart(canvas: np.ndarray, rng: np.random.Generator) -> None:
    t = np.linspace(0, 2 * np.pi, 60)
    x = 16 * np.sin(t) ** 3
    y = 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
    _stroke(canvas, np.stack([140 + 6.5 * x, 130 - 6.5 * y], axis=1), closed=True)


def _house(canvas: np.ndarray, rng: np.random.Generator) -> None:
    _stroke(canvas, [(60, 230), (60, 120), (140, 50), (220, 120), (220, 230)], closed=True)
    _stroke(canvas, [(60, 120), (220, 120)])


def _triangle(canvas: np.ndarray, rng: np.random.Generator) -> None:
    _stroke(canvas, _ring(3, 115, rng.choice([0, np.pi])), closed=True)


def _square(canvas: np.ndarray, rng: np.random.Generator) -> None:
    _stroke(canvas, [(50, 50), (230, 50), (230, 230), (50, 230)], closed=True)


def _cross(canvas: np.ndarray, rng: np.random.Generator) -> None:
    _stroke(canvas, [(60, 60), (220, 220)])
    _stroke(canvas, [(220, 60), (60, 220)])


def _arrow(canvas: np.ndarray, rng: np.random.Generator) -> None:
    _stroke(canvas, [(40, 140), (240, 140)])
    _stroke(canvas, [(180, 80), (240, 140), (180, 200)])


def _zigzag(canvas: np.ndarray, rng: np.random.Generator) -> None:
    xs = np.linspace(30, 250, rng.integers(5, 9))
    _stroke(canvas, np.stack([xs, 140 + 60 * (-1.0) ** np.arange(len(xs))], axis=1))


def _spiral(canvas: np.ndarray, rng: np.random.Generator) -> None:
    t = np.linspace(0.5, 2 * np.pi * 2.6, 120)
    _stroke(canvas, 140 + 6.8 * t[:, None] * np.stack([np.cos(t), np.sin(t)], axis=1))


def _grid(canvas: np.ndarray, rng: np.random.Generator) -> None:
    for at in (105, 175):
        _stroke(canvas, [(at, 40), (at, 240)])
        _stroke(canvas, [(40, at), (240, at)])


def _flower(canvas: np.ndarray, rng: np.random.Generator) -> None:
    t = np.linspace(0, 2 * np.pi, 120)
    radius = 75 + 35 * np.cos(5 * t)
    _stroke(canvas, 140 + radius[:, None] * np.stack([np.cos(t), np.sin(t)], axis=1), closed=True)


def _fish(canvas: np.ndarray, rng: np.random.Generator) -> None:
    t = np.linspace(0, 2 * np.pi, 60)
    _stroke(canvas, np.stack([120 + 80 * np.cos(t), 140 + 50 * np.sin(t)], axis=1), closed=True)
    _stroke(canvas, [(195, 140), (250, 95), (250, 185)], closed=True)


DOODLES: dict[str, Callable[[np.ndarray, np.random.Generator], None]] = {
    "smiley": _smiley,
    "star": _star,
    "heart": _heart,
    "house": _house,
    "triangle": _triangle,
    "square": _square,
    "cross": _cross,
    "arrow": _arrow,
    "zigzag": _zigzag,
    "spiral": _spiral,
    "grid": _grid,
    "flower": _flower,
    "fish": _fish,
}


def _by_hand(canvas: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Slant, turn and stretch a drawing, and let its lines waver."""
    slant, turn = rng.normal(0, 0.15), rng.normal(0, 0.1)
    stretch = rng.uniform(0.85, 1.15)
    cos, sin = np.cos(turn), np.sin(turn)
    matrix = np.array([[cos, -sin], [sin, cos]]) @ np.array([[stretch, slant], [0, 1 / stretch]])
    y, x = np.mgrid[:CANVAS, :CANVAS].astype(np.float32) - CANVAS / 2
    # Waves of about a fifth of the canvas, a fortieth high.
    waver = rng.standard_normal((2, 6, 6)).astype(np.float32) * CANVAS / 40
    dx, dy = (cv2.resize(w, (CANVAS, CANVAS), interpolation=cv2.INTER_CUBIC) for w in waver)
    from_x = (matrix[0, 0] * x + matrix[0, 1] * y + dx + CANVAS / 2).astype(np.float32)
    from_y = (matrix[1, 0] * x + matrix[1, 1] * y + dy + CANVAS / 2).astype(np.float32)
    return cv2.remap(canvas, from_x, from_y, cv2.INTER_LINEAR)


def _as_mnist(canvas: np.ndarray) -> np.ndarray:
    """Fit what is on the canvas into 20 x 20 of 28 x 28 pixels."""
    left, top, width, height = cv2.boundingRect((canvas > 127).astype(np.uint8))
    scale = 20 / max(width, height, 1)
    side = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(
        canvas[top : top + height, left : left + width], side, interpolation=cv2.INTER_AREA
    )
    image = np.zeros((SIDE, SIDE), np.uint8)
    y, x = (SIDE - side[1]) // 2, (SIDE - side[0]) // 2
    image[y : y + side[1], x : x + side[0]] = small
    return image
