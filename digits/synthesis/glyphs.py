"""How people write each digit: the paths of the pen, by region and habit.

Forms that MNIST, written in the United States, hardly holds are the reason of this list: the 1 with
a flag, alone or with a foot, the 7 with a bar, the 9 with a straight or a hooked leg, the slashed
0.  The common forms stand beside them, so that a class is not told by the way it was made.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Glyph:
    """One way to write one digit."""

    digit: int
    name: str
    aspect: float
    """Usual width as a share of the height."""
    strokes: tuple[np.ndarray, ...]
    """Each (n, 2) float, n > 1: the points that the pen passes, x to the right and y downwards,
    both in 0..1.  A point that comes twice in succession is a corner."""


def _glyph(digit: int, name: str, aspect: float, *strokes: str) -> Glyph:
    points = tuple(
        np.array([point.split(",") for point in stroke.split()], float) / 100 for stroke in strokes
    )
    return Glyph(digit, name, aspect, points)


GLYPHS = (
    _glyph(0, "oval", 0.7, "58,1 22,10 2,48 18,90 52,99 86,82 98,42 80,8 52,1"),
    _glyph(0, "begun at the side", 0.75, "88,16 60,0 14,22 4,66 36,99 82,86 98,40 84,12 70,6"),
    _glyph(0, "slashed", 0.75, "50,0 12,20 4,62 40,100 84,84 97,40 78,8 50,0", "96,-4 4,104"),
    _glyph(0, "dash inside", 0.8, "52,0 12,20 4,64 44,100 88,80 96,34 78,6 52,0", "72,28 30,72"),
    _glyph(0, "two strokes", 0.75, "52,0 16,16 2,52 16,88 50,100", "48,1 86,14 99,50 84,88 46,99"),
    _glyph(1, "straight", 0.12, "50,0 50,100"),
    _glyph(1, "short flag", 0.35, "10,24 80,0 80,0 76,100"),
    _glyph(1, "long flag", 0.6, "0,48 86,0 86,0 88,100"),
    _glyph(1, "flag to the foot line", 0.75, "0,80 90,0 90,0 96,100"),
    _glyph(1, "curved flag", 0.55, "0,40 40,28 84,0 84,0 82,50 84,100"),
    _glyph(1, "flag and foot", 0.6, "12,26 56,0 56,0 56,99", "8,100 100,99"),
    _glyph(1, "long flag and foot", 0.7, "0,46 58,0 58,0 60,99", "16,99 102,100"),
    _glyph(1, "foot", 0.5, "52,0 50,100", "4,100 98,100"),
    _glyph(1, "hook at the foot", 0.6, "2,42 62,0 62,0 60,84 74,98 96,84"),
    _glyph(2, "round", 0.7, "6,26 24,4 62,2 88,24 74,54 32,84 4,99 4,99 52,97 98,99"),
    _glyph(2, "looped", 0.75, "8,24 30,2 70,4 86,30 60,66 18,96 4,88 22,76 52,88 76,98 100,88"),
    _glyph(2, "swan", 0.7, "12,30 30,4 68,2 84,28 56,66 4,98 4,98 30,86 66,96 100,92"),
    _glyph(2, "angular", 0.7, "4,6 48,0 92,4 92,4 70,44 2,98 2,98 100,98"),
    _glyph(2, "curled top", 0.75, "46,36 18,40 14,10 54,0 82,22 58,62 6,98 6,98 56,94 100,100"),
    _glyph(2, "narrow", 0.45, "8,22 40,0 84,16 70,52 10,98 10,98 94,98"),
    _glyph(3, "round", 0.65, "4,12 36,0 82,10 80,36 36,48 36,48 82,54 98,80 56,100 2,90"),
    _glyph(3, "flat top", 0.7, "4,2 94,0 94,0 42,40 42,40 86,50 98,78 58,100 2,92"),
    _glyph(3, "no middle", 0.6, "10,8 58,0 88,20 64,42 40,48 76,54 98,76 66,99 4,94"),
    _glyph(3, "looped middle", 0.65, "8,12 48,0 84,16 62,42 34,52 30,42 50,44 92,62 86,94 4,96"),
    _glyph(4, "open", 0.75, "16,0 6,58 6,58 100,56", "74,22 68,100"),
    _glyph(4, "open, leaning", 0.85, "34,0 2,62 2,62 100,58", "92,10 66,100"),
    _glyph(4, "closed", 0.75, "72,100 72,0 72,0 0,70 0,70 100,68"),
    _glyph(4, "closed, two strokes", 0.75, "66,0 2,66 2,66 100,66", "68,2 70,100"),
    _glyph(4, "like a chair", 0.7, "8,0 4,48 4,48 92,50", "94,0 92,100"),
    _glyph(4, "like a u", 0.7, "10,0 8,40 30,56 70,48 92,2 92,2 86,60 82,100"),
    _glyph(4, "short stem", 0.8, "70,0 0,66 0,66 100,62", "66,40 60,100"),
    _glyph(5, "bar first", 0.7, "94,2 16,0 16,0 10,44 10,44 56,36 98,60 82,92 40,100 2,90"),
    _glyph(5, "bar last", 0.7, "14,2 8,44 8,44 56,36 98,62 78,94 36,100 2,90", "14,2 96,0"),
    _glyph(5, "like an s", 0.65, "96,4 54,2 18,14 14,40 56,50 92,66 80,94 34,100 2,90"),
    _glyph(5, "angular", 0.75, "90,0 18,4 18,4 10,48 10,48 70,42 98,70 70,98 2,94"),
    _glyph(5, "small belly", 0.65, "88,0 12,2 12,2 8,52 8,52 52,46 70,72 46,98 2,96"),
    _glyph(6, "round", 0.65, "78,2 38,18 6,58 18,94 62,99 96,76 76,52 36,56 8,74"),
    _glyph(6, "small bowl", 0.65, "84,0 38,20 8,64 14,94 44,100 66,86 54,70 28,74 10,86"),
    _glyph(6, "upright", 0.55, "34,0 8,40 4,80 38,100 90,92 90,62 52,54 8,72"),
    _glyph(6, "curved top", 0.75, "98,12 66,0 24,18 2,60 24,96 74,94 84,66 44,58 4,76"),
    _glyph(6, "open bowl", 0.65, "72,0 26,26 4,70 32,100 80,92 86,66 56,60"),
    _glyph(7, "plain", 0.7, "2,4 96,2 96,2 62,46 36,100"),
    _glyph(7, "straight leg", 0.65, "2,0 98,0 98,0 34,100"),
    _glyph(7, "bar", 0.75, "4,4 96,2 96,2 62,48 38,100", "24,54 92,46"),
    _glyph(7, "bar and serif", 0.75, "4,20 6,2 6,2 98,2 98,2 58,50 38,100", "22,54 90,50"),
    _glyph(7, "wavy top", 0.75, "2,20 14,4 50,12 98,2 98,2 60,52 42,100"),
    _glyph(7, "upright", 0.55, "4,6 90,0 90,0 78,52 74,100"),
    _glyph(
        8, "one stroke", 0.6, "88,12 46,0 12,18 34,42 80,62 92,88 46,100 8,84 24,60 74,38 88,12"
    ),
    _glyph(
        8, "from the middle", 0.6, "50,46 14,26 34,2 74,6 82,28 50,46 10,68 18,96 76,98 90,70 50,46"
    ),
    _glyph(
        8,
        "two rings",
        0.6,
        "50,0 16,10 14,38 50,48 86,38 84,10 50,0",
        "50,48 8,62 6,88 50,100 94,88 92,62 50,48",
    ),
    _glyph(8, "open top", 0.65, "94,8 50,2 10,18 36,44 86,66 80,96 22,98 8,72 54,44 98,4"),
    _glyph(8, "crossed straight", 0.65, "10,2 92,4 92,4 8,96 8,96 94,98 94,98 10,2"),
    _glyph(9, "straight leg", 0.6, "92,16 54,0 10,16 12,44 54,52 88,28 92,8 92,8 90,100"),
    _glyph(9, "leaning leg", 0.65, "92,14 48,0 8,22 24,50 70,44 94,10 94,10 66,60 46,100"),
    _glyph(9, "hooked leg", 0.65, "92,18 52,0 10,18 18,46 62,50 94,10 94,10 94,74 62,100 14,92"),
    _glyph(9, "curved leg", 0.65, "94,22 58,0 12,14 10,42 48,54 90,32 94,22 92,66 66,96 24,100"),
    _glyph(9, "like a g", 0.7, "88,8 40,0 4,24 28,52 76,42 92,6 92,6 96,64 84,96 44,100 10,84"),
    _glyph(9, "small bowl", 0.65, "84,12 48,0 16,14 26,36 62,34 86,10 86,10 94,60 66,94 4,96"),
    _glyph(9, "from the crossing", 0.7, "98,50 50,54 10,34 26,4 72,4 88,40 74,80 30,100"),
)
