"""What HungarianMatcher means (SPEC section 6): a least total, with a certificate."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import permutations
from math import perm
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["HungarianMatcher", "least_total"]

Array = npt.NDArray[Any]

# So few matchings are compared one by one.
FEW = 60

# Below this, differences of a few costs and potentials are far from the end of int64.
FITS = 2**56


def HungarianMatcher(cost: npt.ArrayLike) -> Array:
    """Define `refkernels.HungarianMatcher`: one of the matchings of least total."""
    costs = np.asarray(cost)
    costs = costs if costs.dtype.kind == "f" else costs.astype(np.float64)
    matches = np.full(costs.shape[:-1], -1, np.int64)
    for image in np.ndindex(matches.shape[:-1]):
        whole = _as_integers(costs[image])
        if whole.shape[0] <= whole.shape[1]:
            matches[image] = _match(whole)
        else:
            for c, r in enumerate(_match(whole.T)):
                matches[(*image, r)] = c
    return matches


def least_total(cost: npt.ArrayLike) -> Array:
    """Return the least total of each matrix (..., N, M), as `fractions.Fraction`, (...)."""
    costs, matches = np.asarray(cost), HungarianMatcher(cost)
    totals = np.empty(costs.shape[:-2], object)
    for image in np.ndindex(totals.shape):
        pairs = [(r, c) for r, c in enumerate(matches[image]) if c >= 0]
        totals[image] = sum((Fraction(float(costs[image][pair])) for pair in pairs), Fraction(0))
    return totals


def _as_integers(cost: Array) -> Array:
    """Return costs as integers, all multiplied with one power of two."""
    ratios = [value.as_integer_ratio() for value in cost.ravel().tolist()]
    unit = max((denominator for _, denominator in ratios), default=1)
    whole = [numerator * (unit // denominator) for numerator, denominator in ratios]
    fits = max(map(abs, whole), default=0) < FITS
    # An array of objects holds Python's integers, which have any number of digits.
    return np.array(whole, np.int64 if fits else object).reshape(cost.shape)


def _match(cost: Array) -> Sequence[int]:
    """Return the columns of the rows (n, m), n <= m, in a matching of least total."""
    rows, columns = cost.shape
    if perm(columns, rows) > FEW:
        return _match_by_paths(cost)
    costs = cost.tolist()
    return min(
        permutations(range(columns), rows),
        key=lambda matching: sum(own[c] for own, c in zip(costs, matching, strict=True)),
    )


def _match_by_paths(cost: Array) -> list[int]:
    """Return what `_match` does, by paths, with a certificate.

    Kuhn's method: with a potential p for each row and q for each column such that no reduced cost
    ``cost - p - q`` is negative, a row is matched at a time, along a path of pairs whose reduced
    cost is 0. What it finds is proved by `_certify`, whatever it does.
    """
    rows, columns = cost.shape
    p, q = np.zeros(rows, cost.dtype), np.zeros(columns, cost.dtype)
    row_of = np.full(columns, -1)
    for start in range(rows):
        # The least reduced cost from a row that was reached to each column, and which row that is.
        slack, nearest = cost[start] - q, np.full(columns, start)
        reached_rows, reached = [start], np.zeros(columns, bool)
        while True:
            others = np.flatnonzero(~reached)
            column = others[np.argmin(slack[others])]
            step = slack[column]
            p[reached_rows] += step
            q[reached] -= step
            slack[others] -= step
            row = int(row_of[column])
            if row < 0:
                break
            reached[column] = True
            reached_rows.append(row)
            reduced = cost[row] - p[row] - q
            closer = ~reached & (reduced < slack)
            slack[closer], nearest[closer] = reduced[closer], row
        while True:
            row = int(nearest[column])
            held = np.flatnonzero(row_of == row)
            row_of[column] = row
            if row == start:
                break
            column = held[held != column][0]
    _certify(cost, p, q, row_of)
    return [int(np.flatnonzero(row_of == row)[0]) for row in range(rows)]


def _certify(cost: Array, p: Array, q: Array, row_of: Array) -> None:
    """Prove that a matching of all rows has the least total.

    Any such matching costs at least the sum of p and of its columns' q, since no reduced cost is
    negative; that is at least the sum of all p and q, since no q is positive; and that is what this
    matching costs, since its pairs have reduced cost 0, and the columns that it leaves q = 0.
    """
    rows = len(cost)
    matched = np.flatnonzero(row_of >= 0)
    reduced = cost - p[:, None] - q
    proved = (
        sorted(row_of[matched]) == list(range(rows))
        and bool((reduced >= 0).all())
        and bool((q <= 0).all())
        and not reduced[row_of[matched], matched].any()
        and not q[row_of < 0].any()
    )
    if not proved:
        raise AssertionError("a matching is not proved to be of least total")
