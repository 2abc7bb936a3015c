"""REPRODUCTION.md: what was published, and what comes out here."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from digits.core import files, paths
from digits.experiments import definition, results
from digits.experiments.definition import Shown
from digits.experiments.results import Result
from digits.report import text
from digits.report.figures import drawing
from digits.report.figures.model import digits as draw_digits

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FIGURES = paths.REPORTS / "reproduction"
DIGITS_A_ROW = 12
VERDICTS = {True: "agrees", False: "**differs**", None: "not run"}
RECORD = paths.OUTCOMES / "reproduction.json"


def published() -> list[str]:
    """The experiments that make claims."""
    return [name for name in definition.names() if definition.load(name).claims]


def figures(name: str, shown: Shown, found: Sequence[Result]) -> dict[str, bytes]:
    """The pictures of one experiment as PNG, by file name.

    Args:
        name: The experiment.
        shown: Which digits to draw.
        found: Its runs.

    """
    drawn = {
        f"{result.run.name}-{model}-{figure}": content
        for result in found
        for model, part in result.models.items()
        for figure, content in part.figures.items()
        if figure != "misread"
    }
    if found:
        drawn |= {
            f"{name}-{kind}": drawing.png(figure) for kind, figure in _digits(shown, found[0])
        }
    return {f"{file}.png": content for file, content in drawn.items()}


def _digits(shown: Shown, result: Result) -> Iterator[tuple[str, "Figure"]]:
    """Pictures of digits, from the data sets that DVC keeps for the run."""
    part = next(iter(result.models.values()))
    classes = part.classes
    if shown.first:
        with results.fetched(result.revision, "data/prepared") as folder:
            images = np.load(folder / "images.npy", mmap_mode="r")[: shown.first, ..., 0]
            labels = np.load(folder / "labels.npy")[: shown.first]
            captions = [classes[label] for label in labels]
            title = f"The first {len(images)} digits of {part.test.dataset}"
            yield "first", _drawn(np.asarray(images), captions, title)
    if not (shown.read or shown.misread):
        return
    with (
        results.fetched(result.revision, "data/split/test.npz") as path,
        np.load(path) as stored,
    ):
        images = stored["images"][..., 0]
    if shown.read:
        captions = [classes[answer] for answer in part.answers[: shown.read]]
        title = f"{min(shown.read, len(images))} test digits, and what is predicted"
        yield "read", _drawn(images[: shown.read], captions, title)
    if shown.misread:
        wanted = [classes.index(digit) for digit in shown.misread]
        wrong = np.flatnonzero(~part.correct & np.isin(part.labels, wanted))
        wrong = wrong[np.argsort(part.labels[wrong], kind="stable")]
        captions = [
            f"{classes[part.labels[i]]} \N{RIGHTWARDS ARROW} {classes[part.answers[i]]}"
            for i in wrong
        ]
        title = f"Misclassified {text.listed(shown.misread)}"
        yield "misread", _drawn(images[wrong], captions, title)


def _drawn(images: np.ndarray, captions: Sequence[str], title: str) -> "Figure":
    return draw_digits(list(drawing.grey(images)), captions, DIGITS_A_ROW, title)


def record(outcomes: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """All claims in one list, with how many agree.

    Args:
        outcomes: Of `outcome.summarise`, the published experiments.

    """
    claims = [
        {"experiment": outcome["experiment"], **claim}
        for outcome in outcomes
        for claim in outcome["claims"]
    ]
    verdicts = [claim["agrees"] for claim in claims]
    return {
        "claims": len(claims),
        "agree": verdicts.count(True),
        "differ": verdicts.count(False),
        "not_run": verdicts.count(None),
        "experiments": {
            outcome["experiment"]: [
                claim for claim in claims if claim["experiment"] == outcome["experiment"]
            ]
            for outcome in outcomes
        },
    }


def markdown(outcomes: Sequence[dict[str, Any]], pictures: dict[str, list[str]]) -> str:
    """The page.

    Args:
        outcomes: The published experiments.
        pictures: For each, paths of its figures relative to the page.

    """
    total = record(outcomes)
    lines = [
        "# The published results, reproduced",
        "",
        "Written by `digits reproduce`; the definitions are in `experiments/`, all figures in "
        "`experiments/outcomes/`. "
        f"Of {total['claims']} claims {total['agree']} agree, {total['differ']} differ and "
        f"{total['not_run']} were not run.",
    ]
    for outcome in outcomes:
        lines += _section(outcome, pictures.get(outcome["experiment"], []))
    return "\n".join(lines) + "\n"


def _section(outcome: dict[str, Any], pictures: Sequence[str]) -> list[str]:
    name = outcome["experiment"]
    lines = ["", f"## {outcome['title']}", ""]
    lines += [f"Source: {outcome['source']}. Run it: `digits experiment {name}`.", ""]
    columns = ("model", "claim", "published", "ours", "95% interval", "verdict", "judged by")
    rows = []
    for claim in outcome["claims"]:
        low, high = claim.get("ours_low"), claim.get("ours_high")
        interval = "" if low is None else text.interval(low, high)
        shown = (claim["published"], claim["ours"], interval, VERDICTS[claim["agrees"]])
        rows.append((claim["model"], claim["text"], *shown, claim["how"]))
    lines.append(text.markdown_table(columns, rows))
    lines += ["", "Not published, so assumed:", ""]
    lines += [f"- {assumption}" for assumption in outcome["assumed"]]
    for run in outcome["runs"]:
        for model, figures_ in run["models"].items():
            heading = " ".join(dict.fromkeys(filter(None, [model, run["variant"]])))
            seconds = figures_["train_seconds"]
            lines += [
                "",
                f"### {heading}: classification report",
                "",
                f"{figures_['test_accuracy']:.2%} of {figures_['test_images']:,} test images of "
                f"{figures_['dataset']}; trained in {seconds:,.1f} s on {figures_['device']}, "
                f"{figures_['threads']} thread(s), {figures_['precision']}.",
                "",
                *_classification(figures_),
            ]
            lines += ["", "Contingency table, true by predicted:", "", *_contingency(figures_)]
    for picture in pictures:
        lines += ["", f"![{Path(picture).stem}]({picture})"]
    return lines


def _classification(figures_: dict[str, Any]) -> list[str]:
    lines = ["| class | precision | recall | F1 | images |", "| --- | --- | --- | --- | --- |"]
    for name, row in figures_["per_class"].items():
        shares = f"{row['precision']:.4f} | {row['recall']:.4f} | {row['f1']:.4f}"
        lines.append(f"| {name} | {shares} | {row['images']:,} |")
    return lines


def _contingency(figures_: dict[str, Any]) -> list[str]:
    names = list(figures_["per_class"])
    lines = ["| | " + " | ".join(names) + " |", "| --- " * (len(names) + 1) + "|"]
    for name, counts in zip(names, figures_["confusion"], strict=True):
        lines.append(f"| **{name}** | " + " | ".join(str(count) for count in counts) + " |")
    return lines


def write(outcomes: Sequence[dict[str, Any]], pictures: dict[str, dict[str, bytes]]) -> None:
    """Write REPRODUCTION.md, its figures and reproduction.json."""
    named: dict[str, list[str]] = {}
    for name, drawn in pictures.items():
        for file, content in drawn.items():
            with files.atomic(FIGURES / file) as temporary:
                temporary.write_bytes(content)
        named[name] = [paths.relative(FIGURES / file) for file in drawn]
    files.write_json(RECORD, record(outcomes))
    files.write_text(paths.REPRODUCTION, markdown(outcomes, named))
