"""Published statements: each kind states what was published, and judges what was measured here."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from digits.core.config import Count, Section
from digits.core.errors import UserError
from digits.evaluation import robustness, significance
from digits.experiments.results import Measured
from digits.inference import scoring
from digits.report.outcomes import JudgedClaim
from digits.report.text import percent

Model = Literal["ann", "cnn", "vgg16", "svc"]
Share = Annotated[float, Field(ge=0, le=1)]
ReadOwn = Callable[[str], str]
"""From the path of an image to the class that the model, loaded anew, reads in it."""
Judgement = dict[str, Any]
"""ours, as text; agrees; how, by what it was judged; and ours_low and ours_high, the 95% Wilson
interval, where ours is a share."""


class Claim(Section, ABC):
    """A published statement, held against one run."""

    text: str
    """The statement."""
    variant: str | None = None
    model: Model
    measure: str

    needs_robustness: ClassVar[bool] = False

    @property
    @abstractmethod
    def stated(self) -> str:
        """What was published, in a few words."""

    @abstractmethod
    def compare(self, measured: Measured, read_own: ReadOwn) -> Judgement:
        """Hold what was measured against what was published."""

    def judge(self, measured: Measured, read_own: ReadOwn) -> JudgedClaim:
        """Judge the claim.

        Args:
            measured: The files of the evaluated model.
            read_own: Reads an own image with the stored model.

        Raises:
            UserError: if the claim asks for a class or a measurement that there is not.

        """
        return JudgedClaim(**self._head(), **self.compare(measured, read_own))

    def leave_open(self, reason: str = "") -> JudgedClaim:
        """The claim whose run was left out, or cannot tell for the reason given."""
        return JudgedClaim(**self._head(), ours="not run", agrees=None, how=reason)

    def _head(self) -> dict[str, Any]:
        named = self.model_dump(include={"text", "variant", "model", "measure"})
        return {**named, "published": self.stated}


class AccuracyClaim(Claim):
    """The share of images that are classified correctly."""

    measure: Literal["train_accuracy", "validation_accuracy", "test_accuracy"]
    published: Share
    images: Count
    """The number of images that the published figure was measured on."""
    tolerance: Share = 0
    """How far ours may lie from a figure that was published as "around" so much."""

    @property
    def stated(self) -> str:
        around = "around " if self.tolerance else ""
        return f"{around}{percent(self.published)} of {self.images:,}"

    def compare(self, measured: Measured, read_own: ReadOwn) -> Judgement:
        part = self.measure.removesuffix("_accuracy")
        images = measured.train.split[part].images
        ours = {
            "train": measured.train.train_accuracy,
            "validation": measured.train.validation_accuracy,
            "test": measured.test.accuracy,
        }[part]
        if ours is None:
            raise UserError(f"the claim '{self.text}' needs a validation set, and there is none")
        correct, published = round(ours * images), round(self.published * self.images)
        if self.tolerance:
            return {
                **_share(correct, images),
                "agrees": abs(ours - self.published) <= self.tolerance,
                "how": f"whether it lies within {self.tolerance * 100:g} percentage points",
            }
        p = significance.same_proportion((correct, images), (published, self.images))
        return {
            **_share(correct, images),
            "agrees": p >= significance.LEVEL,
            "how": f"Fisher's exact test of the two shares: p = {p:.3g}",
        }


class PredictionsClaim(Claim):
    """The predictions themselves, in the order of the test set."""

    measure: Literal["predictions"]
    published: tuple[str, ...]

    @property
    def stated(self) -> str:
        return " ".join(self.published)

    def compare(self, measured: Measured, read_own: ReadOwn) -> Judgement:
        ours = [measured.classes[answer] for answer in measured.answers]
        differing = sum(a != b for a, b in zip(ours, self.published, strict=False))
        differing += abs(len(ours) - len(self.published))
        return {
            "ours": " ".join(ours),
            "agrees": differing == 0,
            "how": f"{differing} of {len(self.published)} answers differ",
        }


class HypothesisClaim(Claim):
    """At least a share is classified correctly: put to the exact binomial test."""

    measure: Literal["at_least"]
    published: Share
    alternative: Share
    """A smaller share, for which the test's power is stated."""

    @property
    def stated(self) -> str:
        return f"at least {percent(self.published, 0)}"

    def compare(self, measured: Measured, read_own: ReadOwn) -> Judgement:
        test = significance.binomial(
            int(measured.correct.sum()), len(measured.correct), self.published, self.alternative
        )
        verdict = "accepted" if test["accepted"] else "rejected"
        shown = "and shown" if test["shown"] else "but not shown"
        return {
            **_share(test["correct"], test["images"]),
            "agrees": test["accepted"],
            "how": (
                f"exact binomial test: {verdict} (p = {test['p']:.3g}), {shown} to be exceeded "
                f"(p = {test['p_more']:.3g}); a true share of {percent(self.alternative, 0)} would "
                f"be noticed with a probability of {percent(test['power'], 0)}"
            ),
            "test": test,
        }


class ExtremesClaim(Claim):
    """The digits that are classified correctly most often, or least often."""

    measure: Literal["easiest", "hardest"]
    published: tuple[str, ...]

    @property
    def stated(self) -> str:
        return " and ".join(self.published)

    def compare(self, measured: Measured, read_own: ReadOwn) -> Judgement:
        counts = _recalls(measured)
        if absent := [name for name in self.published if name not in counts]:
            raise UserError(
                f"the claim '{self.text}' names {', '.join(absent)}, and the test set holds "
                f"{', '.join(counts)}"
            )
        sign = -1 if self.measure == "easiest" else 1
        ranked = sorted(counts, key=lambda name: sign * counts[name][0] / counts[name][1])
        ours = ranked[: len(self.published)]
        # The published ones agree if the most extreme of the others cannot be told from them.
        others = [name for name in ours if name not in self.published]
        missed = [name for name in self.published if name not in ours]
        p = min(
            (significance.same_proportion(counts[a], counts[b]) for a in others for b in missed),
            default=1.0,
        )
        recalls = {name: correct / images for name, (correct, images) in counts.items()}
        return {
            "ours": ", ".join(f"{name} ({percent(recalls[name], 1)})" for name in [*ours, *missed]),
            "agrees": p >= significance.LEVEL,
            "how": "the same digits"
            if not others
            else f"Fisher's exact test of the shares of correct ones: p = {p:.3g}",
        }


class MistakeClaim(Claim):
    """The share of some digits that are taken for others."""

    measure: Literal["taken_for"]
    digits: tuple[str, ...]
    others: tuple[str, ...]
    published: Share

    @property
    def stated(self) -> str:
        return f"about {percent(self.published, 0)}"

    def compare(self, measured: Measured, read_own: ReadOwn) -> Judgement:
        asked = np.isin(measured.labels, measured.places(self.digits))
        if not asked.any():
            raise UserError(f"the claim '{self.text}': no test image is of {self.digits}")
        answered = np.isin(measured.answers, measured.places(self.others))
        judged = _share(int((asked & answered & ~measured.correct).sum()), int(asked.sum()))
        return {
            **judged,
            "agrees": judged["ours_low"] <= self.published <= judged["ours_high"],
            "how": "whether the published share lies in our 95% interval",
        }


class ChangeClaim(Claim):
    """Changed so much, more digits are misclassified than classified correctly."""

    measure: Literal["fails_under"]
    change: str
    """As in `robustness.AXES`."""
    amount: float
    published: Literal["fails"]

    needs_robustness: ClassVar[bool] = True

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

    def compare(self, measured: Measured, read_own: ReadOwn) -> Judgement:
        if measured.robustness is None:
            raise UserError(f"the claim '{self.text}' needs what robustness measures")
        change = measured.robustness.changes[self.change]
        point = next(point for point in change.points if point.amount == self.amount)
        return {
            **_share(point.correct, measured.robustness.images),
            "agrees": point.high < 0.5,
            "how": (
                f"whether less than half, with its interval, is correct at {self.amount:g} "
                f"{change.unit}"
            ),
        }


class OwnDigitClaim(Claim):
    """The model, saved and loaded again, reads an image of an own digit."""

    measure: Literal["own_digit"]
    image: str
    """Path of the image, relative to the project."""
    published: str

    @property
    def stated(self) -> str:
        return self.published

    def compare(self, measured: Measured, read_own: ReadOwn) -> Judgement:
        ours = read_own(self.image)
        return {
            "ours": ours,
            "agrees": ours == self.published,
            "how": f"{self.image}, inverted and brought to MNIST's form",
        }


AnyClaim = Annotated[
    AccuracyClaim
    | PredictionsClaim
    | HypothesisClaim
    | ExtremesClaim
    | MistakeClaim
    | ChangeClaim
    | OwnDigitClaim,
    Field(discriminator="measure"),
]


def _share(correct: int, images: int) -> Judgement:
    low, high = scoring.wilson(correct, images)
    text = f"{percent(correct / images)} ({correct:,} of {images:,})"
    return {"ours": text, "ours_low": low, "ours_high": high}


def _recalls(measured: Measured) -> dict[str, tuple[int, int]]:
    """For every class of which there are images, how many are correct, and how many there are."""
    images = np.bincount(measured.labels, minlength=len(measured.classes))
    correct = np.bincount(measured.labels[measured.correct], minlength=len(measured.classes))
    return {
        name: (int(correct[place]), int(images[place]))
        for place, name in enumerate(measured.classes)
        if images[place]
    }
