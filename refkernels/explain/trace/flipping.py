"""The least moves that change the matches of a matrix, by kernels that touch what a move does."""

from collections.abc import Callable
from typing import Any

import numpy as np

from refkernels.arrays import Array
from refkernels.explain.trace.groups import list_groups, try_moves
from refkernels.explain.trace.moves import Least, Move, changes_past, limits_of, moved
from refkernels.explain.trace.moving import Columns, known_of, places
from refkernels.explain.trace.trying import Found, new_work

__all__ = ["Progress", "try_near"]

# Places whose moves are tried between two reports.
STEP = 512

# Called with how many places are done, and of how many.
Progress = Callable[[int, int], None]


def try_near(
    values: Array,
    slack: Callable[[Array], Array],
    reach: tuple[float, float],
    matchers: list[Any],
    base: Array,
    only: int = -1,
    progress: Progress | None = None,
) -> Least:
    """Return the least move of each row of `values` (R, M) that changes its match.

    Moves that can change none are not tried; else it is what `try_all` returns.

    Parameters
    ----------
    values : numpy.ndarray, float32 or float64, (R, M)
        It is written to while moves are tried, and put back.
    slack : callable
        Returns by how much each of some numbers may change, float64.
    reach : (float, float)
        The same as a share of a number, or else 0 and an amount.
    matchers : list of BipartiteMatcher and MaximumMatcher
    base : numpy.ndarray, int64, (R,)
        The matches of `values`.
    only : int, default -1
        The one row that is asked for.
    progress : callable, optional
        Called now and then with how many places are done, and of how many.
    """
    limits, eps = limits_of(matchers, values.dtype)
    known = known_of(values, matchers, base, reach)
    columns = Columns(values)
    rows, own, alone, across, down = places(known, columns, reach, max(eps, default=0.0))
    count = len(values)
    found = Found(
        np.full(count, np.iinfo(np.int64).max), np.full(count, np.inf),
        np.full(count, -1), np.zeros(count, np.int64),
    )  # fmt: skip
    work = new_work(len(matchers), len(values), values.shape[1], values.dtype)
    singles: list[tuple[int, int, float]] = []
    total = 2 * len(rows)
    for first in range(0, len(rows), STEP):
        before = len(singles)
        for n in first + np.flatnonzero(alone[first : first + STEP]):
            r, c = int(rows[n]), int(own[n])
            value, most = float(values[r, c]), float(slack(values[r : r + 1, c])[0])
            others = _others(values, columns, r, c, most + max(eps, default=0.0))
            others = np.concatenate([limits, others])
            singles += [(r, c, by) for by in changes_past(value, most, others, eps, values.dtype)]
        fresh = singles[before:]
        at_rows, at_columns = (np.array([one[i] for one in fresh], np.int64) for i in (0, 1))
        goals = np.array([moved(values[r, c], by) for r, c, by in fresh], values.dtype)
        each = np.arange(len(fresh))
        try_moves(
            known, work, found, at_rows, at_columns, goals, each + 1, each + before, *reach, only
        )
        if progress is not None:
            progress(min(first + STEP, len(rows)), total)
    at = rows, own, across, down
    for first in range(0, len(rows), STEP):
        last = min(first + STEP, len(rows))
        at_rows, at_columns, ends, numbers = list_groups(
            values, at, (columns.starts, columns.rows), *reach, first, last
        )
        try_moves(known, work, found, at_rows, at_columns, goals[:0], ends, numbers, *reach, only)
        if progress is not None:
            progress(len(rows) + last, total)
    made: dict[int, Move] = {}
    least: Least = {}
    for i in np.flatnonzero(np.isfinite(found.change)):
        number = int(found.move[i])
        if number not in made:
            if number >= 0:
                r, c, by = singles[number]
                made[number] = ((r, c, float(moved(values[r, c], by)) - float(values[r, c])),)
            else:
                n, way = divmod(-1 - number, 8)
                made[number] = _group(values, slack, int(rows[n]), int(own[n]), way)
        cost = int(found.numbers[i]), float(found.change[i])
        least[int(i)] = cost, int(found.after[i]), made[number]
    return least


def _others(values: Array, columns: Columns, r: int, c: int, reach: float) -> Array:
    """Return what a number may come to among those of its row and its column."""
    value = float(values[r, c])
    across = values[r].astype(np.float64)
    across[c] = np.inf
    sorted_rows = columns.rows[columns.starts[c] : columns.starts[c + 1]]
    down = columns.values[columns.starts[c] : columns.starts[c + 1]]
    first, last = np.searchsorted(down, [value - 2 * reach, value + 2 * reach])
    near = sorted_rows[first : last + 1]
    others = down[first : last + 1][near != r]
    zero = [0.0] if len(down) < len(values) else []
    return np.concatenate([across[np.abs(across - value) <= 2 * reach], others, zero])


def _group(values: Array, slack: Callable[[Array], Array], r: int, c: int, way: int) -> Move:
    """Return the move of a place that has this number, 0 to 3 across and 4 to 7 down."""
    if way < 4:
        line, own = values[r], c
    else:
        line, own = values[:, c], r
    others = np.delete(np.arange(len(line)), own)
    reach, wide = slack(line), line.astype(np.float64)
    near = others[
        (reach[others] > 0) & (np.abs(wide[others] - wide[own]) <= reach[own] + reach[others])
    ]
    ups = ((1, -1), (-1, 1), (-1, -1), (1, 1))[way % 4]
    move = []
    for k, sign in [(own, ups[0]), *((int(k), ups[1]) for k in near)]:
        row, column = (r, int(k)) if way < 4 else (int(k), c)
        change = sign * float(reach[k])
        move.append((row, column, float(moved(values[row, column], change)) - float(wide[k])))
    return tuple(move)
