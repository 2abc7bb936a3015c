"""The guarded door: only a model that is not inferior to the champion takes its place."""

import io
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from digits.core import paths, records
from digits.core.errors import UserError
from digits.inference import bundle
from digits.team import paired, registry, standards
from digits.team.registry import Event, Registry, Version
from digits.tracking import models, provenance
from digits.tracking import run as runs


@dataclass(frozen=True)
class Answers:
    """What a model said of one set of images."""

    index: np.ndarray
    """(n,) places in the data set."""
    labels: np.ndarray
    """(n,) true classes, as their places."""
    predictions: np.ndarray
    """(n,) predicted classes."""

    @classmethod
    def parse(cls, content: bytes | None, source: str) -> "Answers":
        """Read predictions.csv or validation.csv, which stood in `source`."""
        import pandas as pd

        if content is None:
            raise UserError(f"{source} is missing; make it with `dvc repro`, then `digits sync`")
        table = pd.read_csv(io.BytesIO(content), usecols=["index", "label", "prediction"])
        return cls(*(table[name].to_numpy() for name in ("index", "label", "prediction")))

    @property
    def correct(self) -> np.ndarray:
        """(n,) bool."""
        return np.asarray(self.labels == self.predictions)

    def by_class(self, classes: tuple[str, ...]) -> dict[str, float]:
        """The share of each class's images that is predicted correctly."""
        return {
            name: float(self.correct[self.labels == place].mean())
            for place, name in enumerate(classes)
            if (self.labels == place).any()
        }


def compare(before: Answers, after: Answers, named: str) -> paired.Outcome:
    """Compare a newcomer with the model before it.

    Raises:
        UserError: if they did not read the same images.

    """
    if not (
        np.array_equal(before.index, after.index) and np.array_equal(before.labels, after.labels)
    ):
        raise UserError(
            f"expected two models that read the same {named} images, received {len(before.index)} "
            f"and {len(after.index)} of other places or labels; train the newcomer on the data "
            "that the champion was trained on"
        )
    return paired.compare(before.correct, after.correct)


@dataclass(frozen=True)
class Candidate:
    """A model in the working tree that is to be promoted."""

    model: str
    digest: str
    members: dict[str, bytes]
    validation: Answers
    test: Answers
    shortcomings: tuple[str, ...]
    """The standards that it misses."""


def candidate(model: str, params: standards.Params) -> Candidate:
    """Take a model's files and figures together.

    Raises:
        UserError: if some are missing, or are those of another training.

    """
    saved = bundle.load(paths.MODELS / model)
    members = models.files(model, runs.in_workspace, saved.digest)
    if lacking := models.places(model).keys() - members.keys():
        shown = ", ".join(models.places(model)[name] for name in sorted(lacking))
        raise UserError(f"{shown}: missing, or of another {model}; run `dvc repro` first")
    folder = paths.METRICS / model
    figures = (
        records.Speed.read(folder / "speed.json"),
        records.Train.read(folder / "train.json"),
        records.Robustness.read(folder / "robustness.json"),
    )
    test = records.Test.read(folder / "test.json")
    for name, digest in (
        ("train", figures[1].model_sha256),
        ("robustness", figures[2].model_sha256),
        ("test", test.model_sha256),
    ):
        if digest != saved.digest:
            raise UserError(
                f"metrics/{model}/{name}.json was measured on another model than models/{model}; "
                "run `dvc repro` first"
            )
    answers = {
        name: Answers.parse(runs.in_workspace(f"metrics/{model}/{name}"), f"metrics/{model}/{name}")
        for name in (runs.VALIDATION, runs.PREDICTIONS)
    }
    validation = answers[runs.VALIDATION]
    by_class = validation.by_class(saved.description.classes)
    return Candidate(
        model,
        saved.digest,
        members,
        validation,
        answers[runs.PREDICTIONS],
        tuple(standards.shortcomings(params, by_class, *figures)),
    )


@dataclass(frozen=True)
class Verdict:
    """Whether a newcomer becomes champion."""

    reasons: tuple[str, ...]
    """Why not; none if it does."""
    outcomes: Mapping[str, paired.Outcome]
    """The comparisons with the champion that were made: of validation, then test."""

    @property
    def said(self) -> str:
        """The verdict in one line."""
        if self.reasons:
            return "; ".join(self.reasons)
        if not self.outcomes:
            return "meets every floor; there was no champion"
        return f"not inferior: {told(self.outcomes['validation'])}"


def told(outcome: paired.Outcome) -> str:
    """An outcome in one line."""
    return (
        f"{outcome.difference:+.2%} of {outcome.images:,} images "
        f"({outcome.low:+.2%} to {outcome.high:+.2%}; {outcome.only_after} won, "
        f"{outcome.only_before} lost)"
    )


def judge(
    newcomer: Candidate,
    champion: tuple[Answers, Answers] | None,
    margin: float,
) -> Verdict:
    """Decide by floors and validation images; the test images confirm what these have shown.

    Args:
        newcomer: The model.
        champion: What the champion said of the validation and of the test images; None if there is
            no champion.
        margin: Of accuracy.

    """
    if champion is None:
        return Verdict(newcomer.shortcomings, {})
    outcomes = {"validation": compare(champion[0], newcomer.validation, "validation")}
    reasons = list(newcomer.shortcomings)
    if not outcomes["validation"].passes(margin):
        reasons.append(inferior(outcomes["validation"], margin))
    if not reasons:
        outcomes["test"] = compare(champion[1], newcomer.test, "test")
        if outcomes["test"].high < -margin:
            reasons.append(f"the test images contradict: {told(outcomes['test'])}")
    return Verdict(tuple(reasons), outcomes)


def inferior(outcome: paired.Outcome, margin: float) -> str:
    """Say by how much a model failed the comparison, and whether more images would help."""
    said = (
        f"accuracy: {told(outcome)} may be worse by up to {-outcome.low:.2%}, "
        f"{-outcome.low - margin:.2%} more than the margin of {margin:.2%}"
    )
    discordant = (outcome.only_before + outcome.only_after) / outcome.images
    least = paired.smallest_margin(outcome.images, max(discordant, 1 / outcome.images))
    if least > margin:
        said += (
            f" (two models that differ on {discordant:.2%} of {outcome.images:,} images can be "
            f"told equal within {least:.2%} at best)"
        )
    return said


def promote(
    model: str, why: str, params: standards.Params, door: Registry
) -> tuple[Event | None, Verdict]:
    """Let a model be champion if it passes.

    Args:
        model: Its name.
        why: The reason to keep; the verdict if empty.
        params: What it must reach.
        door: The registry.

    Returns:
        What was added to the history, None if it is the champion already; and the verdict.

    """
    newcomer = candidate(model, params)
    while True:
        number = door.champion()
        version = None if number is None else door.version(number)
        if version is not None and version.sha256 == newcomer.digest:
            return None, Verdict((), {})
        verdict = judge(newcomer, _answers(door, version), params.margin)
        made = None if verdict.reasons else _register(door, newcomer)
        if door.champion() == number:
            break  # nobody else promoted meanwhile
    event = Event(
        at=registry.now(),
        who=registry.who(),
        action="refused" if made is None else "promoted",
        model=model,
        sha256=newcomer.digest,
        version=None if made is None else made.number,
        before=number,
        why=registry.reason(why, lambda: verdict.said),
        test_opened="test" in verdict.outcomes,
    )
    # In this order: by the history the way back is found.
    door.record(event)
    if made is not None:
        door.crown(made.number)
    return event, verdict


def _answers(door: Registry, version: Version | None) -> tuple[Answers, Answers] | None:
    """What a version said of the validation and the test images, as its run has it."""
    if version is None:
        return None
    source = f"the run {version.run_id} of version {version.number}: "
    validation, test = (
        Answers.parse(door.store.predictions(version.run_id, name), source + name)
        for name in (runs.VALIDATION, runs.PREDICTIONS)
    )
    return validation, test


def _register(door: Registry, newcomer: Candidate) -> Version:
    """Make a version of the run of the newcomer's training, which is published if need be."""
    model, read = newcomer.model, runs.in_workspace
    context = provenance.of_training(model, read, provenance.recording(model))
    run = runs.finished(model, read, context)
    if run is None or run.is_evaluation or run.tags["digits.model"] != newcomer.digest:
        raise UserError(
            f"metrics/{model} does not hold the training of models/{model} and its evaluation on "
            "the test set; run `dvc repro` first"
        )
    door.store.publish(run, recorded=True)
    (found,) = door.store.search(f"tags.`{runs.TRAINING_ID}` = '{run.training}'")
    return door.register(model, str(found.info.run_id), newcomer.members)


def rollback(why: str, door: Registry) -> Event:
    """Return to the champion before the present one.

    Raises:
        UserError: if there is none.

    """
    number = door.champion()
    promotions = [
        event for event in door.history() if event.action == "promoted" and event.version == number
    ]
    before = promotions[-1].before if promotions else None
    if number is None or before is None:
        raise UserError("there is no champion before the present one to return to")
    version = door.version(before)
    event = Event(
        at=registry.now(),
        who=registry.who(),
        action="rolled back",
        model=version.model,
        sha256=version.sha256,
        version=before,
        before=number,
        why=registry.reason(why, lambda: f"version {number} was withdrawn"),
        test_opened=False,
    )
    door.record(event)
    door.crown(before)
    return event
