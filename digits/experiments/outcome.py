"""What an experiment has shown: its runs, tests and judged claims, put together."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from digits.core import paths
from digits.evaluation import significance
from digits.experiments.claims import Claim
from digits.experiments.definition import Experiment
from digits.experiments.results import Measured
from digits.experiments.running import FinishedRun, fetched
from digits.report import comparison
from digits.report.outcomes import Figures, JudgedClaim, Outcome, Repeated, RunOutcome, Welch
from digits.tracking import git, provenance


def gather(
    name: str, experiment: Experiment, found: Sequence[FinishedRun], left_out: dict[str, str]
) -> Outcome:
    """Put together what the runs have shown.

    Args:
        name: The experiment's name.
        experiment: Its definition.
        found: Its runs.
        left_out: Variants that this machine cannot do, and why.

    """
    return Outcome(
        experiment=name,
        **experiment.model_dump(include={"title", "source", "question", "reference", "assumed"}),
        left_out=left_out,
        runs=tuple(
            RunOutcome(
                variant=finished.run.variant,
                seed=finished.run.seed,
                differences=finished.run.differences,
                models={model: _figures(part) for model, part in finished.models.items()},
            )
            for finished in found
        ),
        claims=tuple(_judged(claim, found) for claim in experiment.claims),
        **_against_reference(experiment, found),
    )


def _figures(part: Measured) -> Figures:
    confusion = np.zeros((len(part.classes),) * 2, int)
    np.add.at(confusion, (part.labels, part.answers), 1)
    row = comparison.row(part.train, part.test, part.timing, part.speed)
    figures = Figures(
        **dict(row),
        model=part.test.model,
        per_class=part.test.per_class,
        confusion=tuple(map(tuple, confusion.tolist())),
    )
    # What was not measured is not written.
    measured = {} if part.robustness is None else {"robustness": part.robustness}
    return figures.model_copy(update=measured)


def _judged(claim: Claim, found: Sequence[FinishedRun]) -> JudgedClaim:
    """Judge a claim by the run that it is of."""
    of_variant = (one for one in found if one.run.variant == (claim.variant or ""))
    finished = next(of_variant, None)
    if finished is None or claim.model not in finished.models:
        return claim.leave_open()
    part = finished.models[claim.model]
    wanted = provenance.params(git.at_revision(finished.revision))["dataset"]["name"]
    if part.test.dataset != wanted:
        return claim.leave_open(f"{part.test.dataset} stood in for {wanted}")
    return claim.judge(part, partial(_read_own, finished, claim.model))


def _read_own(finished: FinishedRun, model: str, image: str) -> str:
    """What the model that DVC keeps of a run reads in an image file of one digit."""
    from digits.inference.predictor import Predictor
    from digits.scan.single.read import read_digit

    digit = read_digit(paths.ROOT / image)
    with fetched(finished, f"models/{model}") as folder:
        ready = Predictor.load(folder)
        return ready.classes[int(ready.read(digit[None])[0].argmax())]


def _against_reference(experiment: Experiment, found: Sequence[FinishedRun]) -> dict[str, Any]:
    """The keys `tests`, or `repeats` and `welch`, of an outcome."""
    models = dict.fromkeys(model for finished in found for model in finished.models)
    by_model = {
        model: [(one.run.variant, one.models[model]) for one in found if model in one.models]
        for model in models
    }
    if experiment.seeds:
        return _over_seeds(experiment.reference, by_model)
    if experiment.reference is None:
        return {}
    correct = {
        model: {variant: part.correct for variant, part in parts}
        for model, parts in by_model.items()
    }
    tests = {
        model: significance.against(experiment.reference, variants)
        for model, variants in correct.items()
        if experiment.reference in variants
    }
    return {"tests": tests}


def _over_seeds(
    reference: str | None, by_model: dict[str, list[tuple[str, Measured]]]
) -> dict[str, Any]:
    """Means over seeds, and whether configurations differ by more than their seeds do."""
    repeats: dict[str, dict[str, Repeated]] = {}
    welch: dict[str, dict[str, Welch]] = {}
    for model, parts in by_model.items():
        accuracies: dict[str, list[float]] = {}
        for variant, part in parts:
            accuracies.setdefault(variant, []).append(part.test.accuracy)
        repeats[model] = {
            variant: Repeated(**significance.repeated(values))
            for variant, values in accuracies.items()
        }
        if reference in accuracies:
            others = {name: values for name, values in accuracies.items() if name != reference}
            tests = significance.welch(accuracies[reference], others)
            welch[model] = {name: Welch(**test) for name, test in tests.items()}
    return {"repeats": repeats, "welch": welch}
