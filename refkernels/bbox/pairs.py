"""What the operators on all pairs of two sets of boxes have in common.

Their inputs and outputs, and how a kernel whose vectors run along the boxes of `a` writes what it
computed for one box of `b` after the other.
"""

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from refkernels.arrays import (
    Array,
    as_boxes,
    check_batch,
    check_finite,
    check_output,
    common_real,
    to_computing,
)
from refkernels.bbox.base import as_batch
from refkernels.jit import jit, lanes_of, write_transposed

__all__ = ["BLOCK", "Pairs", "exponent", "gather", "powers_of_two", "spread"]

# So many boxes are a block, along which vectors run: a few of them, so that what is loaded for a
# box of the other set serves several, and the results stay in the nearest cache.
BLOCK = 64


class Pairs(NamedTuple):
    """Two sets of boxes, or two batches of sets, each box of the one with each of the other.

    Attributes
    ----------
    a, b : numpy.ndarray, (B or 1, N, 4) and (B or 1, M, 4)
        Real, and not known to be finite; without a batch if they came so.
    axis : int
        The axis that holds a box in what was given.
    dtype : numpy.dtype
        That of the result.
    """

    a: Array
    b: Array
    axis: int
    dtype: np.dtype[Any]

    @classmethod
    def of(cls, a: npt.ArrayLike, b: npt.ArrayLike, axis: int) -> "Pairs":
        """Check what an operator is called with, but for nan and infinity."""
        own = as_boxes("a", a, axis, finite=False)
        other = as_boxes("b", b, axis, finite=False)
        return cls(own, other, axis, common_real(own, other))

    def prepared(self, out: Array | None) -> tuple[Array, Array, Array]:
        """Return what kernels take: (B or 1, N, 4), (B or 1, M, 4), and where (B, N, M) goes.

        That is the memory of `out`, which is checked, if the result is not to be rounded.
        """
        a, b = as_batch("a", self.a), as_batch("b", self.b)
        shape = (check_batch(a=len(a), b=len(b)), a.shape[1], b.shape[1])
        rows, columns = to_computing(a, self.dtype), to_computing(b, self.dtype)
        if out is not None:
            own = shape if self.batched else shape[1:]
            check_output("out", out, own, self.dtype, a=self.a, b=self.b)
            if self.dtype == rows.dtype:
                return rows, columns, np.asarray(out).reshape(shape)
        return rows, columns, np.empty(shape, rows.dtype)

    def finished(self, result: Array, out: Array | None) -> Array:
        """Return results in their shape and dtype, or `out` that holds them."""
        if out is None:
            if result.dtype != self.dtype:
                with np.errstate(all="ignore"):
                    result = result.astype(self.dtype)
            return result if self.batched else result[0]
        if out.dtype != result.dtype:
            with np.errstate(all="ignore"):
                out[...] = result.reshape(out.shape)
        return out

    @property
    def batched(self) -> bool:
        """Whether the result has a batch axis."""
        return self.a.ndim == 3 or self.b.ndim == 3

    def check_finite(self) -> None:
        """Raise `ValueError` that names the first number that is nan or infinity, if there is."""
        for name, boxes in (("a", self.a), ("b", self.b)):
            check_finite(name, np.moveaxis(boxes, -1, self.axis))


@jit
def gather(boxes, first, block):  # type: ignore[no-untyped-def]
    """Copy the columns of the boxes from number `first` on to `block`.

    Parameters
    ----------
    boxes : (4 * N,)
    block : (8 * BLOCK,)
        What is k-th of box ``first + i`` goes to ``k * BLOCK + i``, for k < 4, and 0 where there is
        no such box.
    """
    if 4 * (first + BLOCK) <= boxes.shape[0]:
        for i in range(0, BLOCK, lanes_of(block)):
            for k in range(0, 4, lanes_of(block) // 2):
                place = k * BLOCK + i
                write_transposed(boxes, 4 * (first + i) + k, 4, block, place, BLOCK)
        return
    block[:] = 0
    for i in range(min(BLOCK, boxes.shape[0] // 4 - first)):
        for k in range(4):
            block[k * BLOCK + i] = boxes[4 * (first + i) + k]


@jit
def spread(tile, rows, first, count, out):  # type: ignore[no-untyped-def]
    """Write a tile, which holds the results of one box of `b` after the other, to their rows.

    Rows are written in whole vectors. What these write past the end of a row is the start of the
    next row, which is written after it.

    Parameters
    ----------
    tile : (K * BLOCK,)
        The result of row ``first + i`` and column j at ``j * BLOCK + i``, with space for columns
        that fill a vector.
    rows : int
        How many rows it holds, of BLOCK at most.
    first : int
        The row of `out` that the first one is.
    count : int
        How many columns there are.
    out : (N * count,)
    """
    lanes, half = lanes_of(out), lanes_of(out) // 2
    last = (count - 1) // lanes * lanes
    # Those whose last vector ends within `out`, and whole blocks of them, so that loops are plain.
    fitting = (out.shape[0] - last - lanes) // count + 1 - first
    whole = max(0, min(rows, fitting)) // lanes * lanes
    for row in range(0, whole, lanes):
        place = (first + row) * count
        for column in range(last, -1, -lanes):
            source, own = column * BLOCK + row, place + column
            write_transposed(tile, source, BLOCK, out, own, count)
            write_transposed(tile, source + half, BLOCK, out, own + half * count, count)
    for i in range(whole, rows):
        for j in range(count):
            out[(first + i) * count + j] = tile[j * BLOCK + i]


@jit
def exponent(x, y, z):  # type: ignore[no-untyped-def]
    """Return the exponent of the power of two that is just above the largest magnitude."""
    return math.frexp(max(abs(x), abs(y), abs(z)))[1]


@jit
def powers_of_two(largest, array):  # type: ignore[no-untyped-def]
    """Return 2**-largest, ..., 2**largest in the dtype of an array."""
    return np.array([math.ldexp(1.0, k) for k in range(-largest, largest + 1)]).astype(array.dtype)
