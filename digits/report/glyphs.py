"""All forms in which images for the reader are written, on one page: docs/glyphs.png.

Run as `python -m digits.report.glyphs` after a form was added.
"""

import numpy as np

from digits.core import files, paths
from digits.report.figures import drawing
from digits.scan.single.normalise import SIDE
from digits.synthesis import hand
from digits.synthesis.glyphs import GLYPHS, SIGNS, Glyph

PAGE = paths.ROOT / "docs" / "glyphs.png"
WRITTEN = 3
"""Times that each form is shown as it is written."""
SEED = 0
CELL = 118, 50
"""Width and height, in points, of what shows one form."""


def draw() -> bytes:
    """The page as PNG: digits, then signs; of each its name, its path and it as written."""
    rows = [[glyph for glyph in GLYPHS if glyph.digit == digit] for digit in range(10)]
    columns = max(map(len, rows))
    rows += [list(SIGNS[start : start + columns]) for start in range(0, len(SIGNS), columns)]
    figure = drawing.figure(columns * CELL[0], len(rows) * CELL[1])
    axes = figure.subplots(len(rows), columns, squeeze=False)
    rng = np.random.default_rng(SEED)
    for line, glyphs in zip(axes, rows, strict=True):
        for place in line:
            place.set_axis_off()
        for place, glyph in zip(line, glyphs, strict=False):
            name = glyph.name if glyph.digit is None else f"{glyph.digit}, {glyph.name}"
            place.set_title(name, fontsize=8, color=drawing.INK, pad=2)
            place.imshow(
                np.hstack([hand.image(glyph, rng) for _ in range(WRITTEN)]),
                cmap="Greys",
                extent=(SIDE, (WRITTEN + 1) * SIDE, SIDE, 0),
            )
            for path in _path(glyph):
                place.plot(*path.T, color=drawing.CORRECT, linewidth=1.4)
            place.set_xlim(0, (WRITTEN + 1) * SIDE)
            place.set_ylim(SIDE, 0)
    return drawing.png(figure)


def _path(glyph: Glyph) -> list[np.ndarray]:
    """The strokes in the place of the first of the images."""
    height = 20.0 / max(1.0, glyph.aspect)
    corner = (SIDE - height * glyph.aspect) / 2, (SIDE - height) / 2
    return [
        hand.smooth(stroke) * (height * glyph.aspect, height) + corner for stroke in glyph.strokes
    ]


def main() -> None:
    """Write the page."""
    with files.atomic(PAGE) as path:
        path.write_bytes(draw())
    print(paths.relative(PAGE))


if __name__ == "__main__":
    main()
