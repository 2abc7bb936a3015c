"""What an experiment has shown, as one JSON file: experiments/outcomes/NAME.json."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from digits.core import paths
from digits.evaluation import significance
from digits.experiments import results
from digits.experiments.claims import judge, left_open
from digits.experiments.definition import Experiment
from digits.experiments.results import Measured, Result
from digits.report import comparison
from digits.tracking import git, provenance


def summarise(
    name: str, experiment: Experiment, found: Sequence[Result], left_out: dict[str, str]
) -> dict[str, Any]:
    """All that the runs have shown.

    Args:
        name: The experiment's name.
        experiment: Its definition.
        found: Its runs.
        left_out: Variants that this machine cannot do, and why.

    Returns:
        experiment, title, source, question, assumed and reference, from the definition; left_out;
        runs, with variant, seed, differences, and for every model the row of `report.row`,
        per_class and confusion (true by predicted class), and falls_below where robustness was
        measured; claims, as `claims.judge` gives them; and, against the reference, tests (paired,
        on the same images) or, where there are seeds, repeats and welch, for every model.

    """
    summary: dict[str, Any] = {
        "experiment": name,
        **experiment.model_dump(include={"title", "source", "question", "assumed", "reference"}),
        "left_out": left_out,
        "runs": [
            {
                "variant": result.run.variant,
                "seed": result.run.seed,
                "differences": result.run.differences,
                "models": {model: _figures(part) for model, part in result.models.items()},
            }
            for result in found
        ],
        "claims": _claims(experiment, found),
    }
    models = dict.fromkeys(model for result in found for model in result.models)
    if experiment.seeds:
        summary |= _repeats(experiment.reference, models, found)
    elif experiment.reference:
        summary["tests"] = {model: _tests(experiment.reference, model, found) for model in models}
    return summary


def _tests(reference: str, model: str, found: Sequence[Result]) -> list[dict[str, Any]]:
    correct = {
        result.run.variant: result.models[model].correct
        for result in found
        if model in result.models
    }
    return [test.as_dict() for test in significance.against(reference, correct)]


def _figures(part: Measured) -> dict[str, Any]:
    confusion = np.zeros((len(part.classes),) * 2, int)
    np.add.at(confusion, (part.labels, part.answers), 1)
    row = comparison.row(part.train, part.test, part.timing, part.speed)
    test = part.test.as_dict()
    figures = {
        "model": test["model"],
        **row.as_dict(),
        "per_class": test["per_class"],
        "confusion": confusion.tolist(),
    }
    if part.robustness:
        figures["robustness"] = part.robustness.as_dict()
    return figures


def _claims(experiment: Experiment, found: Sequence[Result]) -> list[dict[str, Any]]:
    by_variant = {result.run.variant: result for result in found}
    judged = []
    for claim in experiment.claims:
        result = by_variant.get(claim.variant or "")
        if result is None or claim.model not in result.models:
            judged.append(left_open(claim))
            continue
        part = result.models[claim.model]
        wanted = provenance.params(git.at_revision(result.revision))["dataset"]["name"]
        if part.test.dataset != wanted:
            judged.append(left_open(claim, f"{part.test.dataset} stood in for {wanted}"))
            continue
        judged.append(judge(claim, part, partial(_read_own, result.revision, claim.model)))
    return judged


def _read_own(commit: str, model: str, image: str) -> str:
    """What the model that DVC keeps for `commit` reads in an image file of one digit."""
    from digits.inference.predictor import Predictor
    from digits.scan.single.read import read_digit

    digit = read_digit(paths.ROOT / image)
    with results.fetched(commit, f"models/{model}") as folder:
        ready = Predictor.load(folder)
        return ready.classes[int(ready.read(digit[None])[0].argmax())]


def _repeats(
    reference: str | None, models: Sequence[str] | dict[str, None], found: Sequence[Result]
) -> dict[str, Any]:
    """Means over seeds, and whether set-ups differ by more than their seeds do."""
    repeats: dict[str, Any] = {}
    welch: dict[str, Any] = {}
    for model in models:
        accuracies: dict[str, list[float]] = {}
        for result in found:
            if model in result.models:
                measured = result.models[model].test.accuracy
                accuracies.setdefault(result.run.variant, []).append(measured)
        repeats[model] = {
            variant: significance.repeated(values) for variant, values in accuracies.items()
        }
        if reference in accuracies:
            others = {name: values for name, values in accuracies.items() if name != reference}
            welch[model] = significance.welch(accuracies[reference], others)
    return {"repeats": repeats, "welch": welch}


def path(name: str) -> Path:
    """Where the outcome of the experiment `name` is kept."""
    return paths.OUTCOMES / f"{name}.json"
