"""Every change that is to be tried on a matrix, and what the matcher itself makes of it.

It is matched whole for each of them: the plainest way, which all dtypes go that have no arithmetic
of their own in kernels. What float32 and float64 take is `refkernels.explain.trace.flipping`.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from refkernels.arrays import Array, rounded
from refkernels.matcher import BipartiteMatcher

__all__ = ["BLOCK", "Least", "Move", "against", "changes_past", "limits_of", "moved", "try_all"]

# Elements of moved matrices that are matched in one go.
BLOCK = 1 << 21

# For each number that moves: its row, its column, and what is added to it.
Move = tuple[tuple[int, int, float], ...]

# Of each row whose match changes: how many numbers and how much did it, the match, and the move.
Least = dict[int, tuple[tuple[int, float], int, Move]]


def try_all(matcher: Any, values: Array, slack: Array, matchers: list[Any], base: Array) -> Least:
    """Return the least move of each row of `values` (R, M) that changes its match.

    Parameters
    ----------
    matcher : Matcher
    values, slack : numpy.ndarray, (R, M)
        By how much each may change, in float64.
    matchers : list of Matcher
        Those that it asks.
    base : numpy.ndarray, int64, (R,)
        The matches of `values`.
    """
    found: Least = {}
    moves: list[Move] = []
    size = max(1, BLOCK // max(1, values.size))
    for move in _moves(values, slack, matchers):
        moves.append(move)
        if len(moves) == size:
            _try(matcher, values, base, moves, found)
            moves = []
    if moves:
        _try(matcher, values, base, moves, found)
    return found


def _moves(values: Array, slack: Array, matchers: list[Any]) -> Iterator[Move]:
    """Give every change that is to be tried."""
    wide = values.astype(np.float64)
    limits, eps = limits_of(matchers, values.dtype)
    for r, c in np.argwhere(_close(wide, slack, limits, max(eps, default=0.0))):
        value, reach = wide[r, c], slack[r, c]
        across = np.delete(np.arange(wide.shape[1]), c)
        down = np.delete(np.arange(wide.shape[0]), r)
        others = np.concatenate([limits, wide[r, across], wide[down, c]])
        for change in changes_past(value, reach, others, eps, values.dtype):
            yield ((int(r), int(c), change),)
        rivals = [(r, k) for k in across if slack[r, k]]
        yield from against(wide, slack, (int(r), int(c)), rivals)
        yield from against(wide, slack, (int(r), int(c)), [(k, c) for k in down if slack[k, c]])


def limits_of(matchers: list[Any], dtype: Any) -> tuple[list[float], set[float]]:
    """Return the thresholds that numbers are compared with, and what is added to numbers."""
    return [float(rounded(own.threshold, dtype)) for own in matchers], {
        float(rounded(own.eps, dtype))
        for own in matchers
        if type(own) is BipartiteMatcher and own.eps > 0
    }


def changes_past(
    value: float, reach: float, others: Array, eps: set[float], dtype: Any
) -> Iterator[float]:
    """Give the changes of a number to what it is compared with, to either side, and all the way."""
    others = np.concatenate([others, *(others + sign * e for e in eps for sign in (1, -1))])
    goals = np.unique(others[np.abs(others - value) <= reach]).astype(dtype)
    kind = np.dtype(dtype).type
    for goal in {
        *(kind(value - reach), kind(value + reach)),
        *goals,
        *np.nextafter(goals, kind(-np.inf)),
        *np.nextafter(goals, kind(np.inf)),
    }:
        change = float(goal) - value
        if change and abs(change) <= reach:
            yield change


def moved(value: Any, change: float) -> Any:
    """Return a number moved, rounded towards where it was, so that it does not go too far."""
    goal = value.dtype.type(float(value) + change)
    if abs(float(goal) - float(value)) > abs(change):
        goal = np.nextafter(goal, value)
    return goal


def against(
    wide: Array, slack: Array, place: tuple[int, int], rivals: list[tuple[int, int]]
) -> Iterator[Move]:
    """Move one value up and those that are near it down, the other way round, and all one way."""
    value, reach = wide[place], slack[place]
    near = [(int(i), int(j)) for i, j in rivals if abs(wide[i, j] - value) <= reach + slack[i, j]]
    if not near:
        return
    for own, other in ((1, -1), (-1, 1), (-1, -1), (1, 1)):
        yield (
            (*place, own * float(reach)),
            *((i, j, other * float(slack[i, j])) for i, j in near),
        )


def _close(wide: Array, slack: Array, limits: list[float], eps: float) -> Array:
    """Mark the values that are within reach of what they may be compared with."""
    close = np.zeros(wide.shape, bool)
    for limit in limits:
        close |= np.abs(wide - limit) <= slack + eps
    for axis in (0, 1):
        order = np.argsort(wide, axis=axis, kind="stable")
        value, reach = np.take_along_axis(wide, order, axis), np.take_along_axis(slack, order, axis)
        near = np.zeros(wide.shape, bool)
        first = (slice(None), slice(None, -1)) if axis else (slice(None, -1), slice(None))
        last = (slice(None), slice(1, None)) if axis else (slice(1, None), slice(None))
        gaps = np.diff(value, axis=axis) <= reach[first] + reach[last] + eps
        near[first] |= gaps
        near[last] |= gaps
        back = np.zeros(wide.shape, bool)
        np.put_along_axis(back, order, near, axis)
        close |= back
    return close & (slack > 0)


def _try(
    matcher: Any,
    values: Array,
    base: Array,
    moves: list[Move],
    found: Least,
) -> None:
    """Match the moved matrices, and keep for each anchor the least move that changes its match."""
    matrices = np.repeat(values[np.newaxis], len(moves), axis=0)
    real: list[Move] = []
    for k, move in enumerate(moves):
        done = []
        for r, c, change in move:
            goal = moved(values[r, c], change)
            matrices[k, r, c] = goal
            done.append((r, c, float(goal) - float(values[r, c])))
        real.append(tuple(done))
    for k, i in np.argwhere(matcher(matrices) != base):
        cost = len(real[k]), max(abs(change) for _, _, change in real[k])
        if int(i) not in found or cost < found[int(i)][0]:
            found[int(i)] = cost, int(matcher(matrices[k])[i]), real[k]
