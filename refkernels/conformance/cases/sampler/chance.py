"""Whether what is drawn by lot is drawn evenly.

Each test raises a false alarm in less than one of a million runs.
"""

from functools import cache
from math import comb

import mpmath
import numpy as np

from refkernels.arrays import Array

__all__ = ["chi_square", "even_subsets", "fair_coin", "independent_subsets", "rare"]

ALARM = 1e-6

# What is counted is taken for normal, or for chi-square, where so many are expected; what is
# expected more seldom is not tested.
ENOUGH = 10

# So many tosses are as good as normal at the limit.
MANY_TOSSES = 1000


def chi_square(counts: Array, what: str, spread: float = 1.0) -> str | None:
    """Return how far counts are from being equal, if chance alone does not explain it.

    With a `spread`, their variance is that share of what it is for independent draws.
    """
    expected = counts.sum() / len(counts)
    statistic = float(((counts - expected) ** 2 / expected).sum()) / spread
    limit = _limit(len(counts) - 1)
    if statistic <= limit:
        return None
    return f"{what}: chi-square {statistic:.1f} over {len(counts)} cells, limit {limit:.1f}"


def even_subsets(kept: Array, what: str) -> str | None:
    """Hold random subsets of equal size to being even.

    Parameters
    ----------
    kept : numpy.ndarray, bool, (D, n)
        Which of n things each of D draws keeps; all keep the same number.
    what : str
        For the message.

    Notes
    -----
    How many are kept of a group of things has a multivariate hypergeometric distribution, whose
    covariances are those of independent draws times (n - q) / (n - 1). Runs of neighbours that are
    kept, of which a draw has q (n - q + 1) / n in the mean, tell draws that keep whole stretches.
    """
    draws, count = kept.shape
    quota = int(kept[0].sum())
    if not 0 < quota < count:
        return None
    groups = min(count, 50, draws * quota // ENOUGH)
    spread = (count - quota) / (count - 1)
    place = np.arange(count)
    totals = kept.sum(0)
    # Equal groups, so that counts are to be equal; what is left over belongs to none.
    whole = count // groups * groups if groups > 1 else 0
    for name, group in (("", place * groups // max(whole, 1)), (", by remainder", place % groups)):
        if not whole:
            continue
        counts = np.bincount(group[:whole], totals[:whole], groups)
        wrong = chi_square(counts, f"{what}, by place{name}", spread)
        if wrong is not None:
            return wrong
    starts = kept & ~np.pad(kept, ((0, 0), (1, 0)))[:, :-1]
    neighbours = quota * (quota - 1) / count * draws
    mean = quota * (count - quota + 1) / count
    pairs = quota * (quota - 1) * (count - quota) * (count - quota + 1)
    variance = pairs / (count**2 * (count - 1))
    if neighbours < ENOUGH or variance * draws < ENOUGH:
        return None
    return _deviates(starts.sum(), mean * draws, variance * draws, f"{what}: runs of neighbours")


def independent_subsets(first: Array, second: Array, what: str) -> str | None:
    """Hold pairs of subsets, as `even_subsets` takes them, to being drawn independently.

    How many things both of a pair keep has a hypergeometric distribution.
    """
    draws, count = first.shape
    quota, other = int(first[0].sum()), int(second[0].sum())
    mean = quota * other / count
    variance = mean * (count - quota) * (count - other) / (count * max(count - 1, 1))
    if min(mean, variance) * draws < ENOUGH:
        return None
    both = (first & second).sum()
    return _deviates(both, mean * draws, variance * draws, f"{what}: what both keep")


def rare(count: int, mean: float, what: str) -> str | None:
    """Hold the number of rare and nearly independent events to a Poisson distribution."""
    above = float(mpmath.gammainc(count, 0, mean, regularized=True)) if count else 1.0
    if above > ALARM:
        return None
    return f"{what}: {count}, where {mean:.3g} are to be expected"


def fair_coin(heads: int, tosses: int, what: str) -> str | None:
    """Hold tosses of a coin to being fair."""
    if tosses > MANY_TOSSES:
        return _deviates(heads, tosses / 2, tosses / 4, what)
    fewer = min(heads, tosses - heads)
    tail = 2 * sum(comb(tosses, k) for k in range(fewer + 1)) / 2**tosses
    return None if tail > ALARM else f"{what}: {heads} of {tosses}"


def _deviates(found: float, mean: float, variance: float, what: str) -> str | None:
    if (found - mean) ** 2 <= variance * _limit(1):
        return None
    return f"{what}: {found:.0f}, where {mean:.0f} ± {variance**0.5:.0f} are to be expected"


@cache
def _limit(freedom: int) -> float:
    """Return the quantile of chi-square that is exceeded with the probability of a false alarm."""
    # Wilson and Hilferty's is near enough to begin with.
    share = 2 / (9 * freedom)
    start = freedom * (1 - share + 4.7534 * share**0.5) ** 3

    def excess(x: mpmath.mpf) -> mpmath.mpf:
        """Return the logarithm of the probability beyond `x` over that of a false alarm."""
        tail = mpmath.gammainc(mpmath.mpf(freedom) / 2, x / 2, mpmath.inf, regularized=True)
        return mpmath.log(tail / ALARM)

    return float(mpmath.findroot(excess, start))
