"""Claims on how many images are classified correctly, and which."""

from typing import ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from digits.core.config import Count
from digits.core.errors import UserError
from digits.evaluation import robustness, significance
from digits.experiments.claims.base import (
    Claim,
    Configuration,
    Evidence,
    Judgement,
    Model,
    OneModelClaim,
    Share,
    share,
)
from digits.experiments.results import Measured
from digits.report.text import percent

ENOUGH_POWER = significance.POWER
"""Below it, a test that finds no difference tells nothing."""


class AccuracyClaim(OneModelClaim):
    """The share of images that are classified correctly."""

    measure: Literal["test_accuracy"]
    published: Share
    images: Count
    """The number of images that the published figure was measured on."""
    tolerance: Share = 0
    """How far ours may lie from a figure that was published as "around" so much."""

    @property
    def stated(self) -> str:
        around = "around " if self.tolerance else ""
        return f"{around}{percent(self.published)} of {self.images:,}"

    def compare(self, evidence: Evidence) -> Judgement:
        runs = evidence.of(self.configuration)
        first = share(int(runs[0].correct.sum()), len(runs[0].correct))
        ours = np.array([run.correct.mean() for run in runs])
        if len(runs) > 1:
            first = {"ours": f"{percent(ours.mean())} on average over {len(runs)} seeds"}
        if self.tolerance:
            near = abs(ours.mean() - self.published) <= self.tolerance
            return {
                **first,
                "verdict": "agrees" if near else "differs",
                "how": f"whether it lies within {self.tolerance * 100:g} percentage points, which "
                'is how far "around" is taken to reach here',
            }
        if len(runs) == 1:
            published = round(self.published * self.images)
            counted = (int(runs[0].correct.sum()), len(runs[0].correct))
            p = significance.same_proportion(counted, (published, self.images))
            how = f"Fisher's exact test of the two shares: p = {p:.3g}"
        else:
            ps, reach = significance.as_another_seed(
                np.array([self.published]), ours[:, None], rounding=0.5 / self.images
            )
            p = float(ps[0])
            how = (
                f"t test of whether it is one more seed's: p = {p:.3g}; "
                f"{reach * 100:.2f} points would be noticed"
            )
        return {**first, "verdict": "agrees" if p >= significance.LEVEL else "differs", "how": how}


class CorrectClaim(OneModelClaim):
    """The very number of images that are classified correctly."""

    measure: Literal["correct"]
    published: Count
    images: Count

    @property
    def stated(self) -> str:
        return f"{self.published:,} of {self.images:,}"

    def compare(self, evidence: Evidence) -> Judgement:
        correct = evidence.of(self.configuration)[0].correct
        same = (int(correct.sum()), len(correct)) == (self.published, self.images)
        return {
            **share(int(correct.sum()), len(correct)),
            "verdict": "agrees" if same else "differs",
            "how": "whether the two counts are the same",
        }


class ParametersClaim(OneModelClaim):
    """The number of the network's parameters, those of batch normalisation's averages too."""

    measure: Literal["parameters"]
    published: Count

    needs: ClassVar[tuple[str, ...]] = ()

    @property
    def stated(self) -> str:
        return f"{self.published:,}"

    def compare(self, evidence: Evidence) -> Judgement:
        ours = evidence.of(self.configuration)[0].train.parameters
        return {
            "ours": f"{ours:,}",
            "verdict": "agrees" if ours == self.published else "differs",
            "how": "whether the two counts are the same",
        }


class PredictionsClaim(OneModelClaim):
    """The predictions themselves, in the order of the test set."""

    measure: Literal["predictions"]
    published: tuple[str, ...]

    @property
    def stated(self) -> str:
        return " ".join(self.published)

    def compare(self, evidence: Evidence) -> Judgement:
        measured = evidence.of(self.configuration)[0]
        ours = [measured.classes[answer] for answer in measured.answers]
        differing = sum(a != b for a, b in zip(ours, self.published, strict=False))
        differing += abs(len(ours) - len(self.published))
        return {
            "ours": " ".join(ours),
            "verdict": "differs" if differing else "agrees",
            "how": f"{differing} of {len(self.published)} answers differ",
        }


class HypothesisClaim(Claim):
    """At least a share is classified correctly: put to the exact binomial test, case by case."""

    measure: Literal["at_least"]
    model: Model
    variants: tuple[str, ...] = Field(min_length=1)
    """The cases; what is said of all of them is as sure as the least sure one."""
    published: Share
    alternative: Share
    """A smaller share, for which the test's power is stated."""

    @property
    def configurations(self) -> tuple[Configuration, ...]:
        return tuple(Configuration(variant=name, model=self.model) for name in self.variants)

    @property
    def stated(self) -> str:
        return f"at least {percent(self.published, 0)}"

    def compare(self, evidence: Evidence) -> Judgement:
        ours, verdicts, reasons = [], [], []
        for configuration in self.configurations:
            correct = evidence.of(configuration)[0].correct
            test = significance.binomial(
                int(correct.sum()), len(correct), self.published, self.alternative
            )
            known = test["shown"] or test["power"] >= ENOUGH_POWER
            verdicts.append(
                "differs" if not test["accepted"] else "agrees" if known else "cannot be told"
            )
            ours.append(f"{percent(correct.mean())} ({correct.sum():,} of {len(correct):,})")
            reasons.append(
                f"{correct.sum():,} of {len(correct):,}: "
                f"{'not rejected' if test['accepted'] else 'rejected'} (p = {test['p']:.3g}), "
                f"{'and' if test['shown'] else 'but not'} shown to be exceeded "
                f"(p = {test['p_more']:.3g}); a true share of {percent(self.alternative, 0)} would "
                f"be noticed with a probability of {percent(test['power'], 0)}"
            )
        by_doubt = ("differs", "cannot be told", "agrees")
        return {
            "ours": "; ".join(ours),
            "verdict": min(verdicts, key=by_doubt.index),
            "how": f"exact binomial test. {'. '.join(reasons)}",
        }


class ExtremesClaim(OneModelClaim):
    """The digits that are classified correctly most often, or least often."""

    measure: Literal["easiest", "hardest"]
    published: tuple[str, ...]

    @property
    def stated(self) -> str:
        return " and ".join(self.published)

    def compare(self, evidence: Evidence) -> Judgement:
        measured = evidence.of(self.configuration)[0]
        counts = _recalls(measured)
        if absent := [name for name in self.published if name not in counts]:
            raise UserError(
                f"the claim '{self.text}' names {', '.join(absent)}, and the test set holds "
                f"{', '.join(counts)}"
            )
        sign = -1 if self.measure == "easiest" else 1
        ranked = sorted(counts, key=lambda name: sign * counts[name][0] / counts[name][1])
        ours = ranked[: len(self.published)]
        others = [name for name in ours if name not in self.published]
        missed = [name for name in self.published if name not in ours]
        recalls = {name: correct / images for name, (correct, images) in counts.items()}
        shown = ", ".join(f"{name} ({percent(recalls[name], 1)})" for name in [*ours, *missed])
        if not others:
            return {"ours": shown, "verdict": "agrees", "how": "the same digits"}
        p = min(significance.same_proportion(counts[a], counts[b]) for a in others for b in missed)
        return {
            "ours": shown,
            "verdict": "differs" if p < significance.LEVEL else "cannot be told",
            "how": f"Fisher's exact test of the shares of correct ones: p = {p:.3g}",
        }


class MistakeClaim(OneModelClaim):
    """The share of some digits that are taken for others."""

    measure: Literal["taken_for"]
    digits: tuple[str, ...]
    others: tuple[str, ...]
    published: Share
    images: Count
    """How many images of these digits the published test set held, as far as is known."""
    alternative: Share
    """Another share, for which the test's power is stated."""

    @property
    def stated(self) -> str:
        return f"about {percent(self.published, 0)}"

    def compare(self, evidence: Evidence) -> Judgement:
        measured = evidence.of(self.configuration)[0]
        asked = np.isin(measured.labels, measured.places(self.digits))
        if not asked.any():
            raise UserError(f"the claim '{self.text}': no test image is of {self.digits}")
        answered = np.isin(measured.answers, measured.places(self.others))
        mistaken, images = int((asked & answered & ~measured.correct).sum()), int(asked.sum())
        published = round(self.published * self.images)
        p = significance.same_proportion((mistaken, images), (published, self.images))
        power = significance.power_of_proportions(
            self.published, self.alternative, self.images, images
        )
        verdict = "agrees" if power >= ENOUGH_POWER else "cannot be told"
        return {
            **share(mistaken, images),
            "verdict": "differs" if p < significance.LEVEL else verdict,
            "how": (
                f"Fisher's exact test against {published} of {self.images}: p = {p:.3g}; a true "
                f"share of {percent(self.alternative, 0)} would be noticed with a probability of "
                f"{percent(power, 0)}"
            ),
        }


class ChangeClaim(OneModelClaim):
    """Changed so much, more digits are misclassified than classified correctly, or fewer."""

    measure: Literal["under_change"]
    change: str
    """As in `robustness.AXES`."""
    amount: float
    published: Literal["fails", "solves"]

    needs: ClassVar[tuple[str, ...]] = ("robustness",)

    @model_validator(mode="after")
    def _can_be_measured(self) -> Self:
        axis = robustness.AXES.get(self.change)
        if axis is None:
            raise ValueError(f"expected a change of {', '.join(robustness.AXES)}")
        if self.amount not in axis.amounts:
            raise ValueError(f"expected an amount of {', '.join(map(str, axis.amounts))}")
        return self

    @property
    def stated(self) -> str:
        return self.published

    def compare(self, evidence: Evidence) -> Judgement:
        measured = evidence.of(self.configuration)[0]
        if measured.robustness is None:
            raise UserError(f"the claim '{self.text}' needs what robustness measures")
        change = measured.robustness.changes[self.change]
        point = next(point for point in change.points if point.amount == self.amount)
        found = "fails" if point.high < 0.5 else "solves" if point.low > 0.5 else None
        verdict = "agrees" if found == self.published else "differs"
        return {
            **share(point.correct, measured.robustness.images),
            "verdict": verdict if found else "cannot be told",
            "how": (
                "fails: less than half, with its interval, is correct; solves: more than half; at "
                f"{self.amount:g} {change.unit}, held-out images"
            ),
        }


def _recalls(measured: Measured) -> dict[str, tuple[int, int]]:
    """For every class of which there are images, how many are correct, and how many there are."""
    images = np.bincount(measured.labels, minlength=len(measured.classes))
    correct = np.bincount(measured.labels[measured.correct], minlength=len(measured.classes))
    return {
        name: (int(correct[place]), int(images[place]))
        for place, name in enumerate(measured.classes)
        if images[place]
    }
