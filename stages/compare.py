"""Put the models side by side: metrics/MODEL to metrics/*.json and reports/comparison.*.

Run as `python -m stages.compare`, or by `dvc repro compare`.
"""

import pandas as pd

from digits.core import config, errors, files, paths
from digits.report import comparison
from digits.report.figures import comparison as figures
from digits.report.figures import drawing


def main() -> None:
    """Write the figures, the tests, the table in Markdown and the picture."""
    compared = comparison.read(paths.METRICS, config.MODELS)
    compared.write(paths.METRICS / "comparison.json")
    tests = comparison.tests(_tables("predictions.csv"))
    tests.write(paths.METRICS / "significance.json")
    comparison.tests(_tables("transfer/predictions.csv")).write(paths.METRICS / "other_hands.json")
    text = comparison.markdown(compared) + "\n" + comparison.tests_markdown(tests)
    files.write_text(paths.REPORTS / "comparison.md", text)
    with files.atomic(paths.REPORTS / "comparison.png") as path:
        path.write_bytes(drawing.png(figures.comparison(compared.root)))
    print(text)


def _tables(name: str) -> dict[str, pd.DataFrame]:
    """A table of each model's metrics."""
    return {model: pd.read_csv(paths.METRICS / model / name) for model in config.MODELS}


if __name__ == "__main__":
    with errors.reported():
        main()
