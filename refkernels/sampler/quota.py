"""Random sampling with quotas for positives and negatives (SPEC section 3)."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from refkernels.arrays import (
    Array,
    as_seed,
    check_flag,
    check_integer,
    check_number,
    keep,
    require,
    rounded,
    to_computing,
)
from refkernels.jit import jit
from refkernels.sampler.inputs import WHOLE, as_matches, as_maxima, whole

# Target assignment draws with the same kernels, so that its samples are the same.
__all__ = ["QuotaSampler", "below", "draw_quotas", "image_state", "keep_quota", "sample"]

# The constants of SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number
# generators", 2014).
GOLDEN = np.uint64(0x9E3779B97F4A7C15)
MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
MIX_2 = np.uint64(0x94D049BB133111EB)
LOW_32 = np.uint64(0xFFFFFFFF)


@dataclass(frozen=True)
class QuotaSampler:
    """Take a random subset of fixed size of the positives, and one of the negatives.

    With u the largest IoU of an anchor, it is positive if it is matched or ``u >= pos_thresh``;
    otherwise negative if ``neg_thresh_low <= u < neg_thresh_high``; otherwise ignored. At most
    ``round(pos_ratio * num_sample)`` positives (half to even) and ``floor(neg_ratio * num_sample)``
    negatives are kept in each image; of more, a uniformly random subset of exactly that size.

    Parameters
    ----------
    num_sample : int
        How many anchors of an image are to be sampled, at least 1.
    pos_thresh : float
        The least IoU, in [0, 1], that makes an anchor positive though it is not matched.
    neg_thresh_high : float
        The IoU, in [0, 1], below which an anchor may be negative.
    neg_thresh_low : float, default -inf
        The least IoU, below 1, of a negative.
    pos_ratio : float, default 0.5
        The share of positives, in [0, 1].
    neg_ratio : float, optional
        The share of negatives; by default ``1 - pos_ratio``. The two sum to at most 1.
    fill_negative : bool, default True
        Let negatives take the places that positives leave free.

    Raises
    ------
    TypeError
        If a parameter or an input has the wrong type or dtype.
    ValueError
        If a parameter is out of range, shapes do not go together, or an input holds nan or
        infinity.

    Notes
    -----
    Thresholds are rounded to the dtype of the IoUs. The products of the quotas are those of double
    precision; one of `neg_ratio` within 1e-9 of a whole number counts as that number.

    The subsets of image b depend on the seed and b alone: not on the rest of the batch. They are
    drawn by a partial Fisher-Yates shuffle, with SplitMix64 and Lemire's unbiased bounded numbers.

    References
    ----------
    SPEC section 3; Ren et al., "Faster R-CNN", 2015, section 3.1.3; Lemire, "Fast random integer
    generation in an interval", 2019.

    Examples
    --------
    >>> sampler = QuotaSampler(num_sample=4, pos_thresh=0.7, neg_thresh_high=0.3, pos_ratio=0.25)
    >>> matches, ious = [0, -1, -1, -1, -1, -1, -1], [0.8, 0.75, 0.5, 0.1, 0.2, 0.1, 0.0]
    >>> sampler(matches, ious, rng=0)
    array([ 1,  0,  0, -1,  0, -1, -1])
    """

    num_sample: int
    pos_thresh: float
    neg_thresh_high: float
    neg_thresh_low: float = -np.inf
    pos_ratio: float = 0.5
    neg_ratio: float | None = None
    fill_negative: bool = True

    def __post_init__(self) -> None:
        keep(
            self,
            num_sample=check_integer("num_sample", self.num_sample, low=1, high=2**31 - 1),
            pos_thresh=check_number("pos_thresh", self.pos_thresh, low=0, high=1),
            neg_thresh_high=check_number("neg_thresh_high", self.neg_thresh_high, low=0, high=1),
            neg_thresh_low=check_number("neg_thresh_low", self.neg_thresh_low, allow=(-np.inf,)),
            pos_ratio=check_number("pos_ratio", self.pos_ratio, low=0, high=1),
            fill_negative=check_flag("fill_negative", self.fill_negative),
        )
        require(
            self.neg_thresh_low < 1,
            f"neg_thresh_low: expected a number below 1, or -inf, got {self.neg_thresh_low}",
        )
        share = self.pos_ratio
        if self.neg_ratio is not None:
            keep(self, neg_ratio=check_number("neg_ratio", self.neg_ratio, low=0, high=1))
            share += self.neg_ratio
        require(
            share <= 1 + WHOLE,
            f"pos_ratio and neg_ratio: expected a sum of at most 1, got {share}",
        )

    @property
    def quotas(self) -> tuple[int, int]:
        """The most positives that are kept in an image, and the most negatives without filling."""
        neg_ratio = 1 - self.pos_ratio if self.neg_ratio is None else self.neg_ratio
        max_pos = round(self.pos_ratio * self.num_sample)
        return max_pos, int(whole(neg_ratio * self.num_sample))

    def __call__(
        self,
        matches: npt.ArrayLike,
        ious: npt.ArrayLike,
        *,
        rng: int | np.random.Generator | None = None,
    ) -> Array:
        """Sample `matches`.

        Parameters
        ----------
        matches : array_like, whole numbers, (B, N) or (N,)
            The index of the ground truth that each anchor is matched with, negative for none.
        ious : array_like, real, (B, N, M), (B, N), (N, M) or (N,)
            The IoU of each anchor with each ground truth, or the largest of them.
        rng : int or numpy.random.Generator, optional
            A seed of at least 0, or what a seed is drawn from; without one, every call differs.

        Returns
        -------
        numpy.ndarray, int64
            Samples, of the shape of `matches`.
        """
        indices = as_matches(matches)
        maxima = as_maxima(ious, indices)
        return sample(self, indices, maxima, as_seed("rng", rng))


def sample(sampler: QuotaSampler, matches: Array, maxima: Array, seed: np.uint64) -> Array:
    """Sample what is checked already: int64 matches and the largest IoUs, (B, N) or (N,)."""
    samples = np.empty(matches.shape, np.int64)
    max_pos, max_neg = sampler.quotas
    _batch_quota(
        np.atleast_2d(matches),
        np.atleast_2d(to_computing(maxima, maxima.dtype)),
        rounded(sampler.pos_thresh, maxima.dtype),
        rounded(sampler.neg_thresh_high, maxima.dtype),
        rounded(sampler.neg_thresh_low, maxima.dtype),
        max_pos,
        max_neg,
        sampler.num_sample if sampler.fill_negative else 0,
        seed,
        np.atleast_2d(samples),
    )
    return samples


@jit
def mix(state):  # type: ignore[no-untyped-def]
    """Return the output of SplitMix64 for a state."""
    state = (state ^ (state >> np.uint64(30))) * MIX_1
    state = (state ^ (state >> np.uint64(27))) * MIX_2
    return state ^ (state >> np.uint64(31))


@jit
def image_state(seed, place):  # type: ignore[no-untyped-def]
    """Return the state that the random numbers of an image start from.

    It depends on the seed and the image's place alone, both of them uint64.
    """
    return mix(seed + mix(place + np.uint64(1)))


@jit
def below(bound, state):  # type: ignore[no-untyped-def]
    """Return a uniform whole number in [0, bound), bound below 2^32, and the next state."""
    bound = np.uint64(bound)
    biased = ((LOW_32 - bound) + np.uint64(1)) % bound
    while True:
        state += GOLDEN
        product = (mix(state) >> np.uint64(32)) * bound
        if product & LOW_32 >= biased:
            return np.int64(product >> np.uint64(32)), state


@jit
def keep_quota(kind, count, quota, state, indices, samples):  # type: ignore[no-untyped-def]
    """Set to 0 all but a random `quota` of the `count` samples of a kind; return the next state."""
    if count <= quota:
        return state
    found = 0
    for i in range(samples.shape[0]):
        if samples[i] == kind:
            indices[found] = i
            found += 1
    for i in range(quota):
        chosen, state = below(count - i, state)
        indices[i], indices[i + chosen] = indices[i + chosen], indices[i]
    for i in range(quota, count):
        samples[indices[i]] = 0
    return state


@jit
def draw_quotas(  # type: ignore[no-untyped-def]
    matches, maxima, pos_thresh, high, low, max_pos, max_neg, filled, seed, indices, samples
):
    """Fill `samples` (N) of one image; `filled` is num_sample, or 0 not to fill with negatives."""
    positives, negatives = 0, 0
    for i in range(matches.shape[0]):
        positive = matches[i] >= 0 or maxima[i] >= pos_thresh
        negative = not positive and low <= maxima[i] and maxima[i] < high
        samples[i] = np.int64(positive) - np.int64(negative)
        positives += positive
        negatives += negative
    max_neg = max(max_neg, filled - min(positives, max_pos))
    state = keep_quota(1, positives, max_pos, seed, indices, samples)
    keep_quota(-1, negatives, max_neg, state, indices, samples)


@jit
def _batch_quota(  # type: ignore[no-untyped-def]
    matches, maxima, pos_thresh, high, low, max_pos, max_neg, filled, seed, samples
):
    indices = np.empty(matches.shape[1], np.int64)
    for image in range(matches.shape[0]):
        # The random numbers of an image depend on the seed and its place alone.
        own = image_state(seed, np.uint64(image))
        draw_quotas(
            matches[image],
            maxima[image],
            pos_thresh,
            high,
            low,
            max_pos,
            max_neg,
            filled,
            own,
            indices,
            samples[image],
        )
