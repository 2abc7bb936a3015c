"""Claims on many figures at once: a training's log, a classification report, a loss."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from digits.core.config import Section
from digits.evaluation import significance
from digits.experiments.claims.base import Evidence, Judgement, OneModelClaim, Share
from digits.report.outcomes import Compared

Loss = Annotated[float, Field(ge=0)]


class Epoch(Section):
    """One line of a published log; what it did not say, or is not asked, is left out."""

    epoch: Annotated[int, Field(ge=1)]
    seconds: float | None = None
    """Shown beside ours where hardware is compared."""
    train_loss: Loss | None = None
    train_accuracy: Share | None = None
    validation_loss: Loss | None = None
    validation_accuracy: Share | None = None


COLUMNS = ("train_loss", "train_accuracy", "validation_loss", "validation_accuracy")


class LogClaim(OneModelClaim):
    """A training's log, epoch by epoch, with the spread over our seeds as the yardstick."""

    measure: Literal["log"]
    published: tuple[Epoch, ...] = Field(min_length=1)
    rounding: Annotated[float, Field(ge=0)] = 0.00005
    """How far a printed or drawn figure may lie from what it stands for."""
    hardware: str = ""
    """That the published times are of."""

    needs: ClassVar[tuple[str, ...]] = ()

    @property
    def stated(self) -> str:
        return f"{len(self.published)} epochs, the last with {_listed(dict(self.published[-1]))}"

    def _head(self) -> dict[str, Any]:
        known = tuple(row.seconds for row in self.published if row.seconds is not None)
        timed = {"epoch_seconds": known, "hardware": self.hardware} if known else {}
        return super()._head() | timed

    def compare(self, evidence: Evidence) -> Judgement:
        runs = evidence.of(self.configuration)
        logs = [{row["epoch"]: row for row in run.history} for run in runs]
        told = [row for row in self.published if all(row.epoch in log for log in logs)]
        published = {
            column: {str(row.epoch): getattr(row, column) for row in told}
            for column in COLUMNS
            if told and getattr(told[0], column) is not None
        }
        ours = {
            column: np.array([[log[row.epoch][column] for row in told] for log in logs])
            for column in published
        }
        if len(runs) == 1:
            return _of_one_seed(published, ours)
        return _over_seeds(published, ours, self.rounding, "epoch")


class ReportClaim(OneModelClaim):
    """A classification report: precision and recall of every class."""

    measure: Literal["report"]
    precision: tuple[Share, ...]
    recall: tuple[Share, ...]

    @property
    def stated(self) -> str:
        return f"{len(self.recall)} classes, {_means(self.precision, self.recall)}"

    def compare(self, evidence: Evidence) -> Judgement:
        runs = evidence.of(self.configuration)
        classes = runs[0].classes
        published = {
            name: dict(zip(classes, getattr(self, name), strict=True))
            for name in ("precision", "recall")
        }
        ours = {
            name: np.array([[getattr(run.per_class[one], name) for one in classes] for run in runs])
            for name in published
        }
        judged = (
            _of_one_seed(published, ours)
            if len(runs) == 1
            else _over_seeds(published, ours, rounding=0.005, row="class")
        )
        return judged | {"ours": _means(ours["precision"], ours["recall"])}


class LossClaim(OneModelClaim):
    """The cross entropy on the test set before calibration, with the penalty on the kernels."""

    measure: Literal["test_loss"]
    published: Loss
    kernel_l2: Loss = 0
    """The published loss holds so many times the sum of the convolutions' squared weights."""

    @property
    def stated(self) -> str:
        return f"{self.published:.4f}"

    def compare(self, evidence: Evidence) -> Judgement:
        from digits.data import split
        from digits.inference import scoring
        from digits.inference.bundle import GRAPH
        from digits.inference.graph import Graph

        losses = []
        for seed in range(len(evidence.of(self.configuration))):
            with (
                evidence.stored(self.configuration, seed, "data/split/test.npz") as test,
                evidence.stored(self.configuration, seed, f"models/{self.model}") as bundle,
            ):
                part = split.read(test.parent, "test")
                outputs = Graph((bundle / GRAPH).read_bytes()).run(part.images)
                loss = scoring.log_loss(part.labels, scoring.softmax(outputs))
                losses.append(loss + self.kernel_l2 * _squared_kernels(bundle / GRAPH))
        if len(losses) == 1:
            return {
                "ours": f"{losses[0]:.4f}",
                "verdict": "cannot be told",
                "how": "one seed, so that the spread over seeds is not known",
            }
        p, reach = significance.as_another_seed(
            np.array([self.published]), np.array(losses)[:, None], rounding=0.00005
        )
        return {
            "ours": f"{np.mean(losses):.4f} on average over {len(losses)} seeds",
            "verdict": "agrees" if p[0] >= significance.LEVEL else "differs",
            "how": f"t test of whether it is one more seed's: p = {p[0]:.3g}; {reach:.4f} would "
            "be noticed",
        }


def _over_seeds(
    published: Mapping[str, Mapping[str, float]],
    ours: Mapping[str, np.ndarray],
    rounding: float,
    row: str,
) -> Judgement:
    """Judge every figure as one of another seed.

    Args:
        published: By column and row.
        ours: For each column (seeds, rows).
        rounding: How far a published figure may lie from what it stands for.
        row: What the rows are.

    """
    tested = {
        column: significance.as_another_seed(np.array(list(told.values())), ours[column], rounding)
        for column, told in published.items()
    }
    corrected = significance.holm(np.concatenate([p for p, _ in tested.values()]))
    places = iter(corrected)
    compared = tuple(
        Compared(
            row=name,
            column=column,
            published=told[name],
            ours=float(ours[column][:, place].mean()),
            reach=tested[column][1],
            p_corrected=float(next(places)),
        )
        for column, told in published.items()
        for place, name in enumerate(told)
    )
    outside = int((corrected < significance.LEVEL).sum())
    furthest = compared[int(corrected.argmin())]
    return {
        "ours": _last(compared),
        "verdict": "differs" if outside else "agrees",
        "how": (
            f"{len(compared) - outside} of {len(compared)} figures could be those of another seed "
            f"after {len(next(iter(ours.values())))} of ours (t tests, Holm's correction); "
            f"furthest is {_named(furthest.column)} of {row} {furthest.row}, "
            f"{furthest.published:.4f} against {furthest.ours:.4f} with a reach of "
            f"{tested[furthest.column][1]:.4f}, p = {furthest.p_corrected:.3g}"
        ),
        "compared": compared,
    }


def _of_one_seed(
    published: Mapping[str, Mapping[str, float]], ours: Mapping[str, np.ndarray]
) -> Judgement:
    """Show the figures beside each other: seeds differ by more than the images of one explain."""
    compared = tuple(
        Compared(row=name, column=column, published=told[name], ours=float(ours[column][0, place]))
        for column, told in published.items()
        for place, name in enumerate(told)
    )
    return {
        "ours": _last(compared),
        "verdict": "cannot be told",
        "how": "one seed, so that the spread over seeds is not known",
        "compared": compared,
    }


def _means(
    precision: np.ndarray | tuple[float, ...], recall: np.ndarray | tuple[float, ...]
) -> str:
    return f"mean precision {np.mean(precision):.4f}, mean recall {np.mean(recall):.4f}"


def _last(compared: tuple[Compared, ...]) -> str:
    """Our figures of the last row, in words."""
    last = compared[-1].row
    return _listed({one.column: one.ours for one in compared if one.row == last})


def _listed(figures: Mapping[str, float | None]) -> str:
    named = {column: figures.get(column) for column in (*COLUMNS, "precision", "recall")}
    return ", ".join(
        f"{_named(column)} {value:.4f}" for column, value in named.items() if value is not None
    )


def _named(column: str) -> str:
    return column.replace("_", " ").replace("train ", "training ")


def _squared_kernels(graph: Path) -> float:
    """The sum of the squared weights of all convolutions in an ONNX file."""
    import onnx
    from onnx import numpy_helper

    described = onnx.load(graph).graph
    kernels = {node.input[1] for node in described.node if node.op_type == "Conv"}
    return sum(
        float((numpy_helper.to_array(stored).astype(np.float64) ** 2).sum())
        for stored in described.initializer
        if stored.name in kernels
    )
