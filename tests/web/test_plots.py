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


def test_no_script_comes_from_elsewhere():
    page = re.sub(r"(?s)<script>.*</script>", "", plots_page.page())
    assert not re.search(r"<script|<link|\bsrc=|@import", page)
    assert all(name in page for name in plots_page.PLACEHOLDERS)


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")
def test_plots_are_drawn_without_network(tmp_path):
    points = [{"epoch": place, "accuracy": place / 10, "rev": "workspace"} for place in range(3)]
    dvc_render = import_module("dvc_render")
    plot = dvc_render.VegaRenderer(points, "curve", template="simple", x="epoch", y="accuracy")
    page, template = tmp_path / "index.html", tmp_path / "template.html"
    template.write_text(plots_page.page(), encoding="utf-8")
    dvc_render.render_html([plot], page, str(template))
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
