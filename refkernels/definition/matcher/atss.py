"""What `ATSSMatcher` means (SPEC section 6), with thresholds compared by their exact squares."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["ATSSMatcher", "Spread", "atss_candidates", "atss_spread"]

Array = npt.NDArray[Any]


def ATSSMatcher(
    ious: npt.ArrayLike,
    distances: npt.ArrayLike,
    inside: npt.ArrayLike,
    levels: npt.ArrayLike,
    *,
    topk: int = 9,
    ddof: int = 1,
) -> Array:
    """Define `refkernels.ATSSMatcher`."""
    overlaps, lengths, is_inside = (np.asarray(array) for array in (ious, distances, inside))
    matches = np.full(overlaps.shape[:-1], -1, np.int64)
    for image in np.ndindex(overlaps.shape[:-2]):
        x = overlaps[image]
        positive = []
        for c in range(x.shape[1]):
            candidates = atss_candidates(lengths[image][:, c], levels, topk)
            threshold = atss_spread(x[candidates, c], ddof)
            positive += [
                (r, c)
                for r in candidates
                if threshold.is_reached(Fraction(float(x[r, c]))) and is_inside[image][r, c]
            ]
        for r in {r for r, _ in positive}:
            # The first of the largest, by column.
            columns = sorted(c for own, c in positive if own == r)
            matches[image][r] = max(columns, key=x[r].__getitem__)
    return matches


def atss_candidates(distances: Sequence[float] | Array, levels: Any, topk: int) -> list[int]:
    """Return the anchors of least distance on each level, for one ground truth."""
    candidates, start = [], 0
    for size in levels:
        own = range(start, start + int(size))
        candidates += sorted(own, key=lambda r: distances[r])[:topk]  # sorting is stable
        start += int(size)
    return candidates


class Spread(NamedTuple):
    """The exact mean and variance of some IoUs; the threshold is the mean and the deviation."""

    mean: Fraction
    variance: Fraction

    def is_reached(self, value: Fraction) -> bool:
        """Return whether ``value >= mean + sqrt(variance)``, by squares."""
        excess = value - self.mean
        return excess >= 0 and excess * excess >= self.variance


def atss_spread(values: Sequence[float] | Array, ddof: int) -> Spread:
    """Return what the threshold of a ground truth is made of, from its candidates' IoUs."""
    exact = [Fraction(float(value)) for value in values]
    if not exact:
        return Spread(Fraction(0), Fraction(0))
    mean = sum(exact, Fraction(0)) / len(exact)
    squares = sum(((value - mean) ** 2 for value in exact), Fraction(0))
    divisor = len(exact) - ddof
    return Spread(mean, squares / divisor if divisor > 0 else Fraction(0))
