"""One pass over a matrix of IoUs: each row's two largest, each column's largest, and ties."""

from typing import NamedTuple

import numpy as np

from refkernels.arrays import Array, computing_dtype, to_computing
from refkernels.explain.trace.pairs import Pairs
from refkernels.jit import jit

__all__ = ["Survey", "rivals", "survey"]


class Survey(NamedTuple):
    """What is largest in a matrix (N, M), or smallest where its sign is -1; ties by lowest index.

    Attributes
    ----------
    own, second : numpy.ndarray, int64, (N,)
        The column of each row's largest and of the largest of the others; -1 if there is none.
    top, below : numpy.ndarray, (N,)
        These two themselves, 0 if there is none.
    best : numpy.ndarray, (M,)
        The largest of each column.
    head : numpy.ndarray, int64, (M,)
        Its row, -1 if there is none.
    """

    own: Array
    second: Array
    top: Array
    below: Array
    best: Array
    head: Array


def survey(pairs: Pairs, sign: int) -> Survey:
    """Survey a matrix (N, M) of float32 or float64, or of what is computed as such, in one pass."""
    rows, columns = pairs.shape
    dtype = computing_dtype(pairs.dtype)
    found = Survey(
        np.full(rows, -1, np.int64),
        np.full(rows, -1, np.int64),
        np.zeros(rows, dtype),
        np.zeros(rows, dtype),
        np.zeros(columns, dtype),
        np.full(columns, -1, np.int64),
    )
    if rows and columns:
        for first, block in pairs.blocks():
            part = slice(first, first + len(block))
            own, second, top, below = (
                found.own[part],
                found.second[part],
                found.top[part],
                found.below[part],
            )
            values = to_computing(block, dtype)
            _survey(
                values, dtype.type(sign), first, own, second, top, below, found.best, found.head
            )
    return found


def rivals(x: Array, winner: Array, turn: Array, row_turn: Array) -> tuple[Array, Array]:
    """Count the free rows that tie with each column's winner, and find the first.

    Parameters
    ----------
    x : numpy.ndarray, (N, M)
    winner, turn : numpy.ndarray, int64, (M,)
        The row that each column gets, -1 for none, and in which round.
    row_turn : numpy.ndarray, int64, (N,)
        The round in which each row is given away, 0 if it is not.

    Returns
    -------
    count, first : numpy.ndarray, int64, (M,)
    """
    count, first = np.zeros(x.shape[1], np.int64), np.full(x.shape[1], -1, np.int64)
    if x.size:
        _rivals(x, winner, turn, row_turn, count, first)
    return count, first


@jit
def _survey(x, sign, first, own, second, top, below, best, head):  # type: ignore[no-untyped-def]
    """Survey rows of a matrix, the first of which has this number; those before are done."""
    rows, columns = x.shape
    if first == 0:
        for c in range(columns):
            best[c], head[c] = x[0, c], 0
    for r in range(rows):
        most, most_at = x[r, 0] * sign, 0
        next_value, next_at = most, -1
        for c in range(1, columns):
            value = x[r, c] * sign
            if value > most:
                next_value, next_at = most, most_at
                most, most_at = value, c
            elif next_at < 0 or value > next_value:
                next_value, next_at = value, c
        own[r], second[r], top[r] = most_at, next_at, most * sign
        if next_at >= 0:
            below[r] = next_value * sign
        for c in range(columns):
            if x[r, c] * sign > best[c] * sign:
                best[c], head[c] = x[r, c], first + r


@jit
def _rivals(x, winner, turn, row_turn, count, first):  # type: ignore[no-untyped-def]
    for c in range(x.shape[1]):
        if winner[c] < 0:
            continue
        value = x[winner[c], c]
        for r in range(x.shape[0]):
            if x[r, c] == value and r != winner[c]:
                if row_turn[r] == 0 or row_turn[r] > turn[c]:
                    count[c] += 1
                    if first[c] < 0:
                        first[c] = r
