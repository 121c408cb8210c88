"""What the matchers have in common."""

import math
from abc import ABC, abstractmethod

import numpy.typing as npt

from refkernels.arrays import Array, computing_dtype, to_computing

__all__ = ["BLOCK", "NEITHER", "UNMATCHED", "Matcher", "as_matrices"]

UNMATCHED = -1
NEITHER = -2  # between two thresholds

# Elements that are tested in one go: enough to keep the vector units busy whatever M is, few enough
# that a hit costs little.
BLOCK = 256


class Matcher(ABC):
    """What every matcher is; derive from it to use your own in a `CompositeMatcher`.

    Examples
    --------
    >>> import numpy as np
    >>> from refkernels import CompositeMatcher, MaximumMatcher
    >>> class FirstColumn(Matcher):
    ...     def __call__(self, x):
    ...         return np.where(np.asarray(x)[..., 0] > 0.9, 0, -1)
    >>> CompositeMatcher([FirstColumn(), MaximumMatcher(0.5)])(np.array([[0.1, 0.6], [0.95, 0.96]]))
    array([1, 0])
    """

    @abstractmethod
    def __call__(self, x: npt.ArrayLike) -> Array:
        """Match the rows of `x` (..., N, M): int64 (..., N), in [0, M), or -1 for no match."""


def as_matrices(x: Array) -> Array:
    """Return x (..., N, M) in its computing dtype, as a contiguous (B, N, M)."""
    return to_computing(x, computing_dtype(x.dtype)).reshape(math.prod(x.shape[:-2]), *x.shape[-2:])
