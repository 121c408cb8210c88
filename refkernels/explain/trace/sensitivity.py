"""Which matches hang on a hair: those that are others when an IoU changes a little.

A match depends on comparisons: of an IoU with a threshold, with others of its anchor, with others
of its ground truth. Only where the two sides are close can a small change decide otherwise. Each
such change is tried, by the matcher itself; what it then decides is what is told.
"""

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from refkernels.arrays import Array, check_integer, check_number, rounded
from refkernels.explain.trace.classes import names_of
from refkernels.explain.trace.flipping import Progress, try_near
from refkernels.explain.trace.flips import Flip, Flips
from refkernels.explain.trace.moves import try_all
from refkernels.explain.trace.pairs import Pairs
from refkernels.matcher import BipartiteMatcher, MaximumMatcher
from refkernels.matcher.bipartite import sign_of
from refkernels.matcher.composite import flat

if TYPE_CHECKING:
    from refkernels.explain.trace.trace import Trace

__all__ = ["RELATIVE", "sensitivity"]

# A float32 IoU of corner boxes is within 17 units of roundoff of the exact one, whatever computes
# it (see box_batch_iou in refkernels/bounds/bbox.py); two devices are so on either side.
RELATIVE = 2 * 17 * 2.0**-24


def sensitivity(
    trace: "Trace",
    delta: float | None = None,
    *,
    anchor: int | None = None,
    limit: int | None = None,
    progress: Progress | None = None,
) -> Flips:
    """List the matches that would be others if IoUs changed by up to `delta`.

    Parameters
    ----------
    trace : Trace
        Of the matchers of refkernels.
    delta : float, optional
        How much an IoU may change. By default what two devices may differ by that compute in
        float32: 34 units of roundoff of the IoU itself. An IoU of exactly 0, of boxes that do not
        meet, does not change.
    anchor : int, optional
        The one anchor that is asked for, which takes less time.
    limit : int, optional
        How many are listed at most, the first ones; `left_out` says how many more there are.
    progress : callable, optional
        Called now and then with how much is done, and of how much.

    Returns
    -------
    Flips
        A list of Flip.
        By anchor, each with a change that does it, of as few IoUs and by as little as was found.
        All changes of a single IoU are covered, and those that bring the IoUs of one anchor, or of
        one ground truth, closer to one of them and past it. What takes several such changes at
        once, in different places, is not.

    Raises
    ------
    TypeError, ValueError
        If `delta` is no positive number, there is no such anchor, `limit` is negative, or a matcher
        is of another kind.

    Examples
    --------
    >>> from refkernels import MaximumMatcher
    >>> from refkernels.explain import explain
    >>> for flip in explain(MaximumMatcher(0.5), [[0.5], [0.49], [0.2]]).sensitivity(0.02):
    ...     print(flip)
    Anchor 0: ground truth 0 -> none if its IoU with ground truth 0 falls by 5.55e-17.
    Anchor 1: none -> ground truth 0 if its IoU with ground truth 0 rises by 0.01.
    """
    matchers = flat(trace.matcher)
    for matcher in matchers:
        if type(matcher) not in (BipartiteMatcher, MaximumMatcher):
            raise TypeError(
                "matcher: expected matchers of refkernels, whose comparisons are known, got "
                f"{matcher!r}"
            )
    if delta is not None:
        check_number("delta", delta, low=0)
    if anchor is not None:
        anchor = check_integer("anchor", anchor, low=0, high=len(trace.anchors) - 1)
    most = None if limit is None else check_integer("limit", limit, low=0)
    if 0 in trace.pairs.shape:
        return Flips((), names_of(trace))
    rows = _rows_that_matter(trace.pairs, delta, matchers)
    values = np.ascontiguousarray(trace.pairs.rows(rows))
    base = np.asarray(trace.matcher(values))
    only = -1
    if anchor is not None:
        only = int(np.searchsorted(rows, anchor))
        if only == len(rows) or rows[only] != anchor:
            return Flips((), names_of(trace))
    if values.dtype in (np.float32, np.float64):
        reach = (RELATIVE, 0.0) if delta is None else (0.0, float(delta))
        found = try_near(
            values, partial(_slack, delta=delta), reach, matchers, base, only, progress
        )
    else:
        found = try_all(trace.matcher, values, _slack(values, delta), matchers, base)
    listed = [i for i in sorted(found) if only in (-1, i)]
    numbers = np.append(trace.columns, -1)
    return Flips(
        [
            Flip(
                int(rows[i]),
                int(numbers[base[i]]),
                int(numbers[found[i][1]]),
                tuple((int(rows[r]), int(trace.columns[c]), by) for r, c, by in found[i][2]),
            )
            for i in listed[:most]
        ],
        names_of(trace),
        len(listed) - len(listed[:most]),
    )


def _slack(values: Array, delta: float | None) -> Array:
    """Return by how much each value may change, float64."""
    wide = np.abs(values.astype(np.float64))
    return wide * RELATIVE if delta is None else np.where(wide > 0, float(delta), 0.0)


def _rows_that_matter(pairs: Pairs, delta: float | None, matchers: list[Any]) -> Array:
    """Return the rows that take part in a comparison which is close, or may stop one that does.

    A bipartite matcher never goes further down a column than it has columns to give away, so of
    each the candidates that are among the best M, or within reach of these, are all.
    """
    count, columns = pairs.shape
    matter = np.zeros(count, bool)
    for matcher in matchers:
        sign = sign_of(matcher)
        limit = float(rounded(matcher.threshold, pairs.dtype)) * sign
        if type(matcher) is MaximumMatcher:
            for first, block in pairs.blocks():
                matter[first : first + len(block)] |= _may_pass(block, delta, limit)
            continue
        eps = float(rounded(matcher.eps, pairs.dtype))
        for column in range(columns):
            values = pairs.column(column)
            slack = _slack(values, delta)
            wide = values.astype(np.float64) * sign
            rows = np.flatnonzero(wide + slack > limit)
            high, low = wide[rows] + slack[rows], wide[rows] - slack[rows]
            bar = np.partition(low, -columns)[-columns] if len(rows) > columns else -np.inf
            best = low.max(initial=-np.inf) - eps * (1 + 1e-6)
            matter[rows[high >= min(bar, best)]] = True
    return np.flatnonzero(matter)


def _may_pass(values: Array, delta: float | None, limit: float) -> Array:
    """Return which rows may reach a limit, where it is open whether they do, or with what."""
    slack = _slack(values, delta)
    high, low = values + slack, (values - slack).max(axis=1)
    close = (high >= low[:, np.newaxis]).sum(axis=1) > 1
    return np.asarray((high.max(axis=1) >= limit) & (close | (low < limit)))
