"""Which numbers of a matrix may decide on a match when they move, and which others are near them.

What is within reach of a number is told with a margin for rounding, so that too many are taken
rather than too few. A move that touches none of those that may decide changes no match:

- the largest of a row decides where it may fall below a maximum matcher's threshold, and where
  another number may pass it; else neither the column nor the comparison can be another;
- the greedy rounds are the one choice of pairs in which each candidate that is not taken has one
  before it in its row or its column that is. So they stay as they are where that holds all the
  same: where such a candidate can neither pass the taken one of its row, nor that of its column;
- a row shares a column's best, or does not, whatever moves, unless two numbers are near that best.
"""

from typing import Any

import numpy as np

from refkernels.arrays import Array, rounded
from refkernels.explain.trace.pairs import Pairs
from refkernels.explain.trace.survey import survey
from refkernels.explain.trace.trying import Known, begin, new_work
from refkernels.jit import jit
from refkernels.matcher import BipartiteMatcher
from refkernels.matcher.bipartite import sign_of

__all__ = ["Columns", "known_of", "place_of", "places", "slack_of"]

# A float64 computation on a number and on what it may change by is off by less.
ROUNDING = 2.0**-50


@jit
def slack_of(value, relative, delta):  # type: ignore[no-untyped-def]
    """Return by how much a number may change, in float64: a share of it, or else `delta`."""
    wide = abs(np.float64(value))
    if relative > 0:
        return wide * relative
    return delta if wide > 0 else 0.0


@jit
def _reach(value, relative, delta):  # type: ignore[no-untyped-def]
    """Return a little more than that."""
    slack = slack_of(value, relative, delta)
    return slack * (1 + 1e-6) + abs(np.float64(value)) * ROUNDING if slack > 0 else 0.0


class Columns:
    """The numbers of each column that may change, the smallest first.

    Attributes
    ----------
    starts : numpy.ndarray, int64, (M + 1,)
    rows : numpy.ndarray, int64
        Their rows, the last first where numbers are the same.
    values : numpy.ndarray, float64
        These numbers.
    """

    def __init__(self, values: Array) -> None:
        columns, rows = np.nonzero(values.T)
        self.starts = np.searchsorted(columns, np.arange(values.shape[1] + 1))
        order = np.lexsort((-rows, values[rows, columns], columns))
        self.rows = rows[order]
        self.values = values[self.rows, columns[order]].astype(np.float64)


def known_of(values: Array, matchers: list[Any], base: Array, reach: tuple[float, float]) -> Known:
    """Write down what is known of a matrix (R, M) and its matchers, which moves start from.

    Parameters
    ----------
    values : numpy.ndarray, float32 or float64, (R, M)
        It is written to while moves are tried, and put back.
    matchers : list of BipartiteMatcher and MaximumMatcher
    base : numpy.ndarray, int64, (R,)
        What they match.
    reach : (float, float)
        By what share of it a number may change, or else 0 and by how much.
    """
    count, columns = values.shape
    kind = values.dtype.type
    signs = [sign_of(own) for own in matchers]
    tops = [survey(Pairs.of(values), sign) for sign in (1, -1)]
    limits = [
        kind(rounded(own.threshold, kind)) * kind(sign)
        for own, sign in zip(matchers, signs, strict=True)
    ]
    eps = [kind(rounded(getattr(own, "eps", 0.0), kind)) for own in matchers]
    kinds = [1 + own.share_max if type(own) is BipartiteMatcher else 0 for own in matchers]
    listed, near = [], []
    for sign, limit, more, is_greedy in zip(signs, limits, eps, kinds, strict=True):
        both = (
            [_lists(values[:, c], sign, limit, more, columns, reach) for c in range(columns)]
            if is_greedy
            else []
        )
        listed.append([own for own, _ in both] or [np.zeros(0, np.int64)] * columns)
        near.append([own for _, own in both] or [np.zeros(0, np.int64)] * columns)
    starts, rows = _joined(listed)
    near_starts, near_rows = _joined(near)
    by_row, own_columns = _turned(near, count)
    known = Known(
        values, np.array(signs, kind), np.array(limits, kind), np.array(eps, kind),
        np.array(kinds, np.int64), starts, rows, near_starts, near_rows, by_row, own_columns,
        np.zeros(values.shape, np.bool_), np.full((len(kinds), count), -1),
        np.full((len(kinds), columns), -1), np.zeros((len(kinds), columns), kind),
        np.array([own.own for own in tops]), np.array([own.second for own in tops]),
        np.asarray(base, np.int64),
    )  # fmt: skip
    begin(known, new_work(len(kinds), count, columns, kind))
    return known


def _lists(
    column: Array, sign: int, limit: Any, eps: Any, depth: int, reach: tuple[float, float]
) -> tuple[Array, Array]:
    """Return the rows that greedy rounds may come to, in order, and those that may share the best.

    Rounds never go further down than the `depth` columns that there are to be given.
    """
    wide = column.astype(np.float64) * sign
    relative, delta = reach
    slack = np.abs(wide) * relative if relative > 0 else np.where(wide != 0, delta, 0.0)
    slack = np.where(slack > 0, slack * (1 + 1e-6) + np.abs(wide) * ROUNDING, 0.0)
    rows = np.flatnonzero(wide + slack > float(limit))
    if not len(rows):
        return rows, rows
    low, high = wide[rows] - slack[rows], wide[rows] + slack[rows]
    best = low.max()
    # A sum with eps is rounded in the dtype of the matrix.
    rounding = 2 * np.finfo(column.dtype).eps * (np.abs(high) + float(eps))
    is_near = high + float(eps) + rounding >= best
    bar = np.partition(low, -depth)[-depth] if len(rows) > depth else -np.inf
    kept = (high >= bar) | is_near
    order = np.lexsort((rows[kept], -wide[rows[kept]]))
    near = rows[is_near]
    return rows[kept][order], near


def _joined(lists: list[list[Array]]) -> tuple[Array, Array]:
    """Return where each list begins and ends, (K, M + 1), and all of them, one after another."""
    sizes = np.array([[len(own) for own in of_one] for of_one in lists], np.int64)
    ends = np.cumsum(sizes).reshape(sizes.shape)
    starts = np.concatenate([ends[:, :1] - sizes[:, :1], ends], axis=1)
    return starts, np.concatenate([own for of_one in lists for own in of_one])


def _turned(lists: list[list[Array]], count: int) -> tuple[Array, Array]:
    """Return for each row the columns in whose lists it is, as `_joined` does."""
    starts, parts, before = [], [], 0
    for of_one in lists:
        rows = np.concatenate(of_one)
        columns = np.repeat(np.arange(len(of_one)), [len(own) for own in of_one])
        order = np.argsort(rows, kind="stable")
        starts.append(before + np.searchsorted(rows[order], np.arange(count + 1)))
        parts.append(columns[order])
        before += len(rows)
    return np.array(starts), np.concatenate(parts)


def places(known: Known, columns: Columns, reach: tuple[float, float], eps: float) -> Any:
    """Return the numbers that are to be moved, by row.

    Parameters
    ----------
    known : Known
        Of which `greedy` is filled in.
    columns : Columns
    reach : (float, float)
    eps : float
        The largest of the matchers.

    Returns
    -------
    rows, columns : numpy.ndarray, int64, (P,)
    alone, across, down : numpy.ndarray, bool, (P,)
        Whether a move of it alone may decide, and one of what is near it in its row, or its column.
    """
    deciding = np.zeros(known.x.shape, np.bool_)
    _mark_deciding(known, *reach, deciding)
    moving = np.zeros(known.x.shape, np.uint8)
    _mark_moving(known.x, deciding, columns.starts, columns.rows, *reach, moving)
    rows, own = np.nonzero(moving)
    limits = (known.limit * known.sign).astype(np.float64)
    close = np.zeros(len(rows), np.bool_)
    _are_close(known.x, rows, own, columns.starts, columns.rows, *reach, limits, eps, close)
    rows, own = rows[close], own[close]
    flags = moving[rows, own]
    return rows, own, (flags & 1) > 0, (flags & 2) > 0, (flags & 4) > 0


@jit
def _mark_deciding(known, relative, delta, deciding):  # type: ignore[no-untyped-def]
    x = known.x
    count, columns = x.shape
    shared = np.zeros(count, np.bool_)
    for k in range(len(known.kind)):
        sign, limit = np.float64(known.sign[k]), np.float64(known.limit[k])
        if known.kind[k] == 0:
            shared[:] = True
            _mark_largest(x, sign, limit, relative, delta, shared, deciding)
            continue
        for c in range(columns):
            taker = known.taker[k, c]
            floor = -np.inf
            if taker >= 0:
                floor = x[taker, c] * sign - _reach(x[taker, c], relative, delta)
                if floor <= limit:
                    known.greedy[taker, c] = True
            for place in range(known.listed[k, c], known.listed[k, c + 1]):
                r = known.rows[place]
                if r == taker:
                    continue
                high = x[r, c] * sign + _reach(x[r, c], relative, delta)
                given = known.given[k, r]
                if high <= limit or floor > high:
                    continue
                if given >= 0:
                    own = x[r, given]
                    if own * sign - _reach(own, relative, delta) > high:
                        continue
                    known.greedy[r, given] = True
                known.greedy[r, c] = True
                if taker >= 0:
                    known.greedy[taker, c] = True
        shared[:] = False
        for c in range(columns):
            begin, end = known.near[k, c], known.near[k, c + 1]
            if end - begin > 1:
                for place in range(begin, end):
                    deciding[known.near_rows[place], c] = True
                    shared[known.near_rows[place]] = True
        _mark_largest(x, sign, -np.inf, relative, delta, shared, deciding)
    for r in range(count):
        for c in range(columns):
            deciding[r, c] = (deciding[r, c] | known.greedy[r, c]) and (
                slack_of(x[r, c], relative, delta) > 0
            )


@jit
def _mark_largest(x, sign, limit, relative, delta, among, deciding):  # type: ignore[no-untyped-def]
    """Mark what may be the largest of some rows, where that is open, or may fall below a limit."""
    for r in range(x.shape[0]):
        if not among[r]:
            continue
        low = high = -np.inf
        for c in range(x.shape[1]):
            reach = _reach(x[r, c], relative, delta)
            low, high = max(low, x[r, c] * sign - reach), max(high, x[r, c] * sign + reach)
        if high < limit:
            continue
        near = 0
        for c in range(x.shape[1]):
            near += x[r, c] * sign + _reach(x[r, c], relative, delta) >= low
        if near > 1 or low < limit:
            for c in range(x.shape[1]):
                if x[r, c] * sign + _reach(x[r, c], relative, delta) >= low:
                    deciding[r, c] = True


@jit
def _mark_moving(x, deciding, starts, rows, relative, delta, moving):  # type: ignore[no-untyped-def]
    """Mark 1 what decides, and 2 or 4 what is near such in its row or its column, or is itself."""
    near = np.empty(x.shape[1], np.int64)
    for r in range(x.shape[0]):
        count = 0
        for c in range(x.shape[1]):
            if deciding[r, c]:
                near[count] = c
                count += 1
                moving[r, c] = 7
        for c in range(x.shape[1]):
            reach = _reach(x[r, c], relative, delta)
            for i in range(count if reach > 0 else 0):
                other = x[r, near[i]]
                gap = abs(np.float64(x[r, c]) - np.float64(other))
                if gap <= reach + _reach(other, relative, delta):
                    moving[r, c] |= 2
    for c in range(x.shape[1]):
        begin, end = starts[c], starts[c + 1]
        for way in (1, -1):
            bar = -np.inf
            for i in range(end - begin):
                r = rows[begin + i] if way > 0 else rows[end - 1 - i]
                reach = _reach(x[r, c], relative, delta)
                if x[r, c] * way - reach <= bar:
                    moving[r, c] |= 4
                if deciding[r, c]:
                    bar = max(bar, x[r, c] * way + reach)


@jit
def _are_close(x, rows, columns, starts, own_rows, relative, delta, limits, eps, close):  # type: ignore[no-untyped-def]
    """Mark what is within reach of a threshold, or of the next number in its row or its column."""
    count = x.shape[0]
    for n in range(len(rows)):
        r, c = rows[n], columns[n]
        value = np.float64(x[r, c])
        reach = slack_of(value, relative, delta)
        hit = False
        for limit in limits:
            hit |= abs(value - limit) <= reach + eps
        below: Any = -np.inf
        above: Any = np.inf
        for j in range(x.shape[1]):
            other = np.float64(x[r, j])
            if other < value or (other == value and j < c):
                below = max(below, other)
            elif j != c:
                above = min(above, other)
        hit |= _is_close(value, below, reach, relative, delta, eps)
        hit |= _is_close(value, above, reach, relative, delta, eps)
        begin, end = starts[c], starts[c + 1]
        place = place_of(x, own_rows, begin, end, r, c)
        zero = end - begin < count
        below = -np.inf
        above = np.inf
        if place > begin:
            below = np.float64(x[own_rows[place - 1], c])
        if place + 1 < end:
            above = np.float64(x[own_rows[place + 1], c])
        if zero and below < 0 < value:
            below = 0.0
        if zero and value < 0 < above:
            above = 0.0
        hit |= _is_close(value, below, reach, relative, delta, eps)
        hit |= _is_close(value, above, reach, relative, delta, eps)
        close[n] = hit


@jit
def _is_close(value, other, reach, relative, delta, eps):  # type: ignore[no-untyped-def]
    return abs(other) < np.inf and (
        abs(value - other) <= reach + slack_of(other, relative, delta) + eps
    )


@jit
def place_of(x, rows, begin, end, r, c):  # type: ignore[no-untyped-def]
    """Return where a row is among the sorted ones of a column."""
    while begin < end:
        middle = (begin + end) // 2
        own = rows[middle]
        if x[own, c] < x[r, c] or (x[own, c] == x[r, c] and own > r):
            begin = middle + 1
        else:
            end = middle
    return begin
