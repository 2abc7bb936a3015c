"""Which differences between models are real.

Every test is statsmodels' or SciPy's; this module brings predictions into their form and keeps
what they answer.
"""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from digits.core import records

LEVEL = 0.05
"""Chance of calling a difference real that is none."""
POWER = 0.8
"""Chance with which the minimum detectable difference would be found."""
RESAMPLES = 2000


def pairs(correct: Mapping[str, np.ndarray]) -> tuple[records.Pair, ...]:
    """McNemar's exact test for every two models, with Holm's correction over all of them.

    Args:
        correct: For each model, (n,) bool: which of the same n images it predicts correctly.

    """
    return _mcnemar(list(itertools.combinations(correct, 2)), correct)


def against(reference: str, correct: Mapping[str, np.ndarray]) -> tuple[records.Pair, ...]:
    """The same tests of every other configuration against one, with Holm's correction over these.

    Args:
        reference: The name of the one.
        correct: As for `pairs`.

    """
    return _mcnemar([(reference, other) for other in correct if other != reference], correct)


def _mcnemar(
    compared: Sequence[tuple[str, str]], correct: Mapping[str, np.ndarray]
) -> tuple[records.Pair, ...]:
    from statsmodels.stats.contingency_tables import mcnemar

    tests: list[dict[str, Any]] = []
    for first, second in compared:
        one, two = correct[first], correct[second]
        only_first, only_second = int((one & ~two).sum()), int((~one & two).sum())
        table = [[int((one & two).sum()), only_first], [only_second, int((~one & ~two).sum())]]
        detectable = minimum_detectable_difference(
            only_first + only_second, len(one), LEVEL / len(compared)
        )
        tests.append(
            {
                "first": first,
                "second": second,
                "only_first_correct": only_first,
                "only_second_correct": only_second,
                "difference": (only_second - only_first) / len(one),
                "p": min(1.0, float(mcnemar(table, exact=True).pvalue)),
                "minimum_detectable_difference": detectable,
            }
        )
    return tuple(records.Pair(**test) for test in _corrected(tests))


def _corrected(tests: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The tests with p_corrected and differs, by Holm's method over all of them."""
    from statsmodels.stats.multitest import multipletests

    if not tests:
        return []
    differs, corrected, *_ = multipletests([test["p"] for test in tests], LEVEL, method="holm")
    return [
        test | {"p_corrected": float(p), "differs": bool(real)}
        for test, p, real in zip(tests, corrected, differs, strict=True)
    ]


def minimum_detectable_difference(
    disagreements: int, images: int, level: float = LEVEL
) -> float | None:
    """The smallest difference in accuracy that McNemar's test finds with probability `POWER`.

    R. J. Connor, "Sample Size for Testing Differences in Proportions for the Paired-Sample
    Design", Biometrics 43, 1987: n = (z_a sqrt(s) + z_b sqrt(s - d^2))^2 / d^2, solved for the
    difference d, where s is the share of images that only one of the two models predicts correctly.

    Args:
        disagreements: How many images only one of the two models predicts correctly.
        images: How many there are.
        level: The chance of calling a difference real that is none.

    Returns:
        The difference, between 0 and 1; None where even a difference as large as s, the largest
        that is possible, would not be found.

    """
    from scipy.optimize import brentq
    from scipy.stats import norm

    share = disagreements / images
    z_level, z_power = norm.ppf(1 - level / 2), norm.ppf(POWER)

    def lacking(difference: float) -> float:
        spread = z_level * np.sqrt(share) + z_power * np.sqrt(share - difference**2)
        return float(spread**2 / difference**2 - images)

    largest = share if share < 1 else 1 - 1e-12
    if share == 0 or lacking(largest) > 0:
        return None
    return float(brentq(lacking, 1e-9, largest))


def cochran(correct: Mapping[str, np.ndarray]) -> records.Cochran | None:
    """Cochran's Q: whether the models differ at all; None where every image is read alike."""
    from statsmodels.stats.contingency_tables import cochrans_q

    read = np.stack([column.astype(int) for column in correct.values()], axis=1)
    if (read.min(axis=1) == read.max(axis=1)).all():
        return None
    test = cochrans_q(read)
    return records.Cochran(statistic=float(test.statistic), df=int(test.df), p=float(test.pvalue))


def misclassified_by_all(
    index: np.ndarray, labels: np.ndarray, predictions: Mapping[str, np.ndarray]
) -> tuple[records.MisclassifiedByAll, ...]:
    """The images that no model predicts correctly.

    Args:
        index: (n,) places in the data set.
        labels: (n,) true classes.
        predictions: For each model, (n,) predicted classes.

    """
    wrong = np.all([predicted != labels for predicted in predictions.values()], axis=0)
    return tuple(
        records.MisclassifiedByAll(
            index=int(index[place]),
            label=int(labels[place]),
            predictions={model: int(answers[place]) for model, answers in predictions.items()},
        )
        for place in np.flatnonzero(wrong)
    )


def repeated(accuracies: Sequence[float]) -> dict[str, Any]:
    """Mean, standard deviation (n - 1) and the mean's 95% t interval over runs of other seeds."""
    from scipy import stats

    values = np.asarray(accuracies, dtype=float)
    deviation = float(values.std(ddof=1)) if len(values) > 1 else None
    low = high = None
    if deviation:
        low, high = stats.t.interval(
            1 - LEVEL, len(values) - 1, values.mean(), deviation / np.sqrt(len(values))
        )
    return {
        "runs": len(values),
        "mean": float(values.mean()),
        "standard_deviation": deviation,
        "mean_low": None if low is None else float(low),
        "mean_high": None if high is None else float(high),
    }


def welch(
    reference: Sequence[float], others: Mapping[str, Sequence[float]]
) -> dict[str, dict[str, Any]]:
    """Whether configurations differ from one by more than their seeds do, by Welch's t test.

    Args:
        reference: Accuracies of the one, a seed each.
        others: The same of each of the others.

    Returns:
        For each of the others: difference, its mean minus the reference's; statistic, df and p;
        p_corrected by Holm's method over all that are tested; differs, whether that is below
        `LEVEL`.  Where neither of two varies, which is so for a single seed or a model without
        one, nothing can be tested: statistic, df, p and p_corrected are None.

    """
    from scipy import stats

    untested: dict[str, dict[str, Any]] = {}
    tests = []
    for name, values in others.items():
        shown = {"name": name, "difference": float(np.mean(values) - np.mean(reference))}
        alone = min(len(reference), len(values)) == 1
        if alone or np.ptp(reference) == np.ptp(values) == 0:
            lacking = dict.fromkeys(("statistic", "df", "p", "p_corrected"))
            untested[name] = shown | lacking | {"differs": False}
            continue
        test = stats.ttest_ind(values, reference, equal_var=False)
        figures = {"statistic": test.statistic, "df": test.df, "p": test.pvalue}
        tests.append(shown | {key: float(value) for key, value in figures.items()})
    found = untested | {test["name"]: test for test in _corrected(tests)}
    return {
        name: {key: value for key, value in found[name].items() if key != "name"} for name in others
    }


def binomial(correct: int, images: int, hypothesis: float, alternative: float) -> dict[str, Any]:
    """The exact test of "predicts at least this share correctly".

    Args:
        correct: Images predicted correctly.
        images: Images.
        hypothesis: The share.
        alternative: A smaller share, for which the power is stated.

    Returns:
        p, the probability of so few or fewer correct predictions if the hypothesis is just true;
        accepted, whether that is at least `LEVEL`; power, the probability of rejecting the
        hypothesis if the truth is `alternative`; p_more and shown, the same test from the other
        side: whether so many correct predictions show that the truth is above the hypothesis.

    """
    from scipy import stats

    p = float(stats.binomtest(correct, images, hypothesis, "less").pvalue)
    p_more = float(stats.binomtest(correct, images, hypothesis, "greater").pvalue)
    # The largest count at which the test rejects; ppf gives the first with P(X <= count) >= level.
    rejected = int(stats.binom.ppf(LEVEL, images, hypothesis)) - 1
    return {
        "correct": correct,
        "images": images,
        "hypothesis": hypothesis,
        "alternative": alternative,
        "p": p,
        "accepted": p >= LEVEL,
        "power": float(stats.binom.cdf(rejected, images, alternative)),
        "p_more": p_more,
        "shown": p_more < LEVEL,
    }


def power_of_proportions(first: float, second: float, images: int, others: int) -> float:
    """The probability with which a test at `LEVEL` tells two shares of so many images apart."""
    from statsmodels.stats.power import NormalIndPower
    from statsmodels.stats.proportion import proportion_effectsize

    effect = proportion_effectsize(first, second)
    return float(NormalIndPower().power(effect, images, LEVEL, ratio=others / images))


def holm(p: np.ndarray) -> np.ndarray:
    """The (n,) probabilities after Holm's correction over all of them."""
    from statsmodels.stats.multitest import multipletests

    return np.asarray(multipletests(p, LEVEL, method="holm")[1])


def as_another_seed(
    published: np.ndarray, ours: np.ndarray, rounding: float
) -> tuple[np.ndarray, float]:
    """Whether published figures could be those of one more seed: t tests of a new observation.

    Args:
        published: (k,) figures of one kind, such as the losses of k epochs.
        ours: (n, k), the same of n seeds, at least two; their variance is pooled over the k.
        rounding: How far a published figure may lie from what it stands for.

    Returns:
        The (k,) probabilities, not corrected; and how far from our mean one of these figures,
        alone, has to lie so that it is noticed.

    """
    from scipy import stats

    seeds, figures = ours.shape
    spread = np.sqrt(ours.var(axis=0, ddof=1).mean() * (1 + 1 / seeds))
    df = figures * (seeds - 1)
    away = np.maximum(np.abs(published - ours.mean(axis=0)) - rounding, 0)
    reach = float(stats.t.ppf(1 - LEVEL / 2, df) * spread) + rounding
    if spread == 0:
        return np.where(away > 0, 0.0, 1.0), reach
    return 2 * stats.t.sf(away / spread, df), reach


class Resampled(NamedTuple):
    """A difference in accuracy and its interval over other images and other seeds."""

    difference: float
    low: float
    high: float


def over_images_and_seeds(first: np.ndarray, second: np.ndarray) -> Resampled:
    """The difference of two models' accuracies, with a 95% interval over images and seeds.

    The paired bootstrap of both: each of `RESAMPLES` draws takes as many images with replacement,
    the same for both models, and of each model as many seeds.  A model without seeds has one row.
    A. Owen, "The Pigeonhole Bootstrap", Annals of Applied Statistics 1, 2007: its variance is not
    below the true one.

    Args:
        first: (seeds, n) bool, which images each run of the one classifies correctly.
        second: (seeds, n) bool, the same images of the other.

    Returns:
        The second's mean accuracy minus the first's; it is real where the interval leaves out 0.

    """
    rng = np.random.default_rng(0)
    images = first.shape[1]

    def drawn(correct: np.ndarray) -> np.ndarray:
        seeds = len(correct)
        counts = rng.multinomial(seeds, np.full(seeds, 1 / seeds), RESAMPLES)
        return np.asarray(counts @ correct / seeds, dtype=np.float32)

    difference = drawn(second) - drawn(first)
    weights = np.stack([rng.multinomial(images, np.full(images, 1 / images)) for _ in difference])
    resampled = (difference * weights).mean(axis=1)
    low, high = np.quantile(resampled, [LEVEL / 2, 1 - LEVEL / 2])
    return Resampled(float(second.mean() - first.mean()), float(low), float(high))


def same_proportion(first: tuple[int, int], second: tuple[int, int]) -> float:
    """Fisher's exact test of two independent (correct, images): the probability under equality."""
    from scipy import stats

    table = [[correct, images - correct] for correct, images in (first, second)]
    return float(stats.fisher_exact(table).pvalue)
