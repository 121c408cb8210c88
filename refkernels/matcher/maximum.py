"""The matcher that gives each anchor the ground truth it overlaps most."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from refkernels.arrays import Array, as_real, check_finite, check_number, keep, rounded
from refkernels.jit import jit
from refkernels.matcher.base import BLOCK, UNMATCHED, Matcher, as_matrices

__all__ = ["MaximumMatcher"]


@dataclass(frozen=True)
class MaximumMatcher(Matcher):
    """Match each row with its largest column, where that reaches a threshold.

    With a the first argmax of row r, the match is a if ``x[r, a] >= threshold``, else -1.

    Parameters
    ----------
    threshold : float
        The least value that is matched; rounded to the dtype of `x`.

    Raises
    ------
    TypeError
        If `threshold` or the input has the wrong type or dtype.
    ValueError
        If `threshold` is not finite, `x` has fewer than two axes, or holds nan or infinity.

    References
    ----------
    SPEC section 2.

    Examples
    --------
    >>> import numpy as np
    >>> MaximumMatcher(0.5)(np.array([[0.2, 0.5], [0.4, 0.3], [0.7, 0.7]]))
    array([ 1, -1,  0])
    """

    threshold: float

    def __post_init__(self) -> None:
        keep(self, threshold=check_number("threshold", self.threshold))

    def __call__(self, x: npt.ArrayLike) -> Array:
        """Match the rows of `x`.

        Parameters
        ----------
        x : array_like, real, (..., N, M)
            IoUs, or any other measure of which more is better.

        Returns
        -------
        numpy.ndarray of int64, (..., N)
            The matched column in [0, M), or -1.
        """
        values = as_real("x", x, min_ndim=2, finite=False)
        rows = as_matrices(values).reshape(math.prod(values.shape[:-1]), values.shape[-1])
        out = np.full(rows.shape[0], UNMATCHED, np.int64)
        if not _maximum(rows, rounded(self.threshold, values.dtype), out):
            check_finite("x", values)
        return out.reshape(values.shape[:-1])


@jit
def _maximum(x, threshold, out):  # type: ignore[no-untyped-def]
    """Fill `out` (N,), which comes as UNMATCHED, with the first argmax of the rows that qualify.

    Returns whether all of `x` is finite; if not, `out` is of no use.
    """
    count, columns = x.shape
    if x.size == 0:
        return True
    height = max(1, BLOCK // columns)
    flat = x.reshape(-1)
    finite, zero = True, x.dtype.type(0)
    for first in range(0, count, height):
        # Most rows of an IoU matrix stay below any threshold: see `_find_best` in bipartite.py.
        values = flat[first * columns : (first + height) * columns]
        hit = False
        for i in range(len(values)):
            finite &= values[i] - values[i] == zero
            hit |= values[i] >= threshold
        if hit:
            for r in range(first, min(first + height, count)):
                own, largest = 0, x[r, 0]
                for c in range(1, columns):
                    if x[r, c] > largest:
                        own, largest = c, x[r, c]
                if largest >= threshold:
                    out[r] = own
    return finite
