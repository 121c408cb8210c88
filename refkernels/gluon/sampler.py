"""Gluon blocks that choose anchors (SPEC section 3); see `refkernels.sampler` for what each means.

Samples are float32, whatever the inputs' dtypes. MXNet's sorts are not stable, so blocks take from
them only sorted values, which do not depend on the order of equals, and settle ties by counting.
"""

from typing import Any

from mxnet.gluon import HybridBlock
from mxnet.gluon.data import Sampler

from refkernels import sampler as operators
from refkernels.gluon.block import RealBlock
from refkernels.gluon.precision import as_real, constant_like, widen

__all__ = [
    "NaiveSampler",
    "OHEMSampler",
    "QuotaSampler",
    "SplitSampler",
    "SplitSortedBucketSampler",
]

# The cipher of `_random_keys`. Five rounds pass the tests of uniformity that four fail. What is
# added to a round's key is the golden section of a word, made odd.
WORD_BITS = 26
WORDS = 2**WORD_BITS
ROUNDS = 8
ROUND_STEP = 41475559


class NaiveSampler(HybridBlock):
    """Take every match: `refkernels.NaiveSampler` as a block.

    References
    ----------
    SPEC section 3.
    """

    def __init__(self) -> None:
        super().__init__()

    def hybrid_forward(self, F: Any, matches: Any) -> Any:
        """Sample `matches`, of any shape."""
        return F.BlockGrad(_matched(F, matches) * 2 - 1)


class OHEMSampler(RealBlock):
    """Take every match and the hardest negatives: `refkernels.OHEMSampler` as a block.

    Parameters
    ----------
    ratio : float
        How many negatives there may be for each positive, not negative.
    min_samples : int, default 0
        How many negatives there may be whatever the number of positives.
    thresh : float, default 0.5
        The IoU, in [0, 1], from which on an anchor cannot be negative.

    References
    ----------
    SPEC section 3.
    """

    reals = ("logits", "ious")

    def __init__(self, ratio: float, min_samples: int = 0, thresh: float = 0.5) -> None:
        super().__init__()
        self._operator = operators.OHEMSampler(ratio, min_samples, thresh)

    def hybrid_forward(self, F: Any, matches: Any, logits: Any, ious: Any) -> Any:
        """Sample `matches` (B, N), given `logits` (B, N, C + 1) and `ious` (B, N, M) or (B, N)."""
        operator = self._operator
        matched = _rows(F, _matched(F, matches))
        maxima = _rows(F, _maxima(F, ious, matches))
        below = F.broadcast_lesser(maxima, constant_like(F, operator.thresh, maxima))
        eligible = (1 - matched) * F.cast(below, dtype="float32")
        positives = _count(F, matched)
        quota = F.broadcast_mul(positives, constant_like(F, float(operator.ratio), positives))
        quota = F.maximum(quota, min(operator.min_samples, 2**31))
        quota = F.floor(F.minimum(quota, _count(F, F.ones_like(matched)) - positives))
        odds = F.reshape_like(self._log_odds(F, logits), matched)
        samples = matched - _highest(F, odds, eligible, quota)
        return F.reshape_like(F.BlockGrad(samples), matches)

    def _log_odds(self, F: Any, logits: Any) -> Any:
        """Return half the log-odds of an object against the background, as the operator does."""
        logits = widen(F, logits)
        background = F.slice_axis(logits, axis=-1, begin=0, end=1)
        classes = F.slice_axis(logits, axis=-1, begin=1, end=None)
        largest = F.max(classes, axis=-1, keepdims=True)
        total = F.sum(F.exp(F.broadcast_sub(classes, largest)), axis=-1, keepdims=True)
        return largest * 0.5 - background * 0.5 + F.log(total) * 0.5


class QuotaSampler(RealBlock):
    """Take random subsets of positives and negatives: `refkernels.QuotaSampler` as a block.

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

    Notes
    -----
    Every call draws anew, from the generator of `mxnet.random.seed`. What image b draws depends on
    the seed and b alone, as for the operator, though they draw differently.

    References
    ----------
    SPEC section 3; for random numbers from a place and a key, Salmon et al., "Parallel random
    numbers: as easy as 1, 2, 3", 2011; for squares, Widynski, "Squares: a fast counter-based RNG",
    2020.
    """

    reals = ("ious",)

    def __init__(
        self,
        num_sample: int,
        pos_thresh: float,
        neg_thresh_high: float,
        neg_thresh_low: float = -float("inf"),
        pos_ratio: float = 0.5,
        neg_ratio: float | None = None,
        fill_negative: bool = True,
    ) -> None:
        super().__init__()
        self._operator = operators.QuotaSampler(
            num_sample,
            pos_thresh,
            neg_thresh_high,
            neg_thresh_low,
            pos_ratio,
            neg_ratio,
            fill_negative,
        )

    def hybrid_forward(self, F: Any, matches: Any, ious: Any) -> Any:
        """Sample `matches` (B, N), given `ious` (B, N, M) or their largest, (B, N)."""
        operator = self._operator
        maxima = _rows(F, _maxima(F, ious, matches))

        def reaches(thresh: float) -> Any:
            """Return 1 for each anchor whose largest IoU is at least the threshold, else 0."""
            reached = F.broadcast_greater_equal(maxima, constant_like(F, thresh, maxima))
            return F.cast(reached, dtype="float32")

        positive = F.maximum(_rows(F, _matched(F, matches)), reaches(operator.pos_thresh))
        negative = (1 - positive) * (1 - reaches(operator.neg_thresh_high))
        if operator.neg_thresh_low > -float("inf"):
            negative = negative * reaches(operator.neg_thresh_low)
        positives = _count(F, positive)
        max_pos, max_neg = (F.ones_like(positives) * quota for quota in operator.quotas)
        if operator.fill_negative:
            free = operator.num_sample - F.minimum(positives, max_pos)
            max_neg = F.maximum(max_neg, free)
        keys = _random_keys(F, positive)
        samples = _highest(F, keys, positive, max_pos) - _highest(F, keys, negative, max_neg)
        return F.reshape_like(F.BlockGrad(samples), matches)


class SplitSampler(operators.SplitSampler, Sampler):
    """Iterate, shuffled, over one part of a data set: `refkernels.SplitSampler` for a DataLoader.

    Examples
    --------
    >>> from mxnet.gluon.data import DataLoader
    >>> sampler = SplitSampler(10, num_parts=2, part_index=1, seed=0)
    >>> batches = DataLoader(list(range(10)), batch_size=5, sampler=sampler)
    >>> [sorted(batch.asnumpy().tolist()) for batch in batches]
    [[5, 6, 7, 8, 9]]
    """


class SplitSortedBucketSampler(operators.SplitSortedBucketSampler, Sampler):
    """Iterate over batches: `refkernels.SplitSortedBucketSampler` for a DataLoader.

    Examples
    --------
    >>> from mxnet.gluon.data import DataLoader
    >>> sampler = SplitSortedBucketSampler([3, 1, 2, 4], batch_size=2)
    >>> batches = DataLoader([30, 10, 20, 40], batch_sampler=sampler)
    >>> sorted(sorted(batch.asnumpy().tolist()) for batch in batches)
    [[10, 20], [30, 40]]
    """


def _rows(F: Any, array: Any) -> Any:
    """Return an array (B, N) as it is, and (N,) as (1, N)."""
    return F.reshape(array, shape=(-1, 0), reverse=True)


def _matched(F: Any, matches: Any) -> Any:
    return F.cast(matches >= 0, dtype="float32")


def _maxima(F: Any, ious: Any, matches: Any) -> Any:
    """Return the largest IoU of each anchor, of the shape of `matches` and in the IoUs' real dtype.

    A graph does not know how many axes its inputs will have. So it makes of `ious` both what it is
    if it has the shape of `matches`, and what it is with an axis more, and counts its elements.
    """
    flat = F.reshape(matches, shape=(-1,))
    as_they_are = F.slice_like(F.reshape(ious, shape=(-1,)), flat)
    largest = F.reshape(F.max(ious, axis=-1), shape=(-1,))
    largest = F.take(largest, F.contrib.arange_like(F.cast(flat, dtype="float64")), mode="clip")
    same = F.broadcast_equal(F.size_array(ious), F.size_array(matches))
    same = F.broadcast_like(F.cast(same, dtype="float32"), flat)
    return F.reshape_like(as_real(F, F.where(same, as_they_are, largest)), matches)


def _count(F: Any, marks: Any) -> Any:
    """Return how many of `marks` (B, N), which are 0 or 1, are 1, as (B, 1) in float64."""
    return F.sum(F.cast(marks, dtype="float64"), axis=1, keepdims=True)


def _highest(F: Any, keys: Any, eligible: Any, quota: Any) -> Any:
    """Mark with 1 the `quota` (B, 1) eligible ones of highest key, the lowest index among equals.

    All, if there are fewer.
    """
    keys = F.where(eligible, keys, F.ones_like(keys) * -float("inf"))
    last = F.pick(F.sort(keys, axis=1, is_ascend=False), quota - 1, axis=1, keepdims=True)
    above = F.cast(F.broadcast_greater(keys, last), dtype="float64")
    equal = F.cast(F.broadcast_equal(keys, last), dtype="float64")
    left = quota - _count(F, above)
    taken = above + equal * F.broadcast_lesser_equal(F.cumsum(equal, axis=1), left)
    return F.cast(taken, dtype="float32") * eligible


def _random_keys(F: Any, like: Any) -> Any:
    """Return random float64 numbers of the shape of `like` (B, N), all different in an image.

    A number is its place, (anchor, image), enciphered by a Feistel network under a key drawn from
    MXNet's generator: so the numbers of an image do not depend on its batch, and different places
    have different numbers. A round adds the middle digits of a square; words have 26 bits, so that
    a square is exact in float64.
    """
    rows = F.cast(F.zeros_like(like), dtype="float64")
    zero = F.reshape(F.slice(rows, begin=(0, 0), end=(1, 1)), shape=(1,))
    keys = [F.floor(F.random.uniform_like(zero) * WORDS) for _ in range(2)]
    anchors = F.contrib.arange_like(rows, axis=1)
    images = F.expand_dims(F.contrib.arange_like(rows, axis=0), axis=1)
    left, right = F.broadcast_add(rows, anchors), F.broadcast_add(rows, images)
    for i in range(ROUNDS):
        base = _word(F, F.broadcast_add(left, _word(F, keys[i % 2] + i * ROUND_STEP)))
        middle = F.floor(base * base / 2 ** (WORD_BITS // 2))
        left, right = _word(F, right + middle), left
    return left * WORDS + right


def _word(F: Any, number: Any) -> Any:
    return number - F.floor(number / WORDS) * WORDS
