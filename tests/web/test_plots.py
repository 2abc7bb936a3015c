"""The page of `dvc plots show`, in a browser that reaches nothing."""

import re
import subprocess
from importlib import import_module

import pytest

from digits.core import paths
from digits.report import plots_page
from tests.web.browser import CHROMIUM


def test_dvc_is_told_to_use_the_page():
    shown = subprocess.run(
        ["dvc", "config", "plots.html_template"], capture_output=True, text=True, cwd=paths.ROOT
    )
    assert paths.ROOT / ".dvc" / shown.stdout.strip() == plots_page.PAGE


def test_the_committed_page_is_that_of_the_library():
    assert plots_page.PAGE.read_text(encoding="utf-8") == plots_page.page()


def test_no_script_comes_from_elsewhere():
    page = re.sub(r"(?s)<script>.*</script>", "", plots_page.PAGE.read_text(encoding="utf-8"))
    assert not re.search(r"<script|<link|\bsrc=|@import", page)
    assert all(name in page for name in plots_page.PLACEHOLDERS)


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")
def test_plots_are_drawn_without_network(tmp_path):
    points = [{"epoch": place, "accuracy": place / 10, "rev": "workspace"} for place in range(3)]
    dvc_render = import_module("dvc_render")
    plot = dvc_render.VegaRenderer(points, "curve", template="simple", x="epoch", y="accuracy")
    page = tmp_path / "index.html"
    dvc_render.render_html([plot], page, str(plots_page.PAGE))
    shown = subprocess.run(
        [
            str(CHROMIUM), "--headless=new", "--no-sandbox", "--disable-gpu", "--dump-dom",
            "--host-resolver-rules=MAP * ~NOTFOUND", "--virtual-time-budget=10000",
            f"--user-data-dir={tmp_path / 'profile'}", page.as_uri(),
        ],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert re.search(r'<div id="[^"]*" class="vega-embed', shown.stdout)
    assert re.search(r"<svg[^>]*class=\"marks\"", shown.stdout)
