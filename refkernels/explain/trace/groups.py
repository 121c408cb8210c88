"""Numbers of a matrix that are near one another, and moves of them: both kinds are tried here."""

import numpy as np

from refkernels.explain.trace.moving import place_of, slack_of
from refkernels.explain.trace.trying import try_move
from refkernels.jit import jit

__all__ = ["list_groups", "try_moves"]


@jit
def list_groups(x, at, columns, relative, delta, begin, end):  # type: ignore[no-untyped-def]
    """List for the places from `begin` to `end` what is near them in their rows and columns.

    Returns the rows and columns of numbers, each place before what is near it, and for each group
    where it ends, its number (2 n across from place n, 2 n + 1 down), and whether it goes down.
    """
    starts, sorted_rows = columns
    size, count = 0, 0
    for filling in range(2):  # first they are counted
        rows, own = np.empty(size, np.int64), np.empty(size, np.int64)
        ends, numbers = np.empty(count, np.int64), np.empty(count, np.int64)
        size = count = 0
        for n in range(2 * begin, 2 * end):
            r, c = at[0][n // 2], at[1][n // 2]
            if not (at[3][n // 2] if n % 2 else at[2][n // 2]):
                continue
            value, reach = np.float64(x[r, c]), slack_of(x[r, c], relative, delta)
            first, last, place = 0, x.shape[1], c
            if n % 2:
                place = place_of(x, sorted_rows, starts[c], starts[c + 1], r, c)
                first = last = place
                while first > starts[c] and _is_near(
                    x[sorted_rows[first - 1], c], value, reach, relative, delta
                ):
                    first -= 1
                while last < starts[c + 1] and _is_near(
                    x[sorted_rows[last], c], value, reach, relative, delta
                ):
                    last += 1
            before = size
            size += 1
            for i in range(first, last):
                row, column = (sorted_rows[i], c) if n % 2 else (r, i)
                if i != place and _is_near(x[row, column], value, reach, relative, delta):
                    if filling:
                        rows[size], own[size] = row, column
                    size += 1
            if size == before + 1:
                size = before
                continue
            if filling:
                rows[before], own[before] = r, c
                ends[count], numbers[count] = size, n
            count += 1
    return rows, own, ends, numbers


@jit
def _is_near(other, value, reach, relative, delta):  # type: ignore[no-untyped-def]
    slack = slack_of(other, relative, delta)
    return slack > 0 and abs(np.float64(other) - value) <= reach + slack


@jit
def try_moves(known, work, found, rows, columns, values, ends, numbers, relative, delta, only):  # type: ignore[no-untyped-def]
    """Try moves of numbers, each to its value; or groups of numbers each way, if there is no value.

    Groups end at `ends`. A group moves its first up and the others down, the other way round, all
    down, and all up. Of the group with number n these have the numbers -1 - 4 n to -4 - 4 n; a move
    of one number to a value has its own.
    """
    kind = known.x.dtype.type
    begin = 0
    for n in range(len(ends)):
        count = ends[n] - begin
        for i in range(count):
            work.row[i], work.column[i] = rows[begin + i], columns[begin + i]
        grouped = len(values) == 0
        for way in range(4 if grouped else 1):
            number = -1 - 4 * numbers[n] - way if grouped else numbers[n]
            for i in range(count):
                if grouped:
                    value = known.x[work.row[i], work.column[i]]
                    wide = np.float64(value)
                    change = slack_of(value, relative, delta)
                    if way == 2 or way == (1 if i == 0 else 0):
                        change = -change
                    goal = kind(wide + change)
                    # Rounded towards where it was, so that it does not go further than it may.
                    if abs(np.float64(goal) - wide) > abs(change):
                        goal = np.nextafter(goal, value)
                    work.value[i] = goal
                else:
                    work.value[i] = values[begin + i]
            is_down = not grouped or numbers[n] % 2 == 1
            try_move(known, work, count, is_down, number, found, only)
        begin = ends[n]
