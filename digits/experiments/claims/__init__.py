"""Published statements: each kind states what was published, and judges what was measured here."""

from typing import Annotated

from pydantic import Field

from digits.experiments.claims.base import Claim, Configuration, Evidence, Model
from digits.experiments.claims.others import ConsistencyClaim, ForestClaim, OrderClaim
from digits.experiments.claims.series import LogClaim, LossClaim, ReportClaim
from digits.experiments.claims.shares import (
    AccuracyClaim,
    ChangeClaim,
    CorrectClaim,
    ExtremesClaim,
    HypothesisClaim,
    MistakeClaim,
    ParametersClaim,
    PredictionsClaim,
)

__all__ = ["AccuracyClaim", "AnyClaim", "Claim", "Configuration", "Evidence", "Model"]

AnyClaim = Annotated[
    AccuracyClaim
    | ChangeClaim
    | ConsistencyClaim
    | CorrectClaim
    | ExtremesClaim
    | ForestClaim
    | HypothesisClaim
    | LogClaim
    | LossClaim
    | MistakeClaim
    | OrderClaim
    | ParametersClaim
    | PredictionsClaim
    | ReportClaim,
    Field(discriminator="measure"),
]
