"""The sampler that takes every match (SPEC section 3)."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from refkernels.arrays import Array, as_indices

__all__ = ["NaiveSampler"]

NEITHER = -2


@dataclass(frozen=True)
class NaiveSampler:
    """Take every match: +1 where an anchor is matched, 0 where its match is -2, -1 elsewhere.

    -2 is what `ThresholdMatcher` gives an anchor that is neither matched nor background.

    References
    ----------
    SPEC section 3.

    Examples
    --------
    >>> NaiveSampler()([2, -1, 0, -2])
    array([ 1, -1,  1,  0])
    """

    def __call__(self, matches: npt.ArrayLike) -> Array:
        """Sample `matches`.

        Parameters
        ----------
        matches : array_like, whole numbers, any shape
            The index of the ground truth that each anchor is matched with, negative for none; -2
            for one that is to be ignored.

        Returns
        -------
        numpy.ndarray, int64
            Samples, of the shape of `matches`.
        """
        indices = as_indices("matches", matches)
        samples = np.where(indices >= 0, np.int64(1), np.int64(-1))
        samples[indices == NEITHER] = 0
        return samples
