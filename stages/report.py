"""Tell all results: metrics and experiments/outcomes to reports/report.html and reports/cards.

Run as `python -m stages.report`, or by `dvc repro report`.
"""

from digits.core import config, errors, files, paths, records
from digits.evaluation import recommendation
from digits.report import cards
from digits.report.page import render, results


def main() -> None:
    """Write the page, on which experiments that were not made are named, and the cards."""
    params = config.load("recommendation", recommendation.Params)
    gathered = results.read(paths.ROOT, config.MODELS)
    found = render.recommended(gathered, params)
    text = render.render(gathered, found)
    files.write_text(paths.PAGE, text)
    about = cards.About(
        records.RawFiles.read(paths.RAW / paths.DATASET_JSON),
        records.Split.read(paths.SPLIT / "split.json"),
        config.read(paths.PARAMS),
    )
    for name, card in cards.cards(gathered, found, about).items():
        files.write_text(paths.REPORTS / "cards" / f"{name}.md", card)
    print(
        f"{paths.relative(paths.PAGE)}: {len(text.encode()) / 2**20:.1f} MiB; open it in a browser"
    )


if __name__ == "__main__":
    with errors.reported():
        main()
