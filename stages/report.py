"""Put all results on one page: metrics and experiments/outcomes to reports/report.html.

Run as `python -m stages.report`, or by `dvc repro report`.
"""

from digits.core import config, errors, files, paths
from digits.evaluation import recommendation
from digits.report.page import render, results


def main() -> None:
    """Write the page; experiments that were not made are named on it."""
    params = config.load("recommendation", recommendation.Params)
    text = render.render(results.read(paths.ROOT, config.MODELS), params)
    files.write_text(paths.PAGE, text)
    print(
        f"{paths.relative(paths.PAGE)}: {len(text.encode()) / 2**20:.1f} MiB; open it in a browser"
    )


if __name__ == "__main__":
    with errors.reported():
        main()
