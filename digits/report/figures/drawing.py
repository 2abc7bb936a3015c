"""How figures look, for pictures (PNG) and for the page (SVG) alike.

A figure is drawn once, in the colours of the page on a light screen.  In a picture they stay; in
an SVG each becomes the page's colour of the same name, so that one figure serves light, dark and
print.  Lengths are points, 72 an inch; in an SVG they are its own units, about pixels.
"""

import io
import math
import re
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

PALETTE = {
    "ink": "#1d2126",
    "muted": "#5f6771",
    "line": "#e4e2dc",
    "goal": "#b3261e",
    "correct": "#2f5fa8",
    "wrong": "#d6541e",
    "ann": "#4c78a8",
    "cnn": "#e67300",
    "vgg16": "#3f8f3e",
    "svc": "#a0649a",
    "reader": "#7a5c3e",
}
"""Colours of the page by name; each colour has one name."""
INK, MUTED, LINE, GOAL = (PALETTE[name] for name in ("ink", "muted", "line", "goal"))
CORRECT, WRONG = PALETTE["correct"], PALETTE["wrong"]
MARKERS = {"ann": "o", "cnn": "s", "vgg16": "^", "svc": "D", "reader": "P"}
"""Of the models, so that they differ without colours too."""

NARROW, WIDE = 280, 350
"""Widths of a panel, three or two of which stand side by side."""
POINT = 72
"""Points an inch."""
PICTURE_DPI = 144
MARGIN = 0.12
"""Around a picture, in inches."""
BASE, SMALL = 12, 11
"""Sizes of text."""
LOG_TICKS = 5
QUARTERS = (0, 25, 50, 75, 100)
GOAL_DASHES: dict[str, Any] = {"color": GOAL, "linewidth": 1.2, "dashes": (4, 3)}


def colour(model: str) -> str:
    """The model's, or ink."""
    return PALETTE[model] if model in MARKERS else INK


def marker(model: str) -> str:
    """The model's, or a circle."""
    return MARKERS.get(model, "o")


def figure(width: float, height: float) -> "Figure":
    """An empty one, whose parts keep clear of each other."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width / POINT, height / POINT), layout="constrained")


def panel(width: float, height: float, title: str = "") -> tuple["Figure", "Axes"]:
    """A figure of one part."""
    drawn = figure(width, height)
    heading(drawn, title)
    axes = drawn.subplots()
    plain(axes)
    return drawn, axes


def heading(drawn: "Figure", title: str) -> None:
    """Write above a picture what it shows; on the page, a caption does so."""
    if title:
        drawn.suptitle(title, fontsize=BASE, color=INK)


def plain(axes: "Axes") -> None:
    """No frame, quiet lines, quiet numbers."""
    axes.grid(color=LINE, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.set_facecolor("none")
    axes.spines[:].set_visible(False)
    axes.tick_params(which="both", length=0, pad=5, labelsize=SMALL, labelcolor=MUTED)
    axes.tick_params(which="minor", labelleft=False, labelbottom=False)


def label(axes: "Axes", x: str = "", y: str = "") -> None:
    """Write at the axes what they show."""
    axes.set_xlabel(x, fontsize=SMALL, color=MUTED)
    axes.set_ylabel(y, fontsize=SMALL, color=MUTED)


def percent_axis(axis: "Axis", ticks: Sequence[float] | None = None) -> None:
    """Label an axis whose values are percents, at `ticks` or at a few places."""
    from matplotlib.ticker import FixedLocator, MaxNLocator

    axis.set_major_locator(FixedLocator(ticks) if ticks else MaxNLocator(4))
    axis.set_major_formatter(lambda value, _: f"{value:.6g}%")


def log_axis(axes: "Axes", values: Sequence[float], room: float = 1.8) -> None:
    """A logarithmic horizontal axis with plain numbers, from below to above `values`."""
    from matplotlib.ticker import FixedLocator, FuncFormatter

    low, high = min(values) / 1.8, max(values) * room
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    axes.xaxis.set_major_locator(FixedLocator(log_ticks(low, high)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.12g}"))


def log_ticks(low: float, high: float) -> list[float]:
    """Two to `LOG_TICKS` round numbers for a logarithmic axis that spans a factor of 3 at least."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks: list[float] = []
    for steps in ((1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 5, 7)):
        if len(ticks) < 2:
            ticks = [step * 10.0**decade for decade in decades for step in steps]
            ticks = [tick for tick in ticks if low <= tick <= high]
    return ticks[:: -(-len(ticks) // LOG_TICKS)]


def lines_of_text(axes: "Axes", names: Sequence[str]) -> None:
    """A line a name, the first one on top."""
    axes.set_yticks(range(len(names)), names, color=INK)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")


def interval(
    axes: "Axes",
    place: float,
    share: float,
    bounds: tuple[float | None, float | None],
    **style: Any,
) -> None:
    """A share on its line with its interval, if there is one; the axis is in percent."""
    low, high = (share if bound is None else bound for bound in bounds)
    axes.errorbar(
        share * 100,
        place,
        xerr=[[max(0, share - low) * 100], [max(0, high - share) * 100]],
        elinewidth=2,
        capsize=0,
        **style,
    )


def beside(axes: "Axes", x: float, y: float, said: str) -> None:
    """Write to the right of a point."""
    axes.annotate(
        said,
        (x, y),
        xytext=(8, 0),
        textcoords="offset points",
        va="center",
        fontsize=SMALL,
        color=INK,
    )


def grey(images: np.ndarray) -> np.ndarray:
    """Images (n, height, width) of any scale as uint8, each from its least to its most ink."""
    low = images.min(axis=(1, 2), keepdims=True, initial=np.inf)
    high = images.max(axis=(1, 2), keepdims=True, initial=-np.inf)
    scaled: np.ndarray = (255 * (images - low) / np.maximum(high - low, 1e-6)).round()
    return scaled.astype(np.uint8)


def ink(image: np.ndarray) -> np.ndarray:
    """An image (height, width) uint8, ink at 255, as black of that opacity: (..., 4) uint8."""
    drawn = np.zeros((*image.shape, 4), np.uint8)
    drawn[..., 3] = image
    return drawn


def png(drawn: "Figure") -> bytes:
    """The figure as a picture; the same figure gives the same bytes."""
    buffer = io.BytesIO()
    drawn.savefig(
        buffer,
        format="png",
        dpi=PICTURE_DPI,
        facecolor="white",
        bbox_inches="tight",
        pad_inches=MARGIN,
        metadata={"Software": None},
    )
    return buffer.getvalue()


def svg(drawn: "Figure", name: str, shows: str) -> str:
    """The figure as an SVG element to stand in a page; the same figure gives the same text.

    Args:
        drawn: The figure.
        name: Unique in the page; all ids begin with it.
        shows: What can be seen, for those who do not see it.

    """
    from matplotlib import rc_context

    buffer = io.StringIO()
    unstated = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "digits"}):
        drawn.savefig(buffer, format="svg", transparent=True, metadata=unstated)
    text = buffer.getvalue()
    size = re.search(r'viewBox="[^"]*"', text)
    assert size
    text = text[text.index("</defs>") + len("</defs>") :]
    # An id that nothing refers to would only clash with those of other figures.
    used = set(re.findall(r'(?:url\(|href=")#(\w+)', text))
    text = re.sub(r' id="([^"]*)"', lambda found: found[0] if found[1] in used else "", text)
    text = re.sub(r'( id="|url\(#|href="#)', rf"\g<1>{name}-", text)
    text = text.replace("xlink:href", "href")
    text = re.sub(r"font-family: [^;\"]*;? ?", "", text)
    text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    names = {value: f"var(--{key})" for key, value in PALETTE.items()}
    text = re.sub(r"#[0-9a-f]{6}\b", lambda found: names.get(found[0], found[0]), text)
    text = re.sub("<[^>]*>", lambda tag: re.sub(r"(\.\d\d)\d+", r"\1", tag[0]), text)
    text = re.sub(r"\s*\n\s*", "\n", text)
    return f'<svg {size[0]} role="img" aria-label="{escape(shows)}">{text.strip()}'
