"""Put the models side by side: metrics/MODEL to metrics/*.json and reports/comparison.*.

Run as `python -m stages.compare`, or by `dvc repro compare`.
"""

import json

import pandas as pd

from digits.core import config, errors, files, paths, records
from digits.report import comparison, plots


def main() -> None:
    """Write the figures, the tests, the table in Markdown and the picture."""
    table = comparison.table(paths.METRICS, config.MODELS)
    rows = {row.pop("model"): row for row in table.to_dict("records")}
    records.Comparison.model_validate(rows).write(paths.METRICS / "comparison.json")
    predictions = {
        model: pd.read_csv(paths.METRICS / model / "predictions.csv") for model in config.MODELS
    }
    tests = comparison.tests(predictions)
    records.Significance.parse(json.dumps(tests), "significance.json").write(
        paths.METRICS / "significance.json"
    )
    text = comparison.markdown(table) + "\n" + comparison.tests_markdown(tests)
    files.write_text(paths.REPORTS / "comparison.md", text)
    title = f"Four recognisers on {table['dataset'].iloc[0]}"
    with files.atomic(paths.REPORTS / "comparison.png") as path:
        path.write_bytes(plots.png(plots.comparison(table, title)))
    print(text)


if __name__ == "__main__":
    with errors.reported():
        main()
