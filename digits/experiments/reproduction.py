"""REPRODUCTION.md: what was published, and what comes out here."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from digits.core import files, paths
from digits.experiments import definition
from digits.experiments.definition import Shown
from digits.experiments.running import FinishedRun, fetched
from digits.report import text
from digits.report.figures import drawing
from digits.report.figures.model import digits as draw_digits
from digits.report.outcomes import Figures, GatheredClaim, JudgedClaim, Outcome, Reproduction

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FIGURES = paths.REPORTS / "reproduction"
DIGITS_A_ROW = 12
VERDICTS = {True: "agrees", False: "**differs**", None: "not run"}
RECORD = paths.OUTCOMES / "reproduction.json"


def published() -> list[str]:
    """The experiments that make claims."""
    return [name for name in definition.names() if definition.load(name).claims]


def figures(name: str, shown: Shown, found: Sequence[FinishedRun]) -> dict[str, bytes]:
    """The pictures of one experiment as PNG, by file name.

    Args:
        name: The experiment.
        shown: Which digits to draw.
        found: Its runs.

    """
    drawn = {
        f"{finished.run.name}-{model}-{figure}": content
        for finished in found
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
    part = next(iter(finished.models.values()))
    classes = part.classes
    if shown.first:
        with fetched(finished, "data/prepared") as folder:
            images = np.load(folder / "images.npy", mmap_mode="r")[: shown.first, ..., 0]
            labels = np.load(folder / "labels.npy")[: shown.first]
            captions = [classes[label] for label in labels]
            title = f"The first {len(images)} digits of {part.test.dataset}"
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
    """All claims of the published experiments, with how many agree."""
    gathered = {
        outcome.experiment: tuple(
            GatheredClaim(experiment=outcome.experiment, **claim.model_dump(exclude_unset=True))
            for claim in outcome.claims
        )
        for outcome in outcomes
    }
    verdicts = [claim.agrees for claims in gathered.values() for claim in claims]
    return Reproduction(
        claims=len(verdicts),
        agree=verdicts.count(True),
        differ=verdicts.count(False),
        not_run=verdicts.count(None),
        experiments=gathered,
    )


def markdown(outcomes: Sequence[Outcome], pictures: dict[str, list[str]]) -> str:
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
        f"Of {total.claims} claims {total.agree} agree, {total.differ} differ and "
        f"{total.not_run} were not run.",
    ]
    for outcome in outcomes:
        lines += _section(outcome, pictures.get(outcome.experiment, []))
    return "\n".join(lines) + "\n"


def _section(outcome: Outcome, pictures: Sequence[str]) -> list[str]:
    lines = ["", f"## {outcome.title}", ""]
    lines += [f"Source: {outcome.source}. Run it: `digits experiment {outcome.experiment}`.", ""]
    columns = ("model", "claim", "published", "ours", "95% interval", "verdict", "judged by")
    lines.append(text.markdown_table(columns, map(_claim_cells, outcome.claims)))
    lines += ["", "Not published, so assumed:", ""]
    lines += [f"- {assumption}" for assumption in outcome.assumed]
    for run in outcome.runs:
        for model, figures_ in run.models.items():
            heading = " ".join(dict.fromkeys(filter(None, [model, run.variant])))
            lines += ["", f"### {heading}: classification report", "", *_report(figures_)]
    for picture in pictures:
        lines += ["", f"![{Path(picture).stem}]({picture})"]
    return lines


def _claim_cells(claim: JudgedClaim) -> tuple[str, ...]:
    known = claim.ours_low is not None
    interval = text.interval(claim.ours_low, claim.ours_high) if known else ""
    verdict = VERDICTS[claim.agrees]
    return claim.model, claim.text, claim.published, claim.ours, interval, verdict, claim.how


def _report(figures_: Figures) -> list[str]:
    """The figures of one model by class, and its contingency table."""
    by_class = [
        (name, f"{row.precision:.4f}", f"{row.recall:.4f}", f"{row.f1:.4f}", f"{row.images:,}")
        for name, row in figures_.per_class.items()
    ]
    names = list(figures_.per_class)
    contingency = [
        (f"**{name}**", *counts) for name, counts in zip(names, figures_.confusion, strict=True)
    ]
    return [
        f"{text.percent(figures_.test_accuracy)} of {figures_.test_images:,} test images of "
        f"{figures_.dataset}; trained in {figures_.train_seconds:,.1f} s on {figures_.device}, "
        f"{figures_.threads} thread(s), {figures_.precision}.",
        "",
        text.markdown_table(("class", "precision", "recall", "F1", "images"), by_class),
        "",
        "Contingency table, true by predicted:",
        "",
        text.markdown_table(("true", *names), contingency),
    ]


def write(outcomes: Sequence[Outcome], pictures: dict[str, dict[str, bytes]]) -> None:
    """Write REPRODUCTION.md, its figures and reproduction.json."""
    named: dict[str, list[str]] = {}
    for name, drawn in pictures.items():
        for file, content in drawn.items():
            with files.atomic(FIGURES / file) as temporary:
                temporary.write_bytes(content)
        named[name] = [paths.relative(FIGURES / file) for file in drawn]
    record(outcomes).write(RECORD)
    files.write_text(paths.REPRODUCTION, markdown(outcomes, named))
