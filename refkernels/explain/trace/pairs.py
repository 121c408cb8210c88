"""A number for each anchor and ground truth, of which only what is asked for need be there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from refkernels.arrays import Array

__all__ = ["BLOCK", "Pairs"]

# Numbers that are made in one go: the pairs of most images, which are then not made part by part.
BLOCK = 1 << 22


class Pairs:
    """A matrix (N, M) that is held, or made part by part of what it depends on.

    Parameters
    ----------
    shape : (int, int)
    dtype : numpy.dtype
    make : callable
        Called with rows and columns, each an array or a slice; returns their numbers as a matrix.

    Examples
    --------
    >>> pairs = Pairs.of(np.array([[0.5, 0.25], [0.0, 1.0]]))
    >>> pairs.column(1)
    array([0.25, 1.  ])
    >>> pairs.at(np.array([1, 0]), np.array([1, 0]))
    array([1. , 0.5])
    """

    def __init__(
        self, shape: tuple[int, int], dtype: Any, make: Callable[[Any, Any], Array]
    ) -> None:
        self.shape = shape
        self.dtype = np.dtype(dtype)
        self._make = make

    @classmethod
    def of(cls, values: Array) -> Pairs:
        """Return those of a matrix that is there."""
        return cls(values.shape, values.dtype, lambda rows, columns: values[rows][:, columns])  # type: ignore[arg-type]

    @classmethod
    def made(cls, operator: Any, left: Array, right: Array) -> Pairs:
        """Return what an operator makes of the rows of `left` (N, ...) and `right` (M, ...)."""

        def make(rows: Any, columns: Any) -> Array:
            """Call the operator on some of either side."""
            return np.asarray(operator(left[rows], right[columns]))

        dtype = make(slice(0, 1), slice(0, 1)).dtype
        return cls((len(left), len(right)), dtype, make)

    def rows(self, rows: Any) -> Array:
        """Return the rows (R, M) of these numbers, or of a slice."""
        return self._make(rows, slice(None))

    def row(self, row: int) -> Array:
        """Return one row (M,)."""
        own: Array = self.rows(slice(row, row + 1))[0]
        return own

    def column(self, column: int) -> Array:
        """Return one column (N,)."""
        own: Array = self._make(slice(None), slice(column, column + 1))[:, 0]
        return own

    def at(self, rows: Array, columns: Array) -> Array:
        """Return the number of each of K pairs, given their rows (K,) and columns (K,)."""
        out = np.empty(len(rows), self.dtype)
        step = max(1, BLOCK // max(1, self.shape[1]))
        for first in range(0, len(rows), step):
            part = slice(first, first + step)
            own = self.rows(rows[part])
            out[part] = own[np.arange(len(own)), columns[part]]
        return out

    def blocks(self) -> Iterator[tuple[int, Array]]:
        """Give whole rows, some at a time, with the number of the first."""
        step = max(1, BLOCK // max(1, self.shape[1]))
        for first in range(0, self.shape[0], step):
            yield first, self.rows(slice(first, first + step))

    def whole(self) -> Array:
        """Return all of it (N, M)."""
        return self.rows(slice(None))
