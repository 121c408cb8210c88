"""Whether what is drawn by lot is drawn evenly."""

from refkernels.arrays import Array

__all__ = ["chi_square"]

# A false alarm in less than one of a million runs: quantiles of chi-square at 1 - 1e-6 by degrees
# of freedom (mpmath, regularised incomplete gamma function).
LIMITS = {5: 35.89, 8: 42.71, 14: 54.64, 15: 56.50, 19: 63.68, 23: 70.55, 35: 89.95, 99: 180.8}


def chi_square(counts: Array, what: str) -> str | None:
    """Return how far counts are from being equal, if chance alone does not explain it."""
    expected = counts.sum() / len(counts)
    statistic = float(((counts - expected) ** 2 / expected).sum())
    limit = LIMITS[len(counts) - 1]
    if statistic <= limit:
        return None
    return f"{what}: chi-square {statistic:.1f} over {len(counts)} cells, limit {limit}"
