"""What the matchers mean (SPEC section 2): x (..., N, M) to matches (..., N), int64."""

from collections.abc import Callable, Sequence
from operator import gt, lt
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["BipartiteMatcher", "CompositeMatcher", "MaximumMatcher"]

Array = npt.NDArray[Any]


def BipartiteMatcher(
    x: npt.ArrayLike,
    *,
    threshold: float = 1e-12,
    is_ascend: bool = False,
    eps: float = 1e-12,
    share_max: bool = True,
) -> Array:
    """Define `refkernels.BipartiteMatcher`."""
    values = _real(x)
    with np.errstate(over="ignore"):
        # What is compared with data, and sums with it, are in the data's dtype.
        bar, slack = values.dtype.type(threshold), values.dtype.type(eps)
        if is_ascend:
            beyond, sums = lt, values - slack
        else:
            beyond, sums = gt, values + slack
    matches = np.full(values.shape[:-1], -1, np.int64)
    for image in np.ndindex(values.shape[:-2]):
        matches[image] = _match(values[image], sums[image], bar, beyond, share_max)
    return matches


def _match(
    x: Array, sums: Array, bar: Any, beyond: Callable[[Any, Any], bool], share_max: bool
) -> list[int]:
    """Match one matrix, where a value is better than another if it is `beyond` it."""
    rows, columns = range(x.shape[0]), range(x.shape[1])
    matches = [-1] * len(rows)

    # 1. No pair but a candidate is ever matched. The list is in row-major order.
    candidates = [(r, c) for r in rows for c in columns if beyond(x[r, c], bar)]

    # 2. Greedy.
    remaining = candidates
    while remaining:
        row, column = remaining[_first_best([x[pair] for pair in remaining], beyond)]
        matches[row] = column
        remaining = [(r, c) for r, c in remaining if r != row and c != column]

    # 3. Share: with a candidate that, eps considered, its column's best is not beyond.
    best = {c: x[_first_best(x[:, c], beyond), c] for _, c in candidates}
    good = {(r, c) for r, c in candidates if not beyond(best[c], sums[r, c])}
    for r in rows:
        if matches[r] == -1 and len(columns) > 0:
            own = _first_best(x[r], beyond)
            if any((r, c) in good for c in (columns if share_max else [own])):
                matches[r] = own
    return matches


def MaximumMatcher(x: npt.ArrayLike, *, threshold: float) -> Array:
    """Define `refkernels.MaximumMatcher`."""
    values = _real(x)
    with np.errstate(over="ignore"):
        bar = values.dtype.type(threshold)
    matches = np.full(values.shape[:-1], -1, np.int64)
    for index in np.ndindex(matches.shape):
        row = list(values[index])
        if row and max(row) >= bar:
            matches[index] = row.index(max(row))
    return matches


def CompositeMatcher(
    x: npt.ArrayLike, *, matchers: Sequence[Callable[[npt.ArrayLike], Array]]
) -> Array:
    """Define `refkernels.CompositeMatcher`, for matchers that are given as functions of x."""
    proposals = [matcher(x) for matcher in matchers]
    matches = np.full(np.shape(x)[:-1], -1, np.int64)
    for index in np.ndindex(matches.shape):
        found = [proposal[index] for proposal in proposals if proposal[index] >= 0]
        neither = any(proposal[index] == -2 for proposal in proposals)
        matches[index] = found[0] if found else -2 if neither else -1
    return matches


def _real(x: npt.ArrayLike) -> Array:
    array = np.asarray(x)
    return array if array.dtype.kind == "f" else array.astype(np.float64)


def _first_best(values: Sequence[Any] | Array, beyond: Callable[[Any, Any], bool]) -> int:
    """Return where the best of the values is, the first place on a tie."""
    first = 0
    for i, value in enumerate(values):
        if beyond(value, values[first]):
            first = i
    return first
