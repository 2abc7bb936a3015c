"""Put the models side by side: metrics/MODEL to metrics/comparison.json and reports.

Run as `python -m stages.compare`, or by `dvc repro compare`.
"""

from digits import config, errors, files, paths, plots, report


def main() -> None:
    """Write comparison.json, the table in Markdown and the figure."""
    table = report.table(paths.METRICS, config.MODELS)
    files.write_json(
        paths.METRICS / "comparison.json",
        {row.pop("model"): row for row in table.to_dict("records")},
    )
    text = report.markdown(table)
    files.write_text(paths.REPORTS / "comparison.md", text)
    title = f"Four recognisers on {table['dataset'].iloc[0]}"
    with files.atomic(paths.REPORTS / "comparison.png") as path:
        path.write_bytes(plots.png(plots.comparison(table, title)))
    print(text)


if __name__ == "__main__":
    with errors.reported():
        main()
