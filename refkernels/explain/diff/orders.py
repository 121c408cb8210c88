"""What the rows of one array of boxes are to those of another: an order, or mixed levels."""

from itertools import permutations

import numpy as np

from refkernels.arrays import Array
from refkernels.arrays.printing import times
from refkernels.explain.diff.relations import plain, roundings

__all__ = ["levels_of", "order_of", "order_words"]

# Runs of rows that may be levels, and the rows that each has at least.
RUNS = 12
ROWS = 3


def order_of(a: Array, b: Array) -> Array | None:
    """Return the rows (N,) of `a` that the rows of `b` (N, ...) are, or None if they are others.

    Rows that are equal keep their order.

    Examples
    --------
    >>> a = np.array([[0, 0, 1, 1], [2, 2, 3, 3], [0, 0, 1, 1]])
    >>> order_of(a, a[[1, 0, 2]])
    array([1, 0, 2])
    """
    narrow = min(a.dtype, b.dtype, key=lambda dtype: dtype.itemsize)
    with np.errstate(over="ignore"):
        one, other = a.astype(narrow), b.astype(narrow)
    first, second = (np.lexsort(rows.T[::-1]) for rows in (one, other))
    if one.shape != other.shape or not np.array_equal(one[first], other[second]):
        return None
    order = np.empty(len(a), np.int64)
    order[second] = first
    return order


def order_words(order: Array) -> str:
    """Say what order of rows that is.

    Examples
    --------
    >>> order_words(np.array([3, 2, 1, 0]))
    'another order, from the last to the first'
    >>> order_words(np.arange(6).reshape(2, 3).T.ravel())
    'another order, that of axes (2, 3) read as (3, 2)'
    """
    count = len(order)
    if np.array_equal(order, np.arange(count)[::-1]):
        return "another order, from the last to the first"
    starts = np.flatnonzero(np.diff(order, prepend=order[0] - 2) != 1)
    if 1 < len(starts) <= RUNS and count >= ROWS * len(starts):
        runs = [
            f"{order[low]} to {order[high - 1]}"
            for low, high in zip(starts, [*starts[1:], count], strict=True)
        ]
        return f"levels that are mixed up, rows of the other in the order {', '.join(runs)}"
    grids = [_grid(order[low:high] - low) for low, high in _blocks(order)]
    if grids and all(grids):
        if len(grids) == 1:
            return f"another order, that of axes {grids[0]}"
        return (
            f"another order in each of {times(len(grids), 'level')}, in the first that of "
            f"axes {grids[0]}"
        )
    moved = int((order != np.arange(count)).sum())
    return f"another order of the same boxes, {moved} of {count} moved"


def _blocks(order: Array) -> list[tuple[int, int]]:
    """Return the ranges of rows that change places among themselves alone.

    A grid that is read in another order keeps its first and its last row, which belong to it.
    """
    count = len(order)
    ends = np.flatnonzero(np.maximum.accumulate(order) == np.arange(count)) + 1
    starts = np.append(0, ends[:-1])
    moved = ends - starts > 1
    return [
        (max(0, int(low) - 1), min(count, int(high) + 1))
        for low, high in zip(starts[moved], ends[moved], strict=True)
    ]


def _grid(order: Array) -> str:
    """Name a grid of which this is another order of axes, or return ''."""
    count = len(order)
    divisors = [d for d in range(2, count // 2 + 1) if count % d == 0]
    shapes: list[tuple[int, ...]] = [(d, count // d) for d in divisors]
    shapes += [
        (d, e, count // (d * e))
        for d in divisors
        for e in divisors
        if count % (d * e) == 0 and count > d * e
    ]
    for shape in shapes:
        strides = [int(np.prod(shape[axis + 1 :])) for axis in range(len(shape))]
        for axes in list(permutations(range(len(shape))))[1:]:
            if strides[axes[-1]] != order[1]:
                continue  # most are none, and need not be built
            if np.array_equal(order, np.arange(count).reshape(shape).transpose(axes).ravel()):
                return f"{shape} read as {tuple(shape[axis] for axis in axes)}"
    return ""


def levels_of(a: Array, b: Array) -> str:
    """Say what was done to boxes (N, 4) level by level, in runs of rows, or return ''.

    Examples
    --------
    >>> a = np.array([[0, 0, 8, 8], [8, 0, 16, 8], [0, 8, 8, 16], [8, 8, 16, 16.0]])
    >>> a = np.concatenate([a, a[[0, 0, 0, 0]] * 2])
    >>> levels_of(a, np.concatenate([a[:4] + 4, a[4:] + 8]))
    'a shift by 4 for rows 0 to 3, by 8 for rows 4 to 7'
    """
    wide, other = a.astype(np.float64), b.astype(np.float64)
    error = roundings(a, b).max(axis=1, keepdims=True)
    difference = other - wide
    shift = difference[:, :2]
    if (np.abs(difference[:, 2:] - shift) <= error).all():
        return _runs("a shift by", shift, error)
    centres = np.abs(difference[:, :2] + difference[:, 2:]) <= 2 * error
    sides, others = wide[:, 2:] - wide[:, :2], other[:, 2:] - other[:, :2]
    if not centres.all() or (sides <= 0).any() or (others <= 0).any():
        return ""
    ratio = others / sides
    return _runs(
        "levels that are mixed up: the same centres, and sizes times",
        ratio,
        2 * ratio.max(axis=1, keepdims=True) * error / np.minimum(sides, others).min(
            axis=1, keepdims=True
        ),
        one="the same centres, and sizes times",
    )  # fmt: skip


def _runs(words: str, values: Array, error: Array, one: str = "") -> str:
    """Name the values (N, 2) of runs of rows in which they are the same."""
    same = (np.abs(np.diff(values, axis=0)) <= error[1:] + error[:-1]).all(axis=1)
    starts = [0, *(np.flatnonzero(~same) + 1)]
    if len(starts) > RUNS or len(values) < ROWS * len(starts):
        return ""
    told = []
    ends = [*starts[1:], len(values)]
    for low, high in zip(starts, ends, strict=True):
        numbers = [
            f"{plain(float(values[low, axis]), float(error[low, 0])):.6g}" for axis in (0, 1)
        ]
        what = numbers[0] if numbers[0] == numbers[1] else f"{numbers[0]} x {numbers[1]}"
        told.append((what, f"rows {low} to {high - 1}"))
    if len(told) == 1:
        return f"{one or words} {told[0][0]}"
    before = words.rsplit(" ", 1)[1]
    parts = [f"{what} for {rows}" for what, rows in told]
    return f"{words} {f', {before} '.join(parts)}"
