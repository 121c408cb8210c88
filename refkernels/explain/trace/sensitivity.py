"""Which matches hang on a hair: those that are others when an IoU changes a little.

A match depends on comparisons: of an IoU with a threshold, with others of its anchor, with others
of its ground truth. Only where the two sides are close can a small change decide otherwise. Each
such change is tried, by the matcher itself; what it then decides is what is told.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from refkernels.arrays import Array, check_number, rounded
from refkernels.matcher import BipartiteMatcher, MaximumMatcher
from refkernels.matcher.bipartite import sign_of
from refkernels.matcher.composite import flat

if TYPE_CHECKING:
    from refkernels.explain.trace.trace import Trace

__all__ = ["RELATIVE", "Flip", "sensitivity"]

# A float32 IoU of corner boxes is within 17 units of roundoff of the exact one, whatever computes
# it (see box_batch_iou in refkernels/bounds/bbox.py); two devices are so on either side.
RELATIVE = 2 * 17 * 2.0**-24

# Elements of moved matrices that are matched in one go.
BLOCK = 1 << 21

Move = tuple[tuple[int, int, float], ...]


@dataclass(frozen=True)
class Flip:
    """A match that would be another one.

    Attributes
    ----------
    anchor : int
    before, after : int
        Its ground truth as it is and as it would be, -1 for none.
    changes : tuple of (int, int, float)
        A change that does it: for one or more pairs of anchor and ground truth, what is added to
        their IoU.
    """

    anchor: int
    before: int
    after: int
    changes: Move

    def __str__(self) -> str:
        names = [
            f"ground truth {truth}" if truth >= 0 else "none" for truth in (self.before, self.after)
        ]
        parts = [
            f"{'its IoU' if anchor == self.anchor else f'that of anchor {anchor}'} with ground "
            f"truth {truth} {'rises' if change > 0 else 'falls'} by {abs(change):.3g}"
            for anchor, truth, change in self.changes[:2]
        ]
        more = len(self.changes) - 2
        rest = f" (and {more} more change)" if more > 0 else ""
        return f"Anchor {self.anchor}: {names[0]} -> {names[1]} if {' and '.join(parts)}{rest}."


def sensitivity(trace: "Trace", delta: float | None = None) -> list[Flip]:
    """List the matches that would be others if IoUs changed by up to `delta`.

    Parameters
    ----------
    trace : Trace
        Of the matchers of refkernels.
    delta : float, optional
        How much an IoU may change. By default what two devices may differ by that compute in
        float32: 34 units of roundoff of the IoU itself. An IoU of exactly 0, of boxes that do not
        meet, does not change.

    Returns
    -------
    list of Flip
        By anchor, each with a change that does it, of as few IoUs and by as little as was found.
        All changes of a single IoU are covered, and those that bring the IoUs of one anchor, or of
        one ground truth, closer to one of them and past it. What takes several such changes at
        once, in different places, is not.

    Raises
    ------
    TypeError, ValueError
        If `delta` is no positive number, or a matcher is of another kind.

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
    if not trace.ious.size:
        return []
    rows = _rows_that_matter(trace.ious, _slack(trace.ious, delta), matchers)
    values = np.ascontiguousarray(trace.ious[rows])
    base = np.asarray(trace.matcher(values))
    found: dict[int, tuple[tuple[int, float], int, Move]] = {}
    moves: list[Move] = []
    size = max(1, BLOCK // max(1, values.size))
    for move in _moves(values, _slack(values, delta), matchers):
        moves.append(move)
        if len(moves) == size:
            _try(trace.matcher, values, base, moves, found)
            moves = []
    if moves:
        _try(trace.matcher, values, base, moves, found)
    numbers = np.append(trace.columns, -1)
    return [
        Flip(
            int(rows[i]),
            int(numbers[base[i]]),
            int(numbers[after]),
            tuple((int(rows[r]), int(trace.columns[c]), change) for r, c, change in move),
        )
        for i, (_, after, move) in sorted(found.items())
    ]


def _slack(values: Array, delta: float | None) -> Array:
    """Return by how much each value may change, float64."""
    wide = np.abs(values.astype(np.float64))
    return wide * RELATIVE if delta is None else np.where(wide > 0, float(delta), 0.0)


def _rows_that_matter(values: Array, slack: Array, matchers: list[Any]) -> Array:
    """Return the rows that take part in a comparison which is close, or may stop one that does.

    A bipartite matcher never goes further down a column than it has columns to give away, so of
    each the candidates that are among the best M, or within reach of these, are all.
    """
    count, columns = values.shape
    matter = np.zeros(count, bool)
    for matcher in matchers:
        sign = sign_of(matcher)
        wide = values.astype(np.float64) * sign
        limit = float(rounded(matcher.threshold, values.dtype)) * sign
        high = wide + slack
        if type(matcher) is MaximumMatcher:
            top = high.max(axis=1)
            able = np.flatnonzero(top >= limit)
            low = (wide[able] - slack[able]).max(axis=1)
            close = (high[able] >= low[:, np.newaxis]).sum(axis=1) > 1
            matter[able[close | (low < limit)]] = True
            continue
        eps = float(rounded(matcher.eps, values.dtype))
        for column in range(columns):
            rows = np.flatnonzero(high[:, column] > limit)
            own = wide[rows, column]
            if len(rows) > columns:
                bar = np.partition(own - slack[rows, column], -columns)[-columns]
            else:
                bar = -np.inf
            best = (own - slack[rows, column]).max(initial=-np.inf) - eps * (1 + 1e-6)
            matter[rows[high[rows, column] >= min(bar, best)]] = True
    return np.flatnonzero(matter)


def _moves(values: Array, slack: Array, matchers: list[Any]) -> Iterator[Move]:
    """Give every change that is to be tried."""
    wide = values.astype(np.float64)
    limits = [float(rounded(own.threshold, values.dtype)) for own in matchers]
    eps = {
        float(rounded(own.eps, values.dtype))
        for own in matchers
        if type(own) is BipartiteMatcher and own.eps > 0
    }
    for r, c in np.argwhere(_close(wide, slack, limits, max(eps, default=0.0))):
        value, reach = wide[r, c], slack[r, c]
        across = np.delete(np.arange(wide.shape[1]), c)
        down = np.delete(np.arange(wide.shape[0]), r)
        others = np.concatenate([limits, wide[r, across], wide[down, c]])
        others = np.concatenate([others, *(others + sign * e for e in eps for sign in (1, -1))])
        goals = np.unique(others[np.abs(others - value) <= reach]).astype(values.dtype)
        kind = values.dtype.type
        for goal in {
            *(kind(value - reach), kind(value + reach)),
            *goals,
            *np.nextafter(goals, kind(-np.inf)),
            *np.nextafter(goals, kind(np.inf)),
        }:
            change = float(goal) - value
            if change and abs(change) <= reach:
                yield ((int(r), int(c), change),)
        rivals = [(r, k) for k in across if slack[r, k]]
        yield from _against(wide, slack, (int(r), int(c)), rivals)
        yield from _against(wide, slack, (int(r), int(c)), [(k, c) for k in down if slack[k, c]])


def _against(
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
    found: dict[int, tuple[tuple[int, float], int, Move]],
) -> None:
    """Match the moved matrices, and keep for each anchor the least move that changes its match."""
    moved = np.repeat(values[np.newaxis], len(moves), axis=0)
    real: list[Move] = []
    for k, move in enumerate(moves):
        done = []
        for r, c, change in move:
            # Rounded towards where it was, so that it does not go further than it may.
            goal = values.dtype.type(values[r, c] + change)
            if abs(float(goal) - float(values[r, c])) > abs(change):
                goal = np.nextafter(goal, values[r, c])
            moved[k, r, c] = goal
            done.append((r, c, float(goal) - float(values[r, c])))
        real.append(tuple(done))
    for k, i in np.argwhere(matcher(moved) != base):
        cost = len(real[k]), max(abs(change) for _, _, change in real[k])
        if int(i) not in found or cost < found[int(i)][0]:
            found[int(i)] = cost, int(matcher(moved[k])[i]), real[k]
