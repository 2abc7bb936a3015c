"""How figures look: the same figure as picture and as part of the page."""

import io
import re

import numpy as np
import pytest
from PIL import Image

from digits.core import config
from digits.report.figures import drawing
from digits.report.page import render


def drawn(title=""):
    figure, axes = drawing.panel(drawing.NARROW, 100, title)
    axes.plot([0, 1], [0, 1], color=drawing.colour("cnn"), clip_on=True)
    axes.axhline(0.5, **drawing.GOAL_DASHES)
    axes.imshow(drawing.ink(np.full((4, 4), 255, np.uint8)), extent=(0, 1, 0, 1))
    drawing.label(axes, x="a < b")
    return figure


def test_a_picture_has_the_colours_of_the_light_page():
    picture = Image.open(io.BytesIO(drawing.png(drawn("title")))).convert("RGB")
    colours = {tuple(pixel) for pixel in np.asarray(picture).reshape(-1, 3).tolist()}
    assert {(255, 255, 255), (0, 0, 0)} <= colours
    for name in ("cnn", "goal"):
        value = drawing.PALETTE[name]
        assert tuple(bytes.fromhex(value[1:])) in colours


def test_an_element_of_the_page_has_the_colours_of_the_page_and_ids_of_its_own():
    element = drawing.svg(drawn(), "name", 'A "label"')
    assert set(re.findall(r"#[0-9a-f]{6}\b", element)) <= {"#000000"}
    assert {"var(--cnn)", "var(--goal)", "var(--line)", "var(--muted)"} <= set(
        re.findall(r"var\(--\w+\)", element)
    )
    ids = re.findall(r' id="([^"]*)"', element)
    assert ids
    assert all(name.startswith("name-") for name in ids)
    assert set(re.findall(r"url\(#([^)]*)\)", element)) <= set(ids)
    assert "a &lt; b" in element
    assert 'aria-label="A &quot;label&quot;"' in element
    assert "font-family" not in element


def test_the_same_figure_gives_the_same_bytes():
    assert drawing.png(drawn()) == drawing.png(drawn())
    assert drawing.svg(drawn(), "name", "") == drawing.svg(drawn(), "name", "")


def test_no_two_names_share_a_colour():
    assert len(set(drawing.PALETTE.values())) == len(drawing.PALETTE)
    assert set(drawing.MARKERS) <= set(drawing.PALETTE)
    assert set(drawing.MARKERS) == set(config.MODELS)
    assert set(drawing.MARKERS.values()) == set(render.SHAPES)


@pytest.mark.parametrize("low", [1e-5, 0.04, 1, 13, 26_000, 4e7])
@pytest.mark.parametrize("ratio", [3.24, 5, 30, 1e3, 1e9])
def test_a_logarithmic_axis_has_a_few_round_numbers(low, ratio):
    ticks = drawing.log_ticks(low, low * ratio)
    assert 2 <= len(ticks) <= drawing.LOG_TICKS
    assert all(low <= tick <= low * ratio for tick in ticks)


def test_images_of_any_scale_become_grey(rng):
    images = rng.normal(size=(3, 5, 4)).astype(np.float32)
    grey = drawing.grey(images)
    assert grey.dtype == np.uint8
    assert (grey.min((1, 2)) == 0).all()
    assert (grey.max((1, 2)) == 255).all()
    assert drawing.grey(np.ones((1, 2, 2))).max() == 0
    assert drawing.grey(np.empty((0, 2, 2))).shape == (0, 2, 2)
