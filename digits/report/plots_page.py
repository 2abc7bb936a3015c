"""The page that `dvc plots show` fills: with its scripts in it, so that it needs no network.

DVC's own page loads Vega from an address.  `make install` runs this module as
`python -m digits.report.plots_page`, which takes the scripts from the library vl-convert-python.
"""

from typing import Any

from digits.core import files, paths

PAGE = paths.ROOT / ".dvc" / "plots.html"
"""Where .dvc/config (plots.html_template) has it."""
VEGA_LITE = "5.21"
"""DVC's plots are written for version 5."""
PLACEHOLDERS = ("{refresh_tag}", "{plot_divs}")
"""What DVC fills; it would put the addresses of its scripts in the place of "{scripts}"."""
TEMPLATE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
{refresh_tag}
<title>Plots of the pipeline</title>
<style>
body { margin: 2rem; font: 15px/1.5 system-ui, sans-serif; color: #1d2126; background: #fff; }
img { max-width: 100%; height: auto; }
body > div { display: inline-block; max-width: 100%; overflow-x: auto; vertical-align: top; }
</style>
<!-- Vega, Vega-Lite and Vega-Embed: Copyright University of Washington Interactive Data Lab and
contributors, BSD 3-Clause License, https://github.com/vega/vega/blob/main/LICENSE -->
<script>(() => {
SCRIPTS
})();</script>
</head>
<body>
{plot_divs}
</body>
</html>
"""


def page() -> str:
    """The page, with all that it needs; the same version of the library gives the same text."""
    import vl_convert

    # The library's own stub asks for a snippet that its code leaves out.
    bundle: Any = vl_convert.javascript_bundle
    scripts = bundle(vl_version=VEGA_LITE).replace("</script", r"<\/script")
    assert not any(name in scripts for name in (*PLACEHOLDERS, "{scripts}"))
    return TEMPLATE.replace("SCRIPTS", scripts)


if __name__ == "__main__":
    files.write_text(PAGE, page())
    print(f"{paths.relative(PAGE)}: {PAGE.stat().st_size / 2**20:.1f} MiB")
