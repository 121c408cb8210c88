"""The sampler that takes every match (SPEC section 3)."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from refkernels.arrays import Array, as_indices

__all__ = ["NaiveSampler"]


@dataclass(frozen=True)
class NaiveSampler:
    """Take every match: +1 where an anchor is matched, -1 elsewhere.

    References
    ----------
    SPEC section 3.

    Examples
    --------
    >>> NaiveSampler()([2, -1, 0])
    array([ 1, -1,  1])
    """

    def __call__(self, matches: npt.ArrayLike) -> Array:
        """Sample `matches`.

        Parameters
        ----------
        matches : array_like, whole numbers, any shape
            The index of the ground truth that each anchor is matched with, negative for none.

        Returns
        -------
        numpy.ndarray, int64
            Samples, of the shape of `matches`.
        """
        return np.where(as_indices("matches", matches) >= 0, np.int64(1), np.int64(-1))
