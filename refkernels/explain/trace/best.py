"""Best pairs: the anchors that a `ThresholdMatcher` matches since a ground truth has no better."""

from typing import Any

import numpy as np

from refkernels.arrays import Array, rounded
from refkernels.explain.trace.records import Stage
from refkernels.matcher import ThresholdMatcher
from refkernels.matcher.threshold import least_of_best

__all__ = ["best_pairs", "has_guard", "is_threshold", "least_of", "read_threshold"]


def is_threshold(matcher: Any) -> bool:
    """Return whether it is a `ThresholdMatcher`, with its guard or without."""
    if not isinstance(matcher, ThresholdMatcher):
        return False
    return has_guard(matcher) or _is_unguarded(matcher)


def has_guard(matcher: Any) -> bool:
    """Return whether a ground truth that overlaps nothing has no best pair."""
    return type(matcher) is ThresholdMatcher


def _is_unguarded(matcher: Any) -> bool:
    from refkernels.assign.unguarded import UnguardedMatcher

    return type(matcher) is UnguardedMatcher


def least_of(matcher: Any, dtype: Any) -> float:
    """Return what a best pair must reach at least."""
    quality = rounded(matcher.min_quality, dtype)
    return float(least_of_best(quality) if has_guard(matcher) else quality)


def best_pairs(matcher: Any, x: Array, rows: Array, best: Array, head: Array, dtype: Any) -> Array:
    """Tell which pairs are best pairs, as a mask (K, M).

    Parameters
    ----------
    matcher : ThresholdMatcher
    x : numpy.ndarray, (K, M)
        Some rows of the matrix, in the dtype that it is computed in.
    rows : numpy.ndarray, (K,)
        Their numbers.
    best, head : numpy.ndarray, (M,)
        The largest of each column over all rows, and its first row.
    dtype : dtype
        That of the matrix.
    """
    if matcher.low_quality is None:
        return np.zeros(x.shape, bool)
    able = best >= least_of(matcher, dtype)
    mask: Array = (x == best) & able
    if not matcher.ties:
        mask &= rows[:, np.newaxis] == head
    return mask


def read_threshold(
    matcher: Any, x: Array, matches: Array, best: Array, dtype: Any
) -> tuple[Array, Array]:
    """Return how each row was matched, a `Stage` or -1, and the column whose best it holds."""
    stage = np.full(len(x), -1, np.int8)
    via = np.full(len(x), -1, np.int64)
    if not x.shape[1]:
        return stage, via
    own = x.argmax(axis=1)
    every = np.arange(len(x))
    high = (x[every, own] >= rounded(matcher.high, dtype)) & (matches == own)
    held = best.any(axis=1)
    stage[matches >= 0] = Stage.LOW_QUALITY
    stage[high] = Stage.THRESHOLD
    via[held] = best[held].argmax(axis=1)
    mine = held & (matches >= 0) & best[every, np.maximum(matches, 0)]
    via[mine] = matches[mine]
    via[stage != Stage.LOW_QUALITY] = -1
    return stage, via
