"""What every kind of claim has: what was published, of which runs, and how it is judged."""

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from digits.core.config import Section
from digits.experiments.results import Measured
from digits.inference import scoring
from digits.report.outcomes import JudgedClaim
from digits.report.text import percent

Model = Literal["ann", "cnn", "vgg16", "svc"]
Share = Annotated[float, Field(ge=0, le=1)]
Judgement = dict[str, Any]
"""Of a JudgedClaim: ours, as text; verdict; how, by what it was judged; and what else is known."""


class Configuration(Section):
    """One model in one variant of the experiment."""

    variant: str = ""
    """Empty where the experiment has no variants."""
    model: Model


@dataclass(frozen=True)
class Evidence:
    """What the runs of an experiment measured."""

    runs: Mapping[Configuration, Sequence[Measured]]
    """One a seed; a configuration that was left out is missing."""
    stored: Callable[[Configuration, int, str], contextlib.AbstractContextManager[Path]]
    """A file or folder that DVC keeps of the run of this place among the seeds, by its path."""

    def of(self, configuration: Configuration) -> Sequence[Measured]:
        """What the runs of a configuration measured; none where it was left out."""
        return self.runs.get(configuration, ())


class Claim(Section, ABC):
    """A published statement, held against runs."""

    text: str
    """The statement."""
    measure: str
    fitted: str = ""
    """What was chosen so that it agrees, if anything: then it does not count as agreeing."""

    needs: ClassVar[tuple[str, ...]] = ("opens_test",)
    """What an experiment has to measure for it."""

    @property
    @abstractmethod
    def configurations(self) -> tuple[Configuration, ...]:
        """What has to be trained for it."""

    @property
    @abstractmethod
    def stated(self) -> str:
        """What was published, in a few words."""

    @abstractmethod
    def compare(self, evidence: Evidence) -> Judgement:
        """Hold what was measured against what was published."""

    def judge(self, evidence: Evidence) -> JudgedClaim:
        """Judge the claim.

        Raises:
            UserError: if the claim asks for a class or a measurement that there is not.

        """
        if not all(evidence.of(configuration) for configuration in self.configurations):
            return self.leave_open()
        judgement = self.compare(evidence)
        if self.fitted and judgement["verdict"] == "agrees":
            judgement |= {
                "verdict": "fitted",
                "how": f"{judgement['how']}; chosen so that it agrees: {self.fitted}",
            }
        return JudgedClaim(**self._head(), **judgement)

    def leave_open(self, reason: str = "") -> JudgedClaim:
        """The claim whose run was left out, or cannot tell for the reason given."""
        return JudgedClaim(**self._head(), ours="not run", verdict="not run", how=reason)

    def _head(self) -> dict[str, Any]:
        return {
            "text": self.text,
            "variants": tuple(dict.fromkeys(one.variant for one in self.configurations)),
            "models": tuple(dict.fromkeys(one.model for one in self.configurations)),
            "measure": self.measure,
            "published": self.stated,
        }


class OneModelClaim(Claim, ABC):
    """A published statement on one model in one variant."""

    variant: str = ""
    model: Model

    @property
    def configuration(self) -> Configuration:
        return Configuration(variant=self.variant, model=self.model)

    @property
    def configurations(self) -> tuple[Configuration, ...]:
        return (self.configuration,)


def share(correct: int, images: int) -> Judgement:
    """The keys ours, ours_low and ours_high of so many of so many images, by Wilson's interval."""
    low, high = scoring.wilson(correct, images)
    text = f"{percent(correct / images)} ({correct:,} of {images:,})"
    return {"ours": text, "ours_low": low, "ours_high": high}
