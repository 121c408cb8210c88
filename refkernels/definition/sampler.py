"""What every sampler means (SPEC sections 3 and 6): slow, readable, derived from the text alone.

A function has the name of its operator. It takes valid input, (B, N) or one image (N,).

The operators that draw at random have no one result. Their functions return what holds whatever is
drawn: for `QuotaSampler` and `BalancedSampler` the samples before subsets are taken, and the
quotas; for the samplers of examples the part that is read, and how it falls into batches.
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import numpy.typing as npt

__all__ = [
    "BalancedSampler",
    "NaiveSampler",
    "OHEMSampler",
    "QuotaSampler",
    "SplitSampler",
    "SplitSortedBucketSampler",
    "background_score",
    "mining_facts",
]

Array = npt.NDArray[Any]

# Scores that differ do so within far fewer bits than this, unless someone makes them on purpose.
PRECISION = 300


def NaiveSampler(matches: Array) -> Array:
    """Return +1 where an anchor is matched, 0 where its match is -2, and -1 elsewhere."""
    samples = [1 if match >= 0 else 0 if match == -2 else -1 for match in np.ravel(matches)]
    return np.array(samples, np.int64).reshape(np.shape(matches))


def OHEMSampler(
    matches: Array,
    logits: Array,
    ious: Array,
    *,
    ratio: float,
    min_samples: int = 0,
    thresh: float = 0.5,
) -> Array:
    """Return +1 for positives, -1 for the eligible negatives of highest score, 0 for the rest."""
    scores, eligible, quotas = mining_facts(
        matches, logits, ious, ratio=ratio, min_samples=min_samples, thresh=thresh
    )
    samples = np.where(np.asarray(matches) >= 0, 1, 0).astype(np.int64)
    for image in np.ndindex(quotas.shape):
        candidates = np.flatnonzero(eligible[image])
        hardest = sorted(candidates, key=lambda i: scores[image][i], reverse=True)  # is stable
        samples[image][hardest[: quotas[image]]] = -1
    return samples


def mining_facts(
    matches: Array,
    logits: Array,
    ious: Array,
    *,
    ratio: float,
    min_samples: int = 0,
    thresh: float = 0.5,
) -> tuple[Array, Array, Array]:
    """Return what `OHEMSampler` decides by.

    Returns
    -------
    scores : numpy.ndarray of mpmath.mpf, (B, N)
        -log softmax(logits)[background].
    eligible : numpy.ndarray, bool, (B, N)
        Which anchors may become negative.
    quotas : numpy.ndarray, int64, (B,)
        How many may.
    """
    matches = np.asarray(matches)
    total = matches.shape[-1]
    scores = np.empty(matches.shape, object)
    for anchor in np.ndindex(matches.shape):
        scores[anchor] = background_score(np.asarray(logits)[anchor])
    below = [
        largest < _to_dtype(thresh, np.asarray(ious).dtype) for largest in _largest(matches, ious)
    ]
    eligible = (matches < 0) & np.array(below, bool).reshape(matches.shape)
    quotas = np.empty(matches.shape[:-1], np.int64)
    for image in np.ndindex(quotas.shape):
        positives = int((matches[image] >= 0).sum())
        quota = max(min_samples, int(ratio * positives))
        quotas[image] = min(quota, total - positives)
    return scores, eligible, quotas


def background_score(logits: Sequence[float]) -> Any:
    """Return -log softmax(logits)[0], as an mpmath.mpf.

    That is log(1 + sum(exp(logits[c] - logits[0]))) over the classes c > 0. Two scores are equal
    exactly if the differences are the same, in whatever order (exponentials of distinct rationals
    are linearly independent: Lindemann and Weierstrass); so they are added in sorted order, which
    makes equal scores come out equal.
    """
    background, *classes = (Fraction(float(logit)) for logit in logits)
    with mpmath.workprec(PRECISION):
        odds = mpmath.mpf(0)
        for difference in sorted(logit - background for logit in classes):
            odds += mpmath.exp(mpmath.mpf(difference.numerator) / difference.denominator)
        return mpmath.log1p(odds)


def QuotaSampler(
    matches: Array,
    ious: Array,
    *,
    num_sample: int,
    pos_thresh: float,
    neg_thresh_high: float,
    neg_thresh_low: float = -np.inf,
    pos_ratio: float = 0.5,
    neg_ratio: float | None = None,
    fill_negative: bool = True,
) -> tuple[Array, Array, Array]:
    """Return what holds whatever is drawn.

    The samples of an image are `candidates`, but if there are more than `max_pos` ones among them,
    then a random subset of exactly that size is kept and the others become 0; and likewise for
    `max_neg`.

    Returns
    -------
    candidates : numpy.ndarray, int64, (B, N)
        +1, -1 and 0 before subsets are taken.
    max_pos, max_neg : numpy.ndarray, int64, (B,)
        The quotas of each image.
    """
    matches = np.asarray(matches)
    dtype = np.asarray(ious).dtype
    pos, high, low = (
        _to_dtype(thresh, dtype) for thresh in (pos_thresh, neg_thresh_high, neg_thresh_low)
    )
    candidates = np.zeros(matches.shape, np.int64)
    for anchor, largest in zip(np.ndindex(matches.shape), _largest(matches, ious), strict=True):
        if matches[anchor] >= 0 or largest >= pos:
            candidates[anchor] = 1
        elif low <= largest < high:
            candidates[anchor] = -1
    max_pos = np.full(matches.shape[:-1], round(pos_ratio * num_sample))
    max_neg = np.empty_like(max_pos)
    for image in np.ndindex(max_neg.shape):
        max_neg[image] = _whole((1 - pos_ratio if neg_ratio is None else neg_ratio) * num_sample)
        if fill_negative:
            positives = min(int((candidates[image] > 0).sum()), max_pos[image])
            max_neg[image] = max(max_neg[image], num_sample - positives)
    return candidates, max_pos, max_neg


def BalancedSampler(
    candidates: Array, *, num_sample: int, pos_ratio: float = 0.5
) -> tuple[Array, Array, Array]:
    """Return what holds whatever is drawn, as `QuotaSampler` does."""
    signs = np.asarray(candidates)
    most = _whole(pos_ratio * num_sample)
    max_pos = np.full(signs.shape[:-1], most)
    max_neg = np.empty_like(max_pos)
    for image in np.ndindex(max_pos.shape):
        max_neg[image] = num_sample - min(int((signs[image] == 1).sum()), most)
    return signs.astype(np.int64), max_pos, max_neg


def SplitSampler(
    length: int, num_parts: int = 1, part_index: int = 0, *, remainder: str = "drop"
) -> range:
    """Return the examples that an epoch yields, each once, in an order that is drawn."""
    sizes = [length // num_parts] * num_parts
    if remainder == "spread":
        for part in range(length % num_parts):
            sizes[part] += 1
    start = sum(sizes[:part_index])
    return range(start, start + sizes[part_index])


def SplitSortedBucketSampler(
    sort_keys: Sequence[Any],
    batch_size: int,
    mult: float = 32,
    num_parts: int = 1,
    part_index: int = 0,
    *,
    order: Sequence[int] | None = None,
) -> list[tuple[list[list[int]], list[list[int]]]]:
    """Return how the part falls into batches, given the order of all examples.

    Parameters
    ----------
    order : sequence of int, optional
        The permutation that the part is cut from, where `shuffle` draws one.

    Returns
    -------
    list of pairs
        For each bucket its batches if it is sorted up, and if it is sorted down: which one is
        drawn. Without `shuffle` they come in this order.
    """
    length = len(sort_keys)
    size = (length + num_parts - 1) // num_parts
    stop = min((part_index + 1) * size, length)
    part = list(range(length) if order is None else order)[stop - size : stop]
    bucket_size = int(mult * batch_size)
    buckets = []
    for begin in range(0, size, bucket_size):
        bucket = part[begin : begin + bucket_size]
        if len(bucket) < batch_size:
            bucket = part[-batch_size:]
        up = sorted(bucket, key=lambda example: sort_keys[example])
        down = sorted(bucket, key=lambda example: sort_keys[example], reverse=True)
        buckets.append((_batches(up, batch_size), _batches(down, batch_size)))
    return buckets


def _batches(bucket: list[int], batch_size: int) -> list[list[int]]:
    batches = [bucket[i : i + batch_size] for i in range(0, len(bucket), batch_size)]
    if len(batches[-1]) < batch_size:
        batches[-1] = bucket[-batch_size:]
    return batches


def _largest(matches: Array, ious: Array) -> list[float]:
    """Return the largest IoU of each anchor, in the order of the flat array; 0 over nothing."""
    ious = np.asarray(ious)
    if ious.shape == np.shape(matches):
        return [float(iou) for iou in ious.flat]
    rows = [ious[anchor] for anchor in np.ndindex(np.shape(matches))]
    return [max((float(iou) for iou in row), default=0.0) for row in rows]


def _to_dtype(thresh: float, dtype: np.dtype[Any]) -> float:
    """Round what is compared with data to the data's dtype."""
    if dtype.kind != "f":
        return float(thresh)
    with np.errstate(over="ignore"):
        return float(dtype.type(thresh))


def _whole(product: float) -> int:
    """Return a product, which is one of double precision, without its fraction.

    One within 1e-9 of a whole number is that number: 0.29 of 100 is 29.
    """
    exact = Fraction(product)
    nearest = round(exact)
    return nearest if abs(exact - nearest) <= Fraction(1, 10**9) else int(exact)
