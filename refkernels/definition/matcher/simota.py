"""What SimOTAMatcher means (SPEC section 6): sums are exact."""

import math
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["SimOTAMatcher", "sums_of_largest"]

Array = npt.NDArray[Any]


def SimOTAMatcher(
    cost: npt.ArrayLike,
    ious: npt.ArrayLike,
    valid: npt.ArrayLike | None = None,
    *,
    candidate_topk: int = 10,
    conflict: str = "all",
) -> Array:
    """Define `refkernels.SimOTAMatcher`."""
    costs = np.asarray(cost)
    is_valid = np.ones(costs.shape[:-1], bool) if valid is None else np.asarray(valid, bool)
    sums = sums_of_largest(ious, is_valid, candidate_topk=candidate_topk)
    matches = np.full(costs.shape[:-1], -1, np.int64)
    for image in np.ndindex(matches.shape[:-1]):
        matches[image] = _match(costs[image].tolist(), is_valid[image], sums[image], conflict)
    return matches


def sums_of_largest(
    ious: npt.ArrayLike, valid: npt.ArrayLike, *, candidate_topk: int = 10
) -> Array:
    """Return the sum of each column's largest valid IoUs, as `fractions.Fraction`, (..., M)."""
    overlaps, is_valid = np.asarray(ious), np.asarray(valid, bool)
    sums = np.empty((*overlaps.shape[:-2], overlaps.shape[-1]), object)
    for *image, c in np.ndindex(sums.shape):
        column = overlaps[(*image, is_valid[tuple(image)], c)].tolist()
        largest = sorted(column, reverse=True)[:candidate_topk]
        sums[(*image, c)] = sum(map(Fraction, largest), Fraction(0))
    return sums


def _match(cost: list[list[float]], valid: Array, sums: Array, conflict: str) -> list[int]:
    """Match one image."""
    rows = np.flatnonzero(valid).tolist()
    columns = range(len(sums))
    selected: dict[int, list[int]] = {r: [] for r in rows}
    for c in columns:
        k = max(1, math.floor(sums[c]))
        for r in sorted(rows, key=lambda r: cost[r][c])[:k]:  # sorting is stable
            selected[r].append(c)
    matches = [-1] * len(cost)
    for r, own in selected.items():
        if len(own) > 1 and conflict == "all":
            own = list(columns)
        if own:
            matches[r] = min(own, key=lambda c: cost[r][c])  # the first of the least
    return matches
