"""What a matcher makes of a matrix of which a few numbers have moved, without matching it anew.

A maximum matcher looks at a row alone. A bipartite matcher never goes further down a column than
it has columns to give away, so it goes by a sorted list of a few of each; who shares a column's
best is among those near it. So a move costs what it touches: the rows that moved, those that the
greedy rounds, if they can change at all, give to others, and those near a best that moved.
"""

from typing import Any, NamedTuple

import numpy as np

from refkernels.arrays import Array
from refkernels.jit import jit

__all__ = ["Found", "Known", "Work", "begin", "new_work", "try_move"]


class Known(NamedTuple):
    """What is known of a matrix (R, M) and of its K matchers, before anything moves.

    Attributes
    ----------
    x : numpy.ndarray, (R, M)
    sign, limit, eps : numpy.ndarray, (K,)
        In the dtype of `x`. `sign` is -1 where the smallest is looked for; `limit`, the threshold,
        is mirrored then.
    kind : numpy.ndarray, int64, (K,)
        0 for a maximum matcher, 1 for a bipartite one, 2 for one with `share_max`.
    listed, rows : numpy.ndarray, int64, (K, M + 1) and any
        Of each column the rows that greedy rounds may come to: the largest first, ties by row.
    near, near_rows : numpy.ndarray, int64, (K, M + 1) and any
        Of each column the rows that may share its best.
    by_row, columns : numpy.ndarray, int64, (K, R + 1) and any
        The same by row.
    greedy : numpy.ndarray, bool, (R, M)
        Whether greedy rounds may change when this number moves.
    given, taker, best : numpy.ndarray, (K, R), (K, M) and (K, M)
        The column that each row is given to in a round and the row of each column, or -1; and the
        largest candidate of each column, `limit` if there is none.
    own, second : numpy.ndarray, int64, (2, R)
        The columns of each row's largest and second largest, and of its smallest two.
    base : numpy.ndarray, int64, (R,)
        The matches.
    """

    x: Array
    sign: Array
    limit: Array
    eps: Array
    kind: Array
    listed: Array
    rows: Array
    near: Array
    near_rows: Array
    by_row: Array
    columns: Array
    greedy: Array
    given: Array
    taker: Array
    best: Array
    own: Array
    second: Array
    base: Array


class Work(NamedTuple):
    """Room for a move, which is `row`, `column` and `value`, and for what comes of it."""

    row: Array
    column: Array
    value: Array
    before: Array
    order: Array
    tick: Array  # of this move, by which the marks of earlier ones are told
    moved: Array  # rows
    moved_columns: Array
    affected: Array
    is_affected: Array
    place: Array  # of each column in its list
    turn: Array  # of each column in the moved numbers
    turns: Array  # where these end
    heap: Array
    head: Array
    most: Array
    given: Array
    taker: Array
    kept: Array


class Found(NamedTuple):
    """Of each row the least move that changes its match: how many numbers, by how much, which."""

    count: Array
    change: Array
    after: Array
    move: Array


def new_work(matchers: int, rows: int, columns: int, dtype: Any) -> Work:
    """Make room for moves of a matrix."""
    room = max(rows, columns) + 1

    def ints(*shape: int) -> Array:
        """Make whole numbers."""
        return np.zeros(shape, np.int64)

    return Work(
        ints(room), ints(room), np.zeros(room, dtype), np.zeros(room, dtype), ints(room), ints(1),
        ints(rows), ints(columns), ints(rows), ints(rows), ints(columns), ints(columns),
        ints(columns), ints(columns), ints(columns), np.zeros(columns, dtype),
        ints(matchers, rows) - 1, ints(matchers, columns) - 1, np.zeros((matchers, columns), dtype),
    )  # fmt: skip


@jit
def begin(known, work):  # type: ignore[no-untyped-def]
    """Fill in what the greedy rounds give, and the best of each column, while nothing has moved."""
    work.tick[0] += 1
    for k in range(len(known.kind)):
        if known.kind[k]:
            _give(known, work, k, 0, False, 0)
            known.given[k], known.taker[k] = work.given[k], work.taker[k]
            work.given[k], work.taker[k] = -1, -1
            for c in range(known.x.shape[1]):
                known.best[k, c] = known.limit[k]
                if known.listed[k, c] < known.listed[k, c + 1]:
                    top = known.x[known.rows[known.listed[k, c]], c] * known.sign[k]
                    known.best[k, c] = max(top, known.limit[k])


@jit
def try_move(known, work, count, down, number, found, only):  # type: ignore[no-untyped-def]
    """Match after a move of `count` numbers, and note of each row whether it is the least that did.

    The numbers are of one column if `down`, else of one row. `number` is that of the move. Of rows
    but `only`, unless that is -1, nothing is noted.
    """
    x = known.x
    change = 0.0
    for i in range(count):
        own = abs(np.float64(work.value[i]) - np.float64(x[work.row[i], work.column[i]]))
        change = max(change, own)
    if only >= 0 and _is_dearer(found, only, count, change):
        return
    work.tick[0] += 1
    tick = work.tick[0]
    rounds, size = False, 0
    for i in range(count):
        r, c = work.row[i], work.column[i]
        rounds |= known.greedy[r, c]
        work.before[i], x[r, c] = x[r, c], work.value[i]
        work.moved_columns[c] = tick
        if work.moved[r] != tick:
            work.moved[r] = work.is_affected[r] = tick
            work.affected[size] = r
            size += 1
    for k in range(len(known.kind)):
        if known.kind[k]:
            size = _find_best(known, work, k, count, down, size)
            if rounds:
                size = _give(known, work, k, count, down, size)
    for i in range(size):
        r = work.affected[i]
        if (only < 0 or r == only) and not _is_dearer(found, r, count, change):
            after = _match(known, work, r, down, rounds)
            if after != known.base[r]:
                found.count[r], found.change[r] = count, change
                found.after[r], found.move[r] = after, number
    for k in range(len(known.kind)):
        if known.kind[k]:
            for i in range(1 if down else count):
                c = work.column[i]
                known.best[k, c] = work.kept[k, c]
            if rounds:
                for c in range(x.shape[1]):
                    if work.taker[k, c] >= 0:
                        work.given[k, work.taker[k, c]] = -1
                        work.taker[k, c] = -1
    for i in range(count):
        x[work.row[i], work.column[i]] = work.before[i]


@jit
def _is_dearer(found, r, count, change):  # type: ignore[no-untyped-def]
    """Return whether a move is no less than the least one known that changes a row's match."""
    return count > found.count[r] or (count == found.count[r] and change >= found.change[r])


@jit
def _find_best(known, work, k, count, down, size):  # type: ignore[no-untyped-def]
    """Write the best of columns that moved, and add those who may share it to the affected rows."""
    tick, sign = work.tick[0], known.sign[k]
    for i in range(1 if down else count):
        c = work.column[i]
        best = known.limit[k]
        for place in range(known.listed[k, c], known.listed[k, c + 1]):
            r = known.rows[place]
            if work.moved[r] != tick:
                best = max(best, known.x[r, c] * sign)
                break
        if down:
            for j in range(count):
                best = max(best, work.value[j] * sign)
        else:
            best = max(best, work.value[i] * sign)
        work.kept[k, c] = known.best[k, c]
        if best != known.best[k, c]:
            known.best[k, c] = best
            for place in range(known.near[k, c], known.near[k, c + 1]):
                r = known.near_rows[place]
                if work.is_affected[r] != tick:
                    work.is_affected[r] = tick
                    work.affected[size] = r
                    size += 1
    return size


@jit
def _give(known, work, k, count, down, size):  # type: ignore[no-untyped-def]
    """Go through the greedy rounds, and add who is given to another to the affected rows."""
    tick = work.tick[0]
    columns = known.x.shape[1]
    if down:
        c = work.column[0]
        work.turn[c], work.turns[c] = 0, count
        for i in range(count):
            _insert(work, known.sign[k], i, count - 1 - i if known.sign[k] > 0 else i)
    else:
        for i in range(count):
            c = work.column[i]
            work.turn[c], work.turns[c], work.order[i] = i, i + 1, i
    held = 0
    for c in range(columns):
        work.place[c] = known.listed[k, c]
        if _next(known, work, k, c):
            work.heap[held] = c
            held += 1
    for i in range(held // 2 - 1, -1, -1):
        _sink(work, held, i)
    while held > 0:
        c = work.heap[0]
        r = work.head[c]
        if work.given[k, r] < 0:
            work.given[k, r], work.taker[k, c] = c, r
            held -= 1
            work.heap[0] = work.heap[held]
        elif not _next(known, work, k, c):
            held -= 1
            work.heap[0] = work.heap[held]
        _sink(work, held, 0)
    for c in range(columns):
        if work.taker[k, c] != known.taker[k, c]:
            for r in (work.taker[k, c], known.taker[k, c]):
                if r >= 0 and work.is_affected[r] != tick:
                    work.is_affected[r] = tick
                    work.affected[size] = r
                    size += 1
    return size


@jit
def _insert(work, sign, i, own):  # type: ignore[no-untyped-def]
    """Put a moved number among the first `i`, which are in the order of the rounds."""
    value, row = work.value[own] * sign, work.row[own]
    while i > 0:
        other = work.order[i - 1]
        before = work.value[other] * sign
        if before > value or (before == value and work.row[other] < row):
            break
        work.order[i] = other
        i -= 1
    work.order[i] = own


@jit
def _next(known, work, k, c):  # type: ignore[no-untyped-def]
    """Find the next candidate of a column whose row is free; return whether there is one."""
    tick, sign, limit = work.tick[0], known.sign[k], known.limit[k]
    moved = work.moved_columns[c] == tick
    place, end = work.place[c], known.listed[k, c + 1]
    most, head = limit, -1
    while place < end:
        r = known.rows[place]
        if work.given[k, r] < 0 and not (moved and work.moved[r] == tick):
            if known.x[r, c] * sign > limit:
                most, head = known.x[r, c] * sign, r
            break
        place += 1
    work.place[c] = place
    if moved:
        turn = work.turn[c]
        while turn < work.turns[c] and work.given[k, work.row[work.order[turn]]] >= 0:
            turn += 1
        work.turn[c] = turn
        if turn < work.turns[c]:
            own = work.order[turn]
            value, r = work.value[own] * sign, work.row[own]
            if value > most or (value == most and head >= 0 and r < head):
                most, head = value, r
    work.most[c], work.head[c] = most, head
    return head >= 0


@jit
def _sink(work, size, i):  # type: ignore[no-untyped-def]
    """Move the column at `i` of the heap down to its place."""
    heap = work.heap
    while True:
        first = i
        for child in range(2 * i + 1, min(2 * i + 3, size)):
            a, b = heap[child], heap[first]
            more, row, other = work.most[a] > work.most[b], work.head[a], work.head[b]
            if more or (work.most[a] == work.most[b] and (row < other or (row == other and a < b))):
                first = child
        if first == i:
            return
        heap[i], heap[first] = heap[first], heap[i]
        i = first


@jit
def _match(known, work, r, down, rounds):  # type: ignore[no-untyped-def]
    """Match one row of the moved matrix."""
    for k in range(len(known.kind)):
        sign = known.sign[k]
        if known.kind[k]:
            given = work.given[k, r] if rounds else known.given[k, r]
            if given >= 0:
                return given
            if known.by_row[k, r] == known.by_row[k, r + 1]:
                continue
        own = _largest(known, work, r, sign, down)
        if known.kind[k] == 0:
            if known.x[r, own] >= known.limit[k]:
                return own
        elif known.kind[k] == 1:
            if _shares(known, k, r, own):
                return own
        else:
            for place in range(known.by_row[k, r], known.by_row[k, r + 1]):
                if _shares(known, k, r, known.columns[place]):
                    return own
    return -1


@jit
def _shares(known, k, r, c):  # type: ignore[no-untyped-def]
    value = known.x[r, c] * known.sign[k]
    return value > known.limit[k] and value + known.eps[k] >= known.best[k, c]


@jit
def _largest(known, work, r, sign, down):  # type: ignore[no-untyped-def]
    """Return the column of a row's largest, or smallest."""
    side = 0 if sign > 0 else 1
    own = known.own[side, r]
    if work.moved[r] != work.tick[0]:
        return own
    if not down:
        own = 0
        for c in range(1, known.x.shape[1]):
            if known.x[r, c] * sign > known.x[r, own] * sign:
                own = c
        return own
    # One number of it moved: it is that, or what was the largest of the others.
    c = work.column[0]
    other = known.second[side, r] if own == c else own
    if other < 0:
        return c
    a, b = known.x[r, c] * sign, known.x[r, other] * sign
    return c if a > b or (a == b and c < other) else other
