"""Put the models side by side: metrics/MODEL to metrics/*.json and reports/comparison.*.

Run as `python -m stages.compare`, or by `dvc repro compare`.
"""

import pandas as pd

from digits.core import config, errors, files, paths, records
from digits.report import comparison
from digits.report.figures import comparison as figures
from digits.report.figures import drawing
from digits.tracking.publisher import Publisher


def main() -> None:
    """Write the figures, the tests, the table in Markdown and the picture; publish every model.

    One process publishes them all, with what was measured since their evaluation.
    """
    with Publisher() as publisher:
        _compare()
        for model in config.MODELS:
            publisher.publish(model)


def _compare() -> None:
    compared = comparison.read(paths.METRICS, config.MODELS)
    compared.write(paths.METRICS / "comparison.json")
    tests = comparison.tests(_tables("predictions.csv"))
    tests.write(paths.METRICS / "significance.json")
    comparison.tests(_tables("transfer/predictions.csv")).write(paths.METRICS / "other_hands.json")
    confidence = {
        model: records.Confidence.read(paths.METRICS / model / "confidence.json")
        for model in config.MODELS
    }
    parts = (
        comparison.markdown(compared),
        comparison.tests_markdown(tests),
        comparison.abstention_markdown(confidence),
    )
    text = "\n".join(filter(None, parts))
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
