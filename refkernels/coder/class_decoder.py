"""Operators that decode class scores."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from refkernels.arrays import (
    Array,
    as_real,
    check_axis,
    check_axis_length,
    check_finite,
    check_integer,
    check_number,
    keep,
    require,
    rounded,
    to_computing,
)
from refkernels.jit import jit

__all__ = ["MultiClassDecoder", "MultiPerClassDecoder"]


@dataclass(frozen=True)
class MultiClassDecoder:
    """Find the foreground class of the highest score.

    The first class, the background, is left out of the count: id 0 is the second entry along
    `axis`. Among equal scores the lowest id wins.

    Parameters
    ----------
    axis : int, default -1
        The axis of the classes.
    thresh : float, default 0.01
        What a score must exceed to count.

    Raises
    ------
    TypeError
        If a parameter or the input has the wrong type or dtype.
    ValueError
        If `axis` is out of range or has no foreground class, or the input holds nan or infinity.

    References
    ----------
    SPEC section 4.

    Examples
    --------
    >>> import numpy as np
    >>> ids, scores = MultiClassDecoder()(np.array([[0.5, 0.125, 0.375], [1.0, 0.0, 0.0]]))
    >>> ids
    array([ 1, -1])
    >>> scores
    array([0.375, 0.   ])
    """

    axis: int = -1
    thresh: float = 0.01

    def __post_init__(self) -> None:
        keep(
            self,
            axis=check_integer("axis", self.axis),
            thresh=check_number("thresh", self.thresh),
        )

    def __call__(self, x: npt.ArrayLike) -> tuple[Array, Array]:
        """Decode the scores `x`.

        Parameters
        ----------
        x : array_like, real, any shape with at least 2 along `axis`
            Scores of the background and the foreground classes.

        Returns
        -------
        ids : numpy.ndarray, int64, the shape of `x` without `axis`
            The class, counted without the background; -1 where no score exceeds `thresh`.
        scores : numpy.ndarray, of the same shape, of the dtype of `x`
            Its score; 0 where none exceeds `thresh`.
        """
        given = as_real("x", x, finite=False)
        axis = check_axis("x", given, self.axis)
        require(
            given.shape[axis] >= 2,
            f"x: expected the background and at least one more class along axis {self.axis}, got "
            f"shape {given.shape}",
        )
        planes = _planes(given, axis)
        ids = np.empty((planes.shape[0], planes.shape[2]), np.int64)
        scores = np.empty(ids.shape, planes.dtype)
        if not _best_class(planes, rounded(self.thresh, given.dtype), ids, scores):
            check_finite("x", given)
        shape = given.shape[:axis] + given.shape[axis + 1 :]
        return ids.reshape(shape), scores.reshape(shape).astype(given.dtype, copy=False)


@dataclass(frozen=True)
class MultiPerClassDecoder:
    """Decide for every foreground class by itself whether its score counts.

    Parameters
    ----------
    num_class : int
        The number of classes with the background, which is the first. At least 2.
    axis : int, default -1
        The axis of the classes.
    thresh : float, default 0.01
        What a score must exceed to count.

    Raises
    ------
    TypeError
        If a parameter or the input has the wrong type or dtype.
    ValueError
        If `axis` is out of range or not of length `num_class`, or the input holds nan or infinity.

    References
    ----------
    SPEC section 4.

    Examples
    --------
    >>> import numpy as np
    >>> ids, scores = MultiPerClassDecoder(3)(np.array([[0.5, 0.0, 0.375]]))
    >>> ids
    array([[-1,  1]])
    >>> scores
    array([[0.   , 0.375]])
    """

    num_class: int
    axis: int = -1
    thresh: float = 0.01

    def __post_init__(self) -> None:
        keep(
            self,
            num_class=check_integer("num_class", self.num_class, low=2),
            axis=check_integer("axis", self.axis),
            thresh=check_number("thresh", self.thresh),
        )

    def __call__(self, x: npt.ArrayLike) -> tuple[Array, Array]:
        """Decode the scores `x`.

        Parameters
        ----------
        x : array_like, real, any shape with `num_class` along `axis`
            Scores of the background and the foreground classes.

        Returns
        -------
        ids : numpy.ndarray, int64, the shape of `x`, but one shorter along `axis`
            Each foreground class's own number, from 0; -1 where its score is not over `thresh`.
        scores : numpy.ndarray, of the same shape, of the dtype of `x`
            The score; 0 where it is not over `thresh`.
        """
        given = as_real("x", x, finite=False)
        check_axis_length("x", given, self.axis, self.num_class)
        axis = check_axis("x", given, self.axis)
        planes = _planes(given, axis)
        ids = np.empty((planes.shape[0], self.num_class - 1, planes.shape[2]), np.int64)
        scores = np.empty(ids.shape, planes.dtype)
        if not _each_class(planes, rounded(self.thresh, given.dtype), ids, scores):
            check_finite("x", given)
        shape = (*given.shape[:axis], self.num_class - 1, *given.shape[axis + 1 :])
        return ids.reshape(shape), scores.reshape(shape).astype(given.dtype, copy=False)


def _planes(array: Array, axis: int) -> Array:
    """Return `array` as (what is before `axis`, `axis`, what is after it), to compute with."""
    shape = array.shape
    before, after = math.prod(shape[:axis]), math.prod(shape[axis + 1 :])
    return to_computing(array, array.dtype).reshape(before, shape[axis], after)


@jit
def _all_finite(values):  # type: ignore[no-untyped-def]
    finite = True
    for i in range(values.size):
        finite &= np.isfinite(values[i])
    return finite


@jit
def _best_class(planes, thresh, ids, scores):  # type: ignore[no-untyped-def]
    """Fill `ids` and `scores` (outer, inner) from `planes` (outer, C, inner).

    Returns whether `planes` is finite; if not, nothing is filled.
    """
    # In a loop of its own, which LLVM vectorises, this costs a fraction of what it does below.
    if not _all_finite(planes.reshape(-1)):
        return False
    zero = planes.dtype.type(0)
    for i in range(planes.shape[0]):
        for k in range(planes.shape[2]):
            best, best_id = planes[i, 1, k], 0
            for c in range(2, planes.shape[1]):
                if planes[i, c, k] > best:
                    best, best_id = planes[i, c, k], c - 1
            ids[i, k] = best_id if best > thresh else -1
            scores[i, k] = best if best > thresh else zero
    return True


@jit
def _each_class(planes, thresh, ids, scores):  # type: ignore[no-untyped-def]
    """Fill `ids` and `scores` (outer, C - 1, inner) from `planes` (outer, C, inner).

    Returns whether `planes` is finite; if not, nothing is filled.
    """
    if not _all_finite(planes.reshape(-1)):
        return False
    zero = planes.dtype.type(0)
    for i in range(planes.shape[0]):
        for c in range(ids.shape[1]):
            for k in range(planes.shape[2]):
                value = planes[i, c + 1, k]
                ids[i, c, k] = c if value > thresh else -1
                scores[i, c, k] = value if value > thresh else zero
    return True
