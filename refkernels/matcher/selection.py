"""The selection of each ground truth's best anchors, which several matchers begin with.

It compares given numbers, and nothing else: it is exact.
"""

import numpy as np

from refkernels.jit import jit
from refkernels.matcher.bipartite import sink

__all__ = ["all_finite", "select_best"]

# Elements that are tested in one go, as in base.py; more of them are looked at one by one on a hit.
TESTED = 128

# Rows are dealt to at least so many groups, and to this many for each that is to be selected.
GROUPS, SHARE = 32, 3

# Fewer rows for each group than this are not worth a pass of their own.
WORTHWHILE = 4


@jit
def all_finite(x):  # type: ignore[no-untyped-def]
    """Return whether all of a contiguous array is finite: branch-free, so vectorised."""
    finite, zero = True, x.dtype.type(0)
    flat = x.reshape(-1)
    for i in range(len(flat)):
        finite &= flat[i] - flat[i] == zero
    return finite


@jit
def select_best(x, sign, masked, mask, low, inclusive, room, values, rows):  # type: ignore[no-untyped-def]
    """Find the rows of the largest ``x * sign`` in each column, ties by lowest row.

    Two passes that vectorise. The first finds a bar for each column that as many rows reach as are
    selected, and hardly more; the second gathers those that reach it, in a heap with the worst of
    them at its root, where a better one replaces it.

    Parameters
    ----------
    x : (N, M), all finite
    sign : 1 for the largest, -1 for the smallest
    masked : bool
        Whether only the pairs in `mask` (N, M) may be selected.
    low, inclusive
        Only pairs with ``x * sign > low``, or ``>=`` if inclusive, are selected.
    room : (M,)
        How many rows of each column are to be selected, if there are so many; from 1 to N.
    values, rows : (M, K), K at least the largest room
        Filled, in no order, with ``x * sign`` and the row of the selected pairs; the first `room`
        entries of each column, those for which there is no pair with row N.
    """
    count, columns = x.shape
    eps, tiny = x.dtype.type(2**-20), x.dtype.type(2**-126)
    most = 0
    for c in range(columns):
        most = max(most, room[c])
    values[:] = -np.inf
    rows[:] = count
    height = max(1, TESTED // columns)
    size = height * columns
    bar = np.empty(size, x.dtype)
    least = _groups_bars(x, sign, masked, mask, room, most)
    for c in range(columns):
        # What is equal to a group's best is selected too, if it comes early enough.
        floor = max(least[c], low)
        least[c] = floor - (abs(floor) * eps + tiny)
        bar[c::columns] = least[c]
    flat, flat_mask = x.reshape(-1), mask.reshape(-1)
    for first in range(0, count, height):
        start = first * columns
        block = flat[start : start + size]
        hit = False
        if masked:
            may = flat_mask[start : start + size]
            for i in range(len(block)):
                hit |= (block[i] * sign > bar[i]) & may[i]
        else:
            for i in range(len(block)):
                hit |= block[i] * sign > bar[i]
        if not hit:
            continue
        for r in range(first, min(first + height, count)):
            # The same for a row: as a function of its own it does not vectorise.
            row = x[r]
            hit = False
            if masked:
                may = mask[r]
                for c in range(columns):
                    hit |= (row[c] * sign > bar[c]) & may[c]
            else:
                for c in range(columns):
                    hit |= row[c] * sign > bar[c]
            if not hit:
                continue
            for c in range(columns):
                value = row[c] * sign
                # Rows only go up: a later one with an equal value is worse.
                if value <= bar[c] or (masked and not mask[r, c]):
                    continue
                if value > low or (inclusive and value == low):
                    sink(values[c], rows[c], 0, room[c], value, r)
                    if values[c, 0] > least[c]:
                        bar[c::columns] = values[c, 0]


@jit
def _groups_bars(x, sign, masked, mask, room, most):  # type: ignore[no-untyped-def]
    """Return for each column a value that at least `room` rows reach, -inf if none is known.

    Rows are dealt to groups; of the groups' largest values in a column, the `room`-th is reached by
    as many rows.
    """
    count, columns = x.shape
    least = np.full(columns, -np.inf, x.dtype)
    groups = max(GROUPS, SHARE * most)
    if count < WORTHWHILE * groups:
        return least
    size = groups * columns
    largest, updated = np.full(size, -np.inf, x.dtype), np.full(size, -np.inf, x.dtype)
    flat, flat_mask = x.reshape(-1), mask.reshape(-1)
    # Whole deals only: the rest can but raise the bars. Updating in place does not vectorise.
    for start in range(0, count * columns - size + 1, size):
        deal = flat[start : start + size]
        if masked:
            may = flat_mask[start : start + size]
            for i in range(size):
                value = deal[i] * sign
                updated[i] = value if (value > largest[i]) & may[i] else largest[i]
        else:
            for i in range(size):
                value = deal[i] * sign
                updated[i] = value if value > largest[i] else largest[i]
        largest, updated = updated, largest
    heap, places = np.empty(most, x.dtype), np.zeros(most, np.int64)
    for c in range(columns):
        heap[:] = -np.inf
        for i in range(c, size, columns):
            if largest[i] > heap[0]:
                sink(heap, places, 0, room[c], largest[i], 0)
        least[c] = heap[0]
    return least
