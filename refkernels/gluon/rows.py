"""Rows of tables, inside a graph that knows neither its shapes nor whether there is a batch axis.

Indices are reckoned in float64, which is exact far beyond any tensor, and rows are taken by their
flat index, so that nothing is made for every pair of an anchor and a ground truth.
"""

import functools
from typing import Any

__all__ = [
    "as_given",
    "batch_axis",
    "highest",
    "pick",
    "positives_first",
    "take_rows",
    "with_batch",
]

# More than any index of a tensor, and far less than what float64 counts to.
BEYOND = 2**31


def with_batch(F: Any, array: Any, axes: int) -> Any:
    """Give an array a batch axis unless it has one; `axes` is the number of its other axes."""
    return F.reshape(array, shape=(-1, *[0] * axes), reverse=True)


def batch_axis(F: Any, *arrays: tuple[Any, int]) -> Any:
    """Return zeros (B, 1), or (1,) if no array has a batch axis; each comes as to `with_batch`."""
    zeros = []
    for array, axes in arrays:
        corner = F.slice_axis(array, axis=-1, begin=0, end=1)
        for _ in range(axes - 1):
            corner = F.squeeze(F.slice_axis(corner, axis=-2, begin=0, end=1), axis=-2)
        zeros.append(F.cast(F.zeros_like(corner), dtype="float32"))
    return functools.reduce(F.broadcast_add, zeros)


def as_given(F: Any, output: Any, rows: Any, given: Any) -> Any:
    """Take the batch axis of an output away if no input had one.

    `rows` is any array of the first two axes of `output`, `given` the `batch_axis` of the inputs.
    """
    row = F.reshape(F.slice_axis(rows, axis=0, begin=0, end=1), shape=(-1,))
    axes = F.broadcast_add(given, F.cast(F.zeros_like(row), dtype="float32"))
    return F.reshape_like(output, axes, lhs_begin=0, lhs_end=2)


def take_rows(F: Any, table: Any, rows: Any) -> Any:
    """Take `rows` (B, P), in float64, of `table` (B or 1, K, D): the result is (B, P, D)."""
    corner = F.slice(table, begin=(None, 0, 0), end=(None, 1, 1))
    image = F.contrib.arange_like(F.cast(F.reshape(corner, shape=(0, -1)), dtype="float64"), axis=0)
    length = F.slice_axis(F.cast(F.shape_array(table), dtype="float64"), axis=0, begin=1, end=2)
    flat = F.broadcast_add(rows, F.expand_dims(F.broadcast_mul(image, length), axis=1))
    return F.take(F.reshape(table, shape=(-3, 0)), flat, mode="clip")


def pick(F: Any, values: Any, rows: Any) -> Any:
    """Take `rows` (B, P), in float64, of `values` (B, K): the result is (B, P)."""
    return F.reshape(take_rows(F, F.expand_dims(values, axis=2), rows), shape=(0, 0))


def positives_first(F: Any, positive: Any, count: int) -> Any:
    """Return the indices of positives, ascending, then of the others; of each row the first few."""
    keys = (1 - F.cast(positive, dtype="float64")) * BEYOND
    keys = F.sort(F.broadcast_add(keys, F.contrib.arange_like(keys, axis=1)), axis=1)
    keys = F.slice(keys, begin=(None, 0), end=(None, count))
    return keys - (keys >= BEYOND) * BEYOND


def highest(F: Any, x: Any, count: int) -> Any:
    """Return the `count` highest values of each row of `x`, and their indices in float64.

    Among equal values the lowest index comes first. MXNet's sorts leave the order of equals open,
    so indices go through them as part of keys that are all different.
    """
    values = F.topk(x, axis=1, k=count, ret_typ="value")
    last = F.slice_axis(values, axis=1, begin=-1, end=None)
    # 1 above the last, 0 at it, -1 below.
    side = F.cast(F.sign(F.broadcast_sub(x, last)), dtype="float64")
    keys = F.broadcast_sub(side * BEYOND, F.contrib.arange_like(side, axis=1))
    keys = F.topk(keys, axis=1, k=count, ret_typ="value")
    indices = F.ceil(keys / BEYOND) * BEYOND - keys  # ascending above the last, ascending at it

    # Now a stable sort of these few: equal values share a number, which goes before their place.
    order = F.argsort(pick(F, x, indices), axis=1, is_ascend=False, dtype="float64")
    first = F.slice_axis(values, axis=1, begin=0, end=1)
    before = F.slice_axis(F.concat(first, values, dim=1), axis=1, begin=0, end=-1)
    number = F.cumsum(F.cast(values != before, dtype="float64"), axis=1) * BEYOND
    order = F.sort(number + order, axis=1) - number
    return values, pick(F, indices, order)
