"""Whether one model is not worse than another on the same images, by more than a margin.

T. Tango, "Equivalence test and confidence interval for the difference in proportions for the
paired-sample design", Statistics in Medicine 17, 1998: the score test, whose nuisance parameter is
the one most likely under the hypothesis.
"""

from typing import NamedTuple

import numpy as np

LEVEL = 0.05
"""Chance, at most, with which a model that is worse by the margin passes."""
POWER = 0.9
"""Chance, at least, with which an equal one passes under `smallest_margin`."""
STEP = 1e-4
"""What margins are multiples of: a hundredth of a percentage point."""


class Outcome(NamedTuple):
    """How a newcomer compares with the model that it would replace."""

    images: int
    only_before: int
    """Images that only the other predicts correctly."""
    only_after: int
    """Images that only the newcomer predicts correctly."""
    difference: float
    """Of the accuracies, the newcomer's minus the other's."""
    low: float
    """Of Tango's interval that holds 1 - 2 * LEVEL of differences."""
    high: float

    def passes(self, margin: float) -> bool:
        """Whether the newcomer is shown to be worse by less than `margin`, at `LEVEL`."""
        return self.low > -margin


def compare(before: np.ndarray, after: np.ndarray) -> Outcome:
    """Compare two models.

    Args:
        before: (n,) bool: which images the model in use predicts correctly.
        after: (n,) bool: which of the same images the newcomer does.

    """
    from scipy.optimize import brentq
    from scipy.stats import norm

    images = len(before)
    lost, won = int((before & ~after).sum()), int((~before & after).sum())
    critical = norm.isf(LEVEL)
    near_one = 1 - 1e-9

    def excess(difference: float, sign: int) -> float:
        return float(score(np.array(lost), np.array(won), images, difference) - sign * critical)

    found = (won - lost) / images
    low = brentq(excess, -near_one, found, (1,)) if lost < images else -1.0
    high = brentq(excess, found, near_one, (-1,)) if won < images else 1.0
    return Outcome(images, lost, won, found, float(low), float(high))


def worse_groups(
    before: np.ndarray, after: np.ndarray, groups: np.ndarray
) -> dict[int, tuple[int, int, float]]:
    """The groups of images that the newcomer reads worse than the model in use.

    The one-sided exact test of McNemar, with Holm's correction over all groups, at `LEVEL`.

    Args:
        before: As for `compare`.
        after: As for `compare`.
        groups: (n,) which group each image belongs to, say its class.

    Returns:
        By group: images won, images lost, the corrected p.

    """
    from scipy.stats import binom
    from statsmodels.stats.multitest import multipletests

    named = np.unique(groups)
    won, lost = (
        np.array([changed[groups == group].sum() for group in named])
        for changed in (~before & after, before & ~after)
    )
    worse, corrected, *_ = multipletests(binom.cdf(won, won + lost, 0.5), LEVEL, method="holm")
    return {
        int(named[place]): (int(won[place]), int(lost[place]), float(corrected[place]))
        for place in np.flatnonzero(worse)
    }


def score(lost: np.ndarray, won: np.ndarray, images: int, difference: float) -> np.ndarray:
    """Tango's statistic, standard normal where the true difference is `difference`.

    Args:
        lost: Images that only the model in use predicts correctly; any shape.
        won: Images that only the newcomer does; the same shape.
        images: All images.
        difference: The newcomer's accuracy minus the other's, above -1 and below 1.

    """
    # Tango's q21: the larger root of the likelihood's quadratic equation.
    a = 2 * images
    b = -won - lost + (2 * images - won + lost) * difference
    c = -lost * difference * (1 - difference)
    root = (np.sqrt(b * b - 4 * a * c) - b) / (2 * a)
    variance = images * (2 * root + difference * (1 - difference))
    distance = won - lost - images * difference
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(distance == 0, 0.0, distance / np.sqrt(variance)))


def chance_to_pass(images: int, discordant: float, difference: float, margin: float) -> float:
    """The probability with which a newcomer passes, by summing over all outcomes.

    Args:
        images: How many are compared on.
        discordant: The share of images that only one of the two predicts correctly.
        difference: The newcomer's true accuracy minus the other's.
        margin: As for `Outcome.passes`.

    """
    from scipy.stats import binom, norm

    # All but a billionth of the outcomes.
    least, most = binom.ppf([1e-9, 1 - 1e-9], images, discordant).astype(int)
    discordances = np.arange(least, most + 1)[:, np.newaxis]
    won = np.arange(most + 1)[np.newaxis]
    share = (discordant + difference) / (2 * discordant)
    probability = binom.pmf(discordances, images, discordant) * binom.pmf(won, discordances, share)
    lost = np.maximum(discordances - won, 0)
    return float(probability[score(lost, won, images, -margin) > norm.isf(LEVEL)].sum())


def smallest_margin(images: int, discordant: float) -> float:
    """The smallest margin under which an equal model passes with probability `POWER`.

    Args:
        images: How many are compared on.
        discordant: As for `chance_to_pass`.

    Returns:
        A multiple of `STEP`; 1, under which every model passes, where none below a half would do.

    """
    margins = np.arange(1, round(0.5 / STEP)) * STEP
    # The chance grows with the margin, but for the steps of whole images.
    first = int(np.searchsorted(margins, 1 / np.sqrt(images) * np.sqrt(discordant)))
    for margin in margins[first:]:
        if chance_to_pass(images, discordant, 0.0, float(margin)) >= POWER:
            return round(float(margin), 4)
    return 1.0
