"""Rules for abstaining, compared where each answers as many digits: docs/abstention.md.

    python -m benchmarks.abstention [--model reader] [--coverage 0.985]

One half of the held-out images (digits of the validation set and, of the reader, digits that the
model of the hand writes) sets the limit of each rule, so that all answer the same share; the other
half, digits of other hands (the second half of optdigits) and images of no digit say what they do.
The letters, signs, doodles and scribbles are those of `benchmarks.nondigits`, by which nothing was
trained or chosen. Takes about a minute on two cores.
"""

from collections.abc import Callable
from typing import Annotated

import numpy as np
import typer
from scipy.special import logsumexp

from benchmarks import nondigits
from digits.core import config, errors, files, paths
from digits.evaluation import abstention, transfer
from digits.inference.graph import Graph
from digits.inference.predictor import Predictor
from digits.inference.scoring import wilson
from digits.report import text
from stages import confidence

PAGE = paths.ROOT / "docs" / "abstention.md"
ENSEMBLE = ("cnn", "ann")
"""Asked beside the model: the mean probability of its label is what all of them give it."""
IMAGES, SEED = 500, 21
"""Of each kind of no digit."""

Signals = dict[str, np.ndarray]
"""By rule, (n,): the larger, the surer; and `label`, (n,), what the model takes the images for."""


def main(
    model: Annotated[str, typer.Option(help="The model that abstains.")] = "reader",
    coverage: Annotated[float, typer.Option(help="Share of digits to answer.")] = 0.985,
) -> None:
    """Compare the rules and write the page."""
    if model not in config.MODELS:
        raise errors.UserError(f"--model: expected one of {', '.join(config.MODELS)}")
    ready = Predictor.load(paths.MODELS / model)
    held_out, signals = confidence.with_made(model, "validation"), signaller(model, ready)
    digits = held_out.only(np.flatnonzero(held_out.labels < 10))
    said = signals(digits.images)
    first, correct = abstention.halves(digits.labels), said["label"] == digits.labels
    hands, hand_labels = transfer.other_hands()
    half = len(hands) // 2
    other = signals(ready.prepare(hands[half:]))
    right = other["label"] == hand_labels[half:]
    rng = np.random.default_rng(SEED)
    none = {
        what: signals(ready.prepare(draw(IMAGES, rng))) for what, draw in nondigits.MATERIAL.items()
    }
    rows = []
    for rule in said:
        if rule == "label":
            continue
        limit = np.quantile(said[rule][first], 1 - coverage, method="lower")
        rows.append(
            [
                rule,
                *_answered(said[rule][~first] >= limit, correct[~first]),
                *_answered(other[rule] >= limit, right),
                *(text.percent(float((one[rule] >= limit).mean()), 1) for one in none.values()),
            ]
        )
    columns = ("rule", "held-out digits", "misclassified", "other hands", "misclassified", *none)
    page = (
        f"# When the {model} abstains\n\nMade by `python -m benchmarks.abstention`. Every rule "
        f'answers {text.percent(coverage, 1)} of the digits that set its limit; "misclassified" '
        "is of the digits answered, with the 95% interval. Of each kind of no digit, "
        f"{IMAGES} images: the share that is taken for digits.\n\n"
        f"{text.markdown_table(columns, rows)}\n"
    )
    files.write_text(PAGE, page)
    print(page)


def signaller(model: str, ready: Predictor) -> Callable[[np.ndarray], Signals]:
    """What tells how sure a model is of prepared images (n, height, width, 1)."""
    rule = abstention.load(model, ready.bundle.digest, len(ready.classes))
    graph = Graph(ready.bundle.graph, threads=0)
    others = [Predictor.load(paths.MODELS / other) for other in ENSEMBLE if other != model]

    def signals(prepared: np.ndarray) -> Signals:
        probabilities = ready.probabilities(prepared)
        label = probabilities.argmax(axis=1)
        mean = np.mean([probabilities, *(other.probabilities(prepared) for other in others)], 0)
        apart = abstention.distances(abstention.features(prepared), label, rule.subspaces)
        # Both limits as one: how far inside the nearer of them, in the unit of each.
        score = probabilities.max(axis=1)
        assert rule.limit is not None
        inside = np.minimum(_doubt(rule.threshold) / _doubt(score), rule.limit / apart)
        return {
            "label": label,
            "score": score,
            "energy": logsumexp(graph.run(prepared), axis=1),
            "ensemble": mean[np.arange(len(label)), label],
            "distance": -apart,
            "score and distance": inside,
        }

    return signals


def _doubt(score: np.ndarray | float) -> np.ndarray:
    doubt: np.ndarray = np.maximum(1 - np.asarray(score), 1e-12)
    return doubt


def _answered(confident: np.ndarray, correct: np.ndarray) -> tuple[str, str]:
    wrong, answered = int((confident & ~correct).sum()), int(confident.sum())
    ends = text.interval(*wilson(wrong, answered)) if answered else text.UNKNOWN
    share = wrong / answered if answered else None
    return text.percent(float(confident.mean())), f"{text.percent(share)} ({ends})"


if __name__ == "__main__":
    with errors.reported():
        typer.run(main)
