"""A data card and a card a model, in Markdown: what their records say, for who decides on a use.

What cards are to tell: M. Mitchell et al., Model Cards for Model Reporting (2019); T. Gebru et al.,
Datasheets for Datasets (2021).
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from digits.core import records
from digits.evaluation.recommendation import Recommendation
from digits.report import measures, text
from digits.report.page import advice
from digits.report.page.render import environment
from digits.report.page.results import ModelResults, Results

CONFUSED = 5
"""Pairs of classes that a card names, the most frequent first."""


@dataclass(frozen=True)
class About:
    """What cards tell beside the results."""

    raw: records.RawFiles
    split: records.Split
    params: Mapping[str, Any]
    """params.yaml."""


def cards(results: Results, found: Recommendation, about: About) -> dict[str, str]:
    """Every card in Markdown, by its name: that of the data and of each model."""
    writer = environment(markdown=True)
    made = {"data": writer.get_template("data.md").render(_of_data(results, about))}
    for model, part in results.models.items():
        context = _of_model(model, part, results.rows[model], found, about)
        made[model] = writer.get_template("model.md").render(context)
    return made


def _of_data(results: Results, about: About) -> dict[str, Any]:
    split = about.split
    made = {
        name: images
        for part in results.models.values()
        for name, images in part.train.split.items()
        if name not in split.sets
    }
    hands = [part.transfer for part in results.models.values() if part.transfer]
    return {
        "split": split,
        "params": about.params,
        "preparation": text.markdown_table(
            ("parameter", "value"),
            [(key, _shown(value)) for key, value in about.params["preprocess"].items()],
        ),
        "sets": text.markdown_table(
            ("set", "images", "SHA-256"),
            [
                (name, text.number(part.images), f"`{part.sha256}`")
                for name, part in (split.sets | made).items()
            ],
        ),
        "made": made,
        "classes": text.markdown_table(
            ("class", *split.sets),
            [
                (name, *(text.number(part.per_class[place]) for part in split.sets.values()))
                for place, name in enumerate(split.classes)
            ],
        ),
        "files": text.markdown_table(
            ("file", "SHA-256"), [(name, f"`{digest}`") for name, digest in about.raw.files.items()]
        ),
        "hands": next((one for one in hands if one.reporting), None),
    }


def _of_model(
    model: str, part: ModelResults, row: records.Row, found: Recommendation, about: About
) -> dict[str, Any]:
    return {
        "model": model,
        "part": part,
        "row": row,
        "recommended": found.model,
        "required": found.required,
        "standing": found.standings.get(model),
        "uses": [use for use in found.scenarios if model in use.choice.best],
        "written": advice.written,
        "recipe": text.markdown_table(
            ("parameter", "value"),
            [(key, _shown(value)) for key, value in about.params["train"][model].items()],
        ),
        "preparation": ", ".join(
            f"{key} {_shown(value)}" for key, value in about.params["preprocess"].items()
        ),
        "classes": text.markdown_table(
            ("class", "test images", "recall", "precision"),
            [
                (
                    name,
                    text.number(one.images),
                    text.percent(one.recall),
                    text.percent(one.precision),
                )
                for name, one in part.test.per_class.items()
            ],
        ),
        "confused": _confused(part),
        "changes": _changes(part.robustness),
        "costs": text.markdown_table(
            ("cost", "measured"),
            [
                ("training", text.seconds(row.train_seconds)),
                ("largest memory of the training", measures.mebibytes(row.train_memory_mib)),
                (
                    "energy of the training",
                    "cannot be read on that machine"
                    if row.train_joules is None
                    else f"{text.number(row.train_joules)} J",
                ),
                ("one image", text.milliseconds(row.latency_ms)),
                ("many images", f"{text.number(row.images_per_second)} images/s"),
                ("file", measures.mebibytes(row.bundle_mib)),
                ("memory, one image a call", measures.mebibytes(row.predict_memory_mib)),
                (
                    f"memory, {part.speed.batched.batch} images a call",
                    measures.mebibytes(row.batch_memory_mib),
                ),
            ],
        ),
        "machines": {"Trained": part.timing.hardware, "Evaluated": part.speed.hardware},
    }


def _confused(part: ModelResults) -> list[str]:
    """The test images of one class that are most often predicted as another."""
    answers = part.answers.predictions
    wrong = answers[answers["label"] != answers["prediction"]]
    pairs = Counter(zip(wrong["label"].tolist(), wrong["prediction"].tolist(), strict=True))
    return [
        f"{part.classes[true]} as {part.classes[predicted]} ({text.count(count, 'image')})"
        for (true, predicted), count in pairs.most_common(CONFUSED)
    ]


def _changes(measured: records.Robustness | None) -> str:
    if measured is None:
        return ""
    rows = []
    for name, change in measured.changes.items():
        below = change.falls_below
        ends = [
            f"{side} {text.significant(end)}"
            for side, end in (("below", below.lower), ("above", below.upper))
            if end is not None
        ]
        worst = min(change.points, key=lambda point: point.accuracy)
        rows.append(
            (
                name,
                change.unit,
                " and ".join(ends) or "at no step",
                f"{text.percent(worst.accuracy, 1)} at {text.significant(worst.amount)}",
            )
        )
    goal = text.percent(measured.required, 0)
    return text.markdown_table(("change", "unit", f"below {goal}", "worst"), rows)


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_shown(part)}" for key, part in value.items())
    if isinstance(value, list):
        return ", ".join(map(_shown, value))
    return str(value).lower() if isinstance(value, bool) else str(value)
