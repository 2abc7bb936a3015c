"""REPRODUCTION.md: what was published, and what comes out here."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from digits.core import files, paths
from digits.evaluation import significance
from digits.experiments import definition
from digits.experiments.definition import Shown
from digits.experiments.running import FinishedRun, fetched
from digits.report import text
from digits.report.figures import drawing
from digits.report.figures.model import digits as draw_digits
from digits.report.outcomes import (
    Figures,
    GatheredClaim,
    JudgedClaim,
    Outcome,
    Reproduction,
    Verdict,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FIGURES = paths.REPORTS / "reproduction"
DIGITS_A_ROW = 12
MEANINGS: dict[Verdict, str] = {
    "agrees": "a test that would notice a difference finds none",
    "fitted": "it agrees, and something that nobody published was chosen so",
    "cannot be told": "too few images or seeds: another truth would give the same",
    "differs": "it does not follow from what was published",
    "contradicts itself": "the source gives two figures for the same thing",
    "not run": "not on this machine, or not yet",
}
RECORD = paths.OUTCOMES / "reproduction.json"


def published() -> list[str]:
    """The experiments that make claims."""
    return [name for name in definition.names() if definition.load(name).claims]


def figures(name: str, shown: Shown, found: Sequence[FinishedRun]) -> dict[str, bytes]:
    """The pictures of one experiment as PNG, by file name; of several seeds, the first one's.

    Args:
        name: The experiment.
        shown: Which digits to draw.
        found: Its runs.

    """
    firsts = {finished.run.variant: finished for finished in reversed(found)}
    drawn = {
        f"{finished.run.name}-{model}-{figure}": content
        for finished in reversed(firsts.values())
        for model, part in finished.models.items()
        for figure, content in part.figures.items()
    }
    if found:
        drawn |= {
            f"{name}-{kind}": drawing.png(figure) for kind, figure in _digits(shown, found[0])
        }
    return {f"{file}.png": content for file, content in drawn.items()}


def _digits(shown: Shown, finished: FinishedRun) -> Iterator[tuple[str, "Figure"]]:
    """Pictures of digits, from the data sets that DVC keeps for the run."""
    if shown == Shown():
        return
    part = next(iter(finished.models.values()))
    classes = part.classes
    if shown.first:
        with fetched(finished, "data/prepared") as folder:
            images = np.load(folder / "images.npy", mmap_mode="r")[: shown.first, ..., 0]
            labels = np.load(folder / "labels.npy")[: shown.first]
            captions = [classes[label] for label in labels]
            title = f"The first {len(images)} digits of {part.train.dataset}"
            yield "first", _drawn(np.asarray(images), captions, title)
    if not (shown.read or shown.misclassified):
        return
    with (
        fetched(finished, "data/split/test.npz") as path,
        np.load(path) as stored,
    ):
        images = stored["images"][..., 0]
    if shown.read:
        captions = [classes[answer] for answer in part.answers[: shown.read]]
        title = f"{min(shown.read, len(images))} test digits, and what is predicted"
        yield "read", _drawn(images[: shown.read], captions, title)
    if shown.misclassified:
        wanted = part.places(shown.misclassified)
        wrong = np.flatnonzero(~part.correct & np.isin(part.labels, wanted))
        wrong = wrong[np.argsort(part.labels[wrong], kind="stable")]
        captions = [
            f"{classes[part.labels[i]]} \N{RIGHTWARDS ARROW} {classes[part.answers[i]]}"
            for i in wrong
        ]
        title = f"Misclassified {text.listed(shown.misclassified)}"
        yield "misclassified", _drawn(images[wrong], captions, title)


def _drawn(images: np.ndarray, captions: Sequence[str], title: str) -> "Figure":
    return draw_digits(list(drawing.grey(images)), captions, DIGITS_A_ROW, title)


def record(outcomes: Sequence[Outcome]) -> Reproduction:
    """All claims of the published experiments, with how often each verdict is given."""
    gathered = {
        outcome.experiment: tuple(
            GatheredClaim(experiment=outcome.experiment, **dict(claim)) for claim in outcome.claims
        )
        for outcome in outcomes
    }
    given = Counter(claim.verdict for claims in gathered.values() for claim in claims)
    return Reproduction(
        claims=given.total(),
        verdicts={verdict: given[verdict] for verdict in MEANINGS if given[verdict]},
        experiments=gathered,
    )


def markdown(outcomes: Sequence[Outcome], pictures: dict[str, list[str]]) -> str:
    """The page.

    Args:
        outcomes: The published experiments.
        pictures: For each, paths of its figures relative to the page.

    """
    total = record(outcomes)
    counted = [
        (verdict, str(count), MEANINGS[verdict]) for verdict, count in total.verdicts.items()
    ]
    lines = [
        "# The published results, reproduced",
        "",
        "Written by `digits reproduce`; the definitions are in `experiments/`, all figures in "
        f"`experiments/outcomes/`. {total.claims} published statements were held against what "
        "comes out here.",
        "",
        text.markdown_table(("verdict", "statements", "what it means"), counted),
    ]
    for outcome in outcomes:
        lines += _section(outcome, pictures.get(outcome.experiment, []))
    return "\n".join(lines) + "\n"


def _section(outcome: Outcome, pictures: Sequence[str]) -> list[str]:
    lines = ["", f"## {outcome.title}", ""]
    lines += [f"Source: {outcome.source}. Run it: `digits experiment {outcome.experiment}`.", ""]
    columns = ("model", "claim", "published", "ours", "95% interval", "verdict", "judged by")
    lines.append(text.markdown_table(columns, map(_claim_cells, outcome.claims)))
    for said, listed in (
        ("Not published, so assumed:", outcome.assumed),
        ("Fitted:", outcome.fitted),
    ):
        if listed:
            lines += ["", said, "", *(f"- {one}" for one in listed)]
    for claim in outcome.claims:
        if claim.compared:
            lines += ["", f"### {claim.text}", "", *_compared(claim)]
    lines += _runs(outcome)
    for picture in pictures:
        lines += ["", f"![{Path(picture).stem}]({picture})"]
    return lines


def _claim_cells(claim: JudgedClaim) -> tuple[str, ...]:
    known = claim.ours_low is not None
    interval = text.interval(claim.ours_low, claim.ours_high) if known else ""
    verdict = claim.verdict if claim.verdict == "agrees" else f"**{claim.verdict}**"
    models = ", ".join(claim.models)
    return models, claim.text, claim.published, claim.ours, interval, verdict, claim.how


def _compared(claim: JudgedClaim) -> list[str]:
    """Published figures beside ours; bold is what no other seed would give."""
    columns = list(dict.fromkeys(one.column for one in claim.compared))
    rows: dict[str, dict[str, str]] = {}
    for one in claim.compared:
        reach = "" if one.reach is None else f" \N{PLUS-MINUS SIGN} {one.reach:.4f}"
        outside = one.p_corrected is not None and one.p_corrected < significance.LEVEL
        published = f"**{one.published:.4f}**" if outside else f"{one.published:.4f}"
        rows.setdefault(one.row, {})[one.column] = f"{published} / {one.ours:.4f}{reach}"
    heads = ("", *(column.replace("_", " ") for column in columns))
    return [
        "Published / ours, the mean over seeds, and how far another seed's figure may lie from it; "
        "bold where it lies farther, corrected for their number.",
        "",
        text.markdown_table(
            heads, ((row, *(cells.get(one, "") for one in columns)) for row, cells in rows.items())
        ),
    ]


def _runs(outcome: Outcome) -> list[str]:
    """A line a configuration, and the contingency table of each one's first seed."""
    by_variant: dict[tuple[str, str], list[Figures]] = {}
    for run in outcome.runs:
        for model, figures_ in run.models.items():
            by_variant.setdefault((model, run.variant), []).append(figures_)
    if not by_variant:
        return []
    columns = ("model", "variant", "seeds", "accuracy", "images", "training", "on")
    cells = [
        (
            model,
            variant,
            str(len(runs)),
            text.percent(sum(one.accuracy for one in runs) / len(runs)),
            f"{runs[0].images:,} {runs[0].measured_on}",
            text.seconds(sum(one.train_seconds for one in runs) / len(runs)),
            f"{runs[0].device}, {runs[0].threads} thread(s), {runs[0].precision}",
        )
        for (model, variant), runs in by_variant.items()
    ]
    lines = ["", "### What was run", "", text.markdown_table(columns, cells)]
    for (model, variant), (first, *_) in by_variant.items():
        if first.confusion:
            heading = " ".join(dict.fromkeys(filter(None, [model, variant])))
            lines += ["", f"<details><summary>{heading}: contingency table</summary>", ""]
            lines += [*_contingency(first), "", "</details>"]
    return lines


def _contingency(figures_: Figures) -> list[str]:
    """True by predicted classes, with recall and precision."""
    names = list(figures_.per_class)
    rows = [
        (f"**{name}**", *map(str, counts), f"{figures_.per_class[name].recall:.4f}")
        for name, counts in zip(names, figures_.confusion, strict=True)
    ]
    precisions = (f"{figures_.per_class[name].precision:.4f}" for name in names)
    rows.append(("precision", *precisions, ""))
    return [text.markdown_table(("true", *names, "recall"), rows)]


def write(outcomes: Sequence[Outcome], pictures: dict[str, dict[str, bytes]]) -> None:
    """Write REPRODUCTION.md, its figures and reproduction.json; figures of before are removed."""
    named: dict[str, list[str]] = {}
    for name, drawn in pictures.items():
        for file, content in drawn.items():
            with files.atomic(FIGURES / file) as temporary:
                temporary.write_bytes(content)
        named[name] = [paths.relative(FIGURES / file) for file in drawn]
    shown = {file for drawn in pictures.values() for file in drawn}
    for path in FIGURES.glob("*.png"):
        if path.name not in shown:
            path.unlink()
    record(outcomes).write(RECORD)
    files.write_text(paths.REPRODUCTION, markdown(outcomes, named))
