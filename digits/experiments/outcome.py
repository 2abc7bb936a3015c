"""What an experiment has shown: its runs, tests and judged claims, put together."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from digits.evaluation import significance
from digits.experiments.claims import Claim, Evidence
from digits.experiments.definition import Experiment
from digits.experiments.results import Measured
from digits.experiments.running import FinishedRun, fetched
from digits.inference import scoring
from digits.report.outcomes import (
    Figures,
    JudgedClaim,
    Outcome,
    Repeated,
    RunOutcome,
    Welch,
)
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
        **experiment.model_dump(
            include={"title", "source", "question", "reference", "assumed", "fitted"}
        ),
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
    confusion: np.ndarray = np.empty((0, 0), int)
    if part.test is not None:
        confusion = np.zeros((len(part.classes),) * 2, int)
        np.add.at(confusion, (part.labels, part.answers), 1)
    correct, images = int(part.correct.sum()), len(part.correct)
    low, high = scoring.wilson(correct, images)
    hardware = part.timing.hardware
    figures = Figures(
        model=part.train.model,
        dataset=part.train.dataset,
        measured_on="validation" if part.test is None else "test",
        accuracy=correct / images,
        accuracy_low=low,
        accuracy_high=high,
        images=images,
        validation_accuracy=part.train.validation_accuracy,
        per_class={} if part.test is None else part.test.per_class,
        confusion=tuple(map(tuple, confusion.tolist())),
        history=part.history,
        train_seconds=part.timing.train_seconds,
        images_per_second=part.speed.images_per_second if part.speed else None,
        latency_ms=part.speed.latency_ms if part.speed else None,
        parameters=part.train.parameters,
        bundle_mib=round(part.train.bundle_bytes / 2**20, 2),
        device=hardware.device_name,
        precision=hardware.precision,
        threads=hardware.threads,
    )
    # What was not measured is not written.
    measured = {} if part.robustness is None else {"robustness": part.robustness}
    return figures.model_copy(update=measured)


def _judged(claim: Claim, found: Sequence[FinishedRun]) -> JudgedClaim:
    """Judge a claim by the runs that it is of."""
    runs = {
        one: [
            done for done in found if done.run.variant == one.variant and one.model in done.models
        ]
        for one in claim.configurations
    }
    for one, finished in runs.items():
        for done in finished:
            given = done.models[one.model].train.dataset
            wanted = provenance.params(git.at_revision(done.revision))["dataset"]["name"]
            if given != wanted:
                return claim.leave_open(f"{given} stood in for {wanted}")
    measured = {
        one: [done.models[one.model] for done in finished] for one, finished in runs.items()
    }
    return claim.judge(Evidence(measured, lambda one, seed, path: fetched(runs[one][seed], path)))


def _against_reference(experiment: Experiment, found: Sequence[FinishedRun]) -> dict[str, Any]:
    """The keys `tests`, or `repeats` and `welch`, of an outcome."""
    models = dict.fromkeys(model for finished in found for model in finished.models)
    by_model = {
        model: [(one.run.variant, one.models[model]) for one in found if model in one.models]
        for model in models
    }
    if any(one.run.seed is not None for one in found):
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
            accuracies.setdefault(variant, []).append(float(part.correct.mean()))
        repeats[model] = {
            variant: Repeated(**significance.repeated(values))
            for variant, values in accuracies.items()
        }
        if reference in accuracies:
            others = {name: values for name, values in accuracies.items() if name != reference}
            tests = significance.welch(accuracies[reference], others)
            welch[model] = {name: Welch(**test) for name, test in tests.items()}
    return {"repeats": repeats, "welch": welch}
