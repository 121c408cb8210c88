"""Random sampling of as many positives as there may be, and negatives for the rest (SPEC 6)."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from refkernels.arrays import (
    Array,
    as_indices,
    as_seed,
    check_integer,
    check_number,
    keep,
)
from refkernels.jit import jit
from refkernels.sampler.inputs import whole
from refkernels.sampler.quota import image_state, keep_quota

# Target assignment draws with the same kernel, so that its samples are the same.
__all__ = ["BalancedSampler", "draw_balanced"]


@dataclass(frozen=True)
class BalancedSampler:
    """Take a random subset of the positives, and of the negatives as many as are left of a quota.

    At most ``floor(pos_ratio * num_sample)`` positives of an image are kept, and as many negatives
    as these leave of `num_sample`; of more, a uniformly random subset of exactly that size.

    Parameters
    ----------
    num_sample : int
        How many anchors of an image are to be sampled, at least 1.
    pos_ratio : float, default 0.5
        The largest share of positives, in [0, 1].

    Raises
    ------
    TypeError
        If a parameter or an input has the wrong type or dtype.
    ValueError
        If a parameter is out of range, or candidates are others than +1, -1 and 0.

    Notes
    -----
    The product of the quota is one of double precision, and one within 1e-9 of a whole number
    counts as that number. Images are drawn as `QuotaSampler` draws them: the subsets of image b
    depend on the seed and b alone.

    References
    ----------
    SPEC section 6; Ren et al., "Faster R-CNN", 2015, section 3.1.3.

    Examples
    --------
    >>> BalancedSampler(num_sample=4, pos_ratio=0.25)([1, 1, -1, 0, -1, -1, -1], rng=0)
    array([ 1,  0, -1,  0,  0, -1, -1])
    """

    num_sample: int
    pos_ratio: float = 0.5

    def __post_init__(self) -> None:
        keep(
            self,
            num_sample=check_integer("num_sample", self.num_sample, low=1, high=2**31 - 1),
            pos_ratio=check_number("pos_ratio", self.pos_ratio, low=0, high=1),
        )

    @property
    def max_pos(self) -> int:
        """The most positives that an image keeps."""
        return int(whole(self.pos_ratio * self.num_sample))

    def __call__(
        self, candidates: npt.ArrayLike, *, rng: int | np.random.Generator | None = None
    ) -> Array:
        """Sample `candidates`.

        Parameters
        ----------
        candidates : array_like, whole numbers, (..., N)
            +1 for an anchor that may be positive, -1 for one that may be negative, 0 for one that
            may be neither, as samplers of matches have them.
        rng : int or numpy.random.Generator, optional
            A seed of at least 0, or what a seed is drawn from; without one, every call differs.

        Returns
        -------
        numpy.ndarray, int64
            Samples, of the shape of `candidates`. Images are counted over all axes but the last.
        """
        signs = as_indices("candidates", candidates, min_ndim=1)
        seed = as_seed("rng", rng)
        samples = np.empty(signs.shape, np.int64)
        count = signs.shape[-1]
        if count:
            images = signs.reshape(-1, count), samples.reshape(-1, count)
            if not _draw_batch(*images, self.max_pos, self.num_sample, seed):
                _refuse_other_signs(signs)
        return samples


def _refuse_other_signs(signs: Array) -> None:
    """Raise `ValueError` that names the first candidate that is none of +1, -1 and 0."""
    where = tuple(int(i) for i in np.argwhere((signs > 1) | (signs < -1))[0])
    raise ValueError(f"candidates{list(where)} is {signs[where]}, expected +1, -1 or 0")


@jit
def _draw_batch(candidates, samples, max_pos, num_sample, seed):  # type: ignore[no-untyped-def]
    """Fill `samples` (B, N); return whether all candidates are +1, -1 or 0, and stop at others."""
    indices = np.empty(candidates.shape[1], np.int64)
    for image in range(candidates.shape[0]):
        own = samples[image]
        own[:] = candidates[image]
        state = image_state(seed, np.uint64(image))
        if not draw_balanced(own, max_pos, num_sample, state, indices):
            return False
    return True


@jit
def draw_balanced(samples, max_pos, num_sample, state, indices):  # type: ignore[no-untyped-def]
    """Keep a quota of the candidates that `samples` (N) of one image begin as.

    Returns whether all are +1, -1 or 0; if not, they are left as they are.
    """
    positives, negatives, others = 0, 0, 0
    for i in range(samples.size):
        sign = samples[i]
        positives += sign == 1
        negatives += sign == -1
        others += sign == 0
    if positives + negatives + others < samples.size:
        return False
    state = keep_quota(1, positives, max_pos, state, indices, samples)
    kept = min(positives, max_pos)
    keep_quota(-1, negatives, num_sample - kept, state, indices, samples)
    return True
