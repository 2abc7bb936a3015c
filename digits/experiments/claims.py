"""Published statements held against what a run measured."""

from collections.abc import Callable
from typing import Any

import numpy as np

from digits.evaluation import significance
from digits.experiments.definition import (
    AccuracyClaim,
    ChangeClaim,
    Claim,
    ExtremesClaim,
    HypothesisClaim,
    MistakeClaim,
    OwnDigitClaim,
    PredictionsClaim,
)
from digits.experiments.results import Measured
from digits.inference import scoring

ReadOwn = Callable[[str], str]
"""From the path of an image to the class that the model, loaded anew, reads in it."""


def judge(claim: Claim, measured: Measured, read_own: ReadOwn) -> dict[str, Any]:
    """Hold one claim against one evaluated model.

    Args:
        claim: What was published.
        measured: The model's files.
        read_own: Reads an own image with the stored model.

    Returns:
        text, variant, model, measure; published and ours as texts; ours_low and ours_high, the
        95% Wilson interval where ours is a share; agrees; and how, why it was judged so.

    """
    match claim:
        case AccuracyClaim():
            judged = _accuracy(claim, measured)
        case PredictionsClaim():
            judged = _predictions(claim, measured)
        case HypothesisClaim():
            judged = _hypothesis(claim, measured)
        case ExtremesClaim():
            judged = _extremes(claim, measured)
        case MistakeClaim():
            judged = _mistake(claim, measured)
        case ChangeClaim():
            judged = _change(claim, measured)
        case OwnDigitClaim():
            judged = _own_digit(claim, read_own)
    return {**_stated(claim), **judged}


def left_open(claim: Claim, reason: str = "") -> dict[str, Any]:
    """The same for a claim whose run was left out, or cannot tell for the reason given."""
    return {**_stated(claim), "ours": "not run", "agrees": None, "how": reason}


def _stated(claim: Claim) -> dict[str, Any]:
    match claim:
        case AccuracyClaim():
            around = "around " if claim.tolerance else ""
            published = f"{around}{claim.published:.2%} of {claim.images:,}"
        case HypothesisClaim():
            published = f"at least {claim.published:.0%}"
        case MistakeClaim():
            published = f"about {claim.published:.0%}"
        case ExtremesClaim():
            published = " and ".join(claim.published)
        case PredictionsClaim():
            published = " ".join(claim.published)
        case ChangeClaim() | OwnDigitClaim():
            published = claim.published
    return {
        "text": claim.text,
        "variant": claim.variant,
        "model": claim.model,
        "measure": claim.measure,
        "published": published,
    }


def _share(right: int, images: int) -> dict[str, Any]:
    low, high = scoring.wilson(right, images)
    share = right / images
    return {"ours": f"{share:.2%} ({right:,} of {images:,})", "ours_low": low, "ours_high": high}


def _accuracy(claim: AccuracyClaim, measured: Measured) -> dict[str, Any]:
    part = claim.measure.removesuffix("_accuracy")
    images = measured.train.split[part].images
    ours = measured.test.accuracy if part == "test" else getattr(measured.train, claim.measure)
    right, published = round(ours * images), round(claim.published * claim.images)
    if claim.tolerance:
        return {
            **_share(right, images),
            "agrees": abs(ours - claim.published) <= claim.tolerance,
            "how": f"whether it lies within {claim.tolerance * 100:g} percentage points",
        }
    p = significance.same_proportion((right, images), (published, claim.images))
    return {
        **_share(right, images),
        "agrees": p >= significance.LEVEL,
        "how": f"Fisher's exact test of the two shares: p = {p:.3g}",
    }


def _predictions(claim: PredictionsClaim, measured: Measured) -> dict[str, Any]:
    ours = [measured.classes[answer] for answer in measured.answers]
    differing = sum(a != b for a, b in zip(ours, claim.published, strict=False))
    differing += abs(len(ours) - len(claim.published))
    return {
        "ours": " ".join(ours),
        "agrees": differing == 0,
        "how": f"{differing} of {len(claim.published)} answers differ",
    }


def _hypothesis(claim: HypothesisClaim, measured: Measured) -> dict[str, Any]:
    test = significance.binomial(
        int(measured.correct.sum()), len(measured.correct), claim.published, claim.alternative
    )
    verdict = "accepted" if test["accepted"] else "rejected"
    shown = "and shown" if test["shown"] else "but not shown"
    return {
        **_share(test["correct"], test["images"]),
        "agrees": test["accepted"],
        "how": (
            f"exact binomial test: {verdict} (p = {test['p']:.3g}), {shown} to be exceeded "
            f"(p = {test['p_more']:.3g}); a true share of {claim.alternative:.0%} would be "
            f"noticed with a probability of {test['power']:.0%}"
        ),
        "test": test,
    }


def _recalls(measured: Measured) -> dict[str, tuple[int, int]]:
    """For every class, how many are read right, and how many there are."""
    return {
        name: (int((measured.correct & (measured.labels == place)).sum()), int(count))
        for place, (name, count) in enumerate(
            zip(
                measured.classes,
                np.bincount(measured.labels, minlength=len(measured.classes)),
                strict=True,
            )
        )
        if count
    }


def _extremes(claim: ExtremesClaim, measured: Measured) -> dict[str, Any]:
    counts = _recalls(measured)
    sign = -1 if claim.measure == "easiest" else 1
    ranked = sorted(counts, key=lambda name: sign * counts[name][0] / counts[name][1])
    ours = ranked[: len(claim.published)]
    # The published ones agree if the most extreme of the others cannot be told from them.
    others = [name for name in ours if name not in claim.published]
    missed = [name for name in claim.published if name not in ours]
    p = min(
        (significance.same_proportion(counts[a], counts[b]) for a in others for b in missed),
        default=1.0,
    )
    named = [f"{name} ({counts[name][0] / counts[name][1]:.1%})" for name in [*ours, *missed]]
    return {
        "ours": ", ".join(named),
        "agrees": p >= significance.LEVEL,
        "how": "the same digits"
        if not others
        else f"Fisher's exact test of the shares read right: p = {p:.3g}",
    }


def _mistake(claim: MistakeClaim, measured: Measured) -> dict[str, Any]:
    digits = [measured.classes.index(name) for name in claim.digits]
    others = [measured.classes.index(name) for name in claim.others]
    asked = np.isin(measured.labels, digits)
    taken = asked & np.isin(measured.answers, others) & ~measured.correct
    judged = _share(int(taken.sum()), int(asked.sum()))
    return {
        **judged,
        "agrees": judged["ours_low"] <= claim.published <= judged["ours_high"],
        "how": "whether the published share lies in our 95% interval",
    }


def _change(claim: ChangeClaim, measured: Measured) -> dict[str, Any]:
    assert measured.robustness is not None
    change = measured.robustness.changes[claim.change]
    point = next(point for point in change.points if point.amount == claim.amount)
    return {
        **_share(point.correct, measured.robustness.images),
        "agrees": point.high < 0.5,
        "how": (
            f"whether less than half, with its interval, is read right at {claim.amount:g} "
            f"{change.unit}"
        ),
    }


def _own_digit(claim: OwnDigitClaim, read_own: ReadOwn) -> dict[str, Any]:
    ours = read_own(claim.image)
    return {
        "ours": ours,
        "agrees": ours == claim.published,
        "how": f"{claim.image}, inverted and brought to MNIST's form",
    }
