"""A picture of what was read where."""

import io

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from digits.serve.reader import Page, ReadDigit

SIDES = (640, 1600)
"""Smaller pictures are enlarged to the first long side, so that text has room, larger ones
reduced to the second."""
CONFIDENT, WITHHELD = (0, 114, 178), (213, 94, 0)
"""Blue and vermilion, which the colour-blind can tell apart (M. Okabe and K. Ito, "Color Universal
Design")."""
HALO = (255, 255, 255)
"""Around lines, which are then seen on any background."""
LINE, DASH = 2, 6
TEXT = (12, 32)
"""Smallest and largest height of the text."""


def annotated(grey: np.ndarray, page: Page) -> bytes:
    """The picture with a box and what was read around every digit, as a PNG file.

    A digit to which all models give the same label, each with confidence, has a solid blue box, any
    other a dashed vermilion one.

    Args:
        grey: (height, width) uint8, the picture that was read.
        page: What was read of it.

    """
    scale = float(np.clip(max(grey.shape), *SIDES)) / max(grey.shape)
    size = max(1, round(page.width * scale)), max(1, round(page.height * scale))
    picture = Image.fromarray(grey).resize(size).convert("RGB")
    pen = ImageDraw.Draw(picture)
    widths = [(digit.box[2] - digit.box[0]) * scale for digit in page.digits]
    font = ImageFont.load_default(float(np.clip(np.median(widths or [0]) / 3, *TEXT)))
    for digit in page.digits:
        _box(pen, digit, scale)
    # Labels last: no box runs through them.
    for digit in page.digits:
        _label(pen, digit, scale, font, size)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def _said(digit: ReadDigit) -> str:
    """The label with its lowest score, or all labels where the models say different things."""
    said = digit.predictions.values()
    labels = list(dict.fromkeys(one.label for one in said))
    # Of what looks like no digit of its label, no score means anything.
    unlike = any(one.withheld == "unlike" for one in said)
    score = f" {min(one.score for one in said):.0%}" if digit.agree and not unlike else ""
    return "/".join(labels) + ("" if digit.confident else "?") + score


def _outline(digit: ReadDigit, scale: float) -> tuple[int, int, int, int]:
    """The digit's box in the drawn picture, a little around the ink."""
    left, top, right, bottom = (round(side * scale) for side in digit.box)
    return left - LINE - 1, top - LINE - 1, right + LINE, bottom + LINE


def _box(pen: ImageDraw.ImageDraw, digit: ReadDigit, scale: float) -> None:
    left, top, right, bottom = _outline(digit, scale)
    pen.rectangle((left - 1, top - 1, right + 1, bottom + 1), outline=HALO, width=LINE + 2)
    if digit.confident:
        pen.rectangle((left, top, right, bottom), outline=CONFIDENT, width=LINE)
        return
    for x in range(left, right, 2 * DASH):
        end = min(x + DASH, right)
        pen.rectangle((x, top, end, top + LINE - 1), fill=WITHHELD)
        pen.rectangle((x, bottom - LINE + 1, end, bottom), fill=WITHHELD)
    for y in range(top, bottom, 2 * DASH):
        end = min(y + DASH, bottom)
        pen.rectangle((left, y, left + LINE - 1, end), fill=WITHHELD)
        pen.rectangle((right - LINE + 1, y, right, end), fill=WITHHELD)


def _label(
    pen: ImageDraw.ImageDraw,
    digit: ReadDigit,
    scale: float,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
    size: tuple[int, int],
) -> None:
    """White on the box's colour, above the box where there is room, else inside the picture."""
    left, top, right, bottom = _outline(digit, scale)
    text = _said(digit)
    _, _, wide, tall = pen.textbbox((0, 0), text, font=font)
    wide, tall = round(wide) + 6, round(tall) + 4
    above = top - tall - 1
    x = min(max((left + right - wide) // 2, 1), max(size[0] - wide - 2, 1))
    y = above if above >= 1 else min(bottom + 2, max(size[1] - tall - 2, 1))
    colour = CONFIDENT if digit.confident else WITHHELD
    pen.rectangle((x, y, x + wide, y + tall), fill=colour, outline=HALO)
    pen.text((x + 3, y + 1), text, font=font, fill=HALO)
