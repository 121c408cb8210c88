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
from refkernels.matcher.heap import sink_column

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
    tick: Array  # of this move, by which the marks of earlier ones are told
    moved: Array  # rows
    moved_columns: Array
    affected: Array
    is_affected: Array
    place: Array  # of each column in its list
    turn: Array  # of each column where its moved numbers begin
    turns: Array  # and where they end
    heap: Array
    head: Array
    most: Array
    given: Array
    taker: Array
    kept: Array


class Found(NamedTuple):
    """Of each row the least move that changes its match: how many numbers, by how much, which."""

    numbers: Array
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
        ints(room), ints(room), np.zeros(room, dtype), np.zeros(room, dtype), ints(1),
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
    change: Any = 0.0
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
    # Arrays have names of their own in loops: to take one out of a tuple counts references.
    affected, counts, changes = work.affected, found.numbers, found.change
    for i in range(size):
        r = affected[i]
        if count > counts[r] or (count == counts[r] and change >= changes[r]):
            continue
        if only < 0 or r == only:
            after = _match(known, work, r, down, rounds)
            if after != known.base[r]:
                found.numbers[r], found.change[r] = count, change
                found.after[r], found.move[r] = after, number
    for k in range(len(known.kind)):
        if known.kind[k]:
            for i in range(1 if down else count):
                c = work.column[i]
                known.best[k, c] = work.kept[k, c]
            if rounds:
                given, taker = work.given[k], work.taker[k]
                for c in range(x.shape[1]):
                    if taker[c] >= 0:
                        given[taker[c]] = taker[c] = -1
    for i in range(count):
        x[work.row[i], work.column[i]] = work.before[i]


@jit
def _is_dearer(found, r, count, change):  # type: ignore[no-untyped-def]
    """Return whether a move is no less than the least one known that changes a row's match."""
    return count > found.numbers[r] or (count == found.numbers[r] and change >= found.change[r])


@jit
def _find_best(known, work, k, count, down, size):  # type: ignore[no-untyped-def]
    """Write the best of columns that moved, and add those who may share it to the affected rows."""
    tick, sign = work.tick[0], known.sign[k]
    x, rows, near_rows, moved, value = known.x, known.rows, known.near_rows, work.moved, work.value
    affected, is_affected = work.affected, work.is_affected
    for i in range(1 if down else count):
        c = work.column[i]
        best = known.limit[k]
        for place in range(known.listed[k, c], known.listed[k, c + 1]):
            r = rows[place]
            if moved[r] != tick:
                best = max(best, x[r, c] * sign)
                break
        for j in range(0 if down else i, count if down else i + 1):
            best = max(best, value[j] * sign)
        work.kept[k, c] = known.best[k, c]
        if best != known.best[k, c]:
            known.best[k, c] = best
            for place in range(known.near[k, c], known.near[k, c + 1]):
                r = near_rows[place]
                if is_affected[r] != tick:
                    is_affected[r] = tick
                    affected[size] = r
                    size += 1
    return size


@jit
def _give(known, work, k, count, down, size):  # type: ignore[no-untyped-def]
    """Go through the greedy rounds, and add who is given to another to the affected rows."""
    tick, sign, limit = work.tick[0], known.sign[k], known.limit[k]
    x, rows, listed, given, taker = (
        known.x,
        known.rows,
        known.listed[k],
        work.given[k],
        work.taker[k],
    )
    moved, place, heap, head, most = work.moved, work.place, work.heap, work.head, work.most
    moved_columns, turn, turns, row, value = (
        work.moved_columns, work.turn, work.turns, work.row, work.value,
    )  # fmt: skip
    # Of a column all numbers may have moved, of a row one of each column.
    for i in range(1 if down else count):
        c = work.column[i]
        turn[c], turns[c] = i, count if down else i + 1
    held, filling = 0, 0
    while filling < x.shape[1] or held > 0:
        # First each column comes to its first candidate, then the one on top to its next.
        c = filling if filling < x.shape[1] else heap[0]
        if filling < x.shape[1]:
            place[c] = listed[c]
        elif given[head[c]] < 0:
            given[head[c]], taker[c] = c, head[c]
            held -= 1
            heap[0] = heap[held]
            sink_column(heap, held, 0, most, head)
            continue
        is_moved = moved_columns[c] == tick
        step, best, own = place[c], limit, -1
        while step < listed[c + 1]:
            r = rows[step]
            if given[r] < 0 and not (is_moved and moved[r] == tick):
                if x[r, c] * sign > limit:
                    best, own = x[r, c] * sign, r
                break
            step += 1
        place[c] = step
        for i in range(turn[c] if is_moved else 0, turns[c] if is_moved else 0):
            signed, r = value[i] * sign, row[i]
            if signed > best or (signed == best and own >= 0 and r < own):
                if given[r] < 0:
                    best, own = signed, r
        most[c], head[c] = best, own
        if filling < x.shape[1]:
            filling += 1
            if own >= 0:
                heap[held] = c
                held += 1
            if filling == x.shape[1]:
                for i in range(held // 2 - 1, -1, -1):
                    sink_column(heap, held, i, most, head)
            continue
        if own < 0:
            held -= 1
            heap[0] = heap[held]
        sink_column(heap, held, 0, most, head)
    before, affected, is_affected = known.taker[k], work.affected, work.is_affected
    for c in range(x.shape[1]):
        if taker[c] != before[c]:
            for r in (taker[c], before[c]):
                if r >= 0 and is_affected[r] != tick:
                    is_affected[r] = tick
                    affected[size] = r
                    size += 1
    return size


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
