"""Claims between models, against another method, and of a source with itself."""

import itertools
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from digits.core.config import Count
from digits.evaluation import significance
from digits.experiments.claims.base import (
    Claim,
    Configuration,
    Evidence,
    Judgement,
    OneModelClaim,
    share,
)
from digits.report.text import percent, points


class OrderClaim(Claim):
    """Each of some models classifies more images correctly than the one before it."""

    measure: Literal["order"]
    order: tuple[Configuration, ...] = Field(min_length=2)

    @property
    def configurations(self) -> tuple[Configuration, ...]:
        return self.order

    @property
    def stated(self) -> str:
        return " < ".join(one.model for one in self.order)

    def compare(self, evidence: Evidence) -> Judgement:
        correct = {one: np.stack([run.correct for run in evidence.of(one)]) for one in self.order}
        verdicts, reasons = [], []
        for lower, higher in itertools.pairwise(self.order):
            test = significance.over_images_and_seeds(correct[lower], correct[higher])
            order = "differs" if test.high < 0 else "cannot be told"
            verdicts.append("agrees" if test.low > 0 else order)
            reasons.append(
                f"{lower.model} to {higher.model} {points(test.difference)} points (95% interval "
                f"{points(test.low)} to {points(test.high)}, {len(correct[lower])} and "
                f"{len(correct[higher])} seeds)"
            )
        by_doubt = ("differs", "cannot be told", "agrees")
        return {
            "ours": ", ".join(f"{one.model} {percent(correct[one].mean())}" for one in self.order),
            "verdict": min(verdicts, key=by_doubt.index),
            "how": f"paired bootstrap over images and seeds: {', '.join(reasons)}",
        }


class ForestClaim(OneModelClaim):
    """A network beside scikit-learn's random forest, with its defaults, on the same images."""

    measure: Literal["slower_than_forest", "forest_not_worse"]

    @property
    def stated(self) -> str:
        slower = self.measure == "slower_than_forest"
        return "longer than a random forest" if slower else "need not be better"

    def compare(self, evidence: Evidence) -> Judgement:
        import time

        from sklearn.ensemble import RandomForestClassifier

        from digits.data import split

        measured = evidence.of(self.configuration)[0]
        with evidence.stored(self.configuration, 0, "data/split") as folder:
            train, test = split.read(folder, "train"), split.read(folder, "test")
        forest = RandomForestClassifier(random_state=0, n_jobs=measured.timing.hardware.threads)
        clock = time.perf_counter()
        forest.fit(train.images.reshape(len(train), -1), train.labels)
        seconds = time.perf_counter() - clock
        if self.measure == "slower_than_forest":
            ours = measured.timing.train_seconds
            return {
                "ours": f"{ours:.1f} s, the forest {seconds:.1f} s",
                "verdict": "agrees" if ours > seconds else "differs",
                "how": f"training on {len(train):,} images with as many threads, once",
            }
        answers = forest.predict(test.images.reshape(len(test), -1))
        (pair,) = significance.pairs(
            {self.model: measured.correct, "forest": answers == test.labels}
        )
        worse = pair.differs and pair.difference < 0
        return {
            **share(int(measured.correct.sum()), len(measured.correct)),
            "verdict": "differs" if worse else "agrees",
            "how": (
                f"the forest has {share(int((answers == test.labels).sum()), len(test))['ours']}; "
                f"McNemar's exact test: p = {pair.p:.3g}"
            ),
        }


class ConsistencyClaim(Claim):
    """Figures that a source gives for the same thing, in several places; nothing is run."""

    measure: Literal["consistent"]
    figures: dict[str, float | tuple[int, ...]] = Field(min_length=2)
    """Where each stands, and what it is: a share, or the diagonal of a confusion matrix."""
    images: Count
    """Of which the diagonal's sum is a share."""
    rounding: Annotated[float, Field(ge=0)] = 0.00005
    """How far a printed or drawn figure may lie from what it stands for."""

    needs: ClassVar[tuple[str, ...]] = ()

    @property
    def configurations(self) -> tuple[Configuration, ...]:
        return ()

    @property
    def shares(self) -> dict[str, float]:
        return {
            place: sum(figure) / self.images if isinstance(figure, tuple) else figure
            for place, figure in self.figures.items()
        }

    @property
    def stated(self) -> str:
        return "; ".join(f"{place} {percent(value)}" for place, value in self.shares.items())

    def compare(self, evidence: Evidence) -> Judgement:
        values = self.shares.values()
        apart = max(values) - min(values)
        same = apart <= 2 * self.rounding + 1e-9
        return {
            "ours": "nothing to run",
            "verdict": "agrees" if same else "contradicts itself",
            "how": f"the published figures lie {apart * 100:.2f} points apart",
        }
