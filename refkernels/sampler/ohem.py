"""Online hard-negative mining (SPEC section 3)."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from refkernels.arrays import (
    Array,
    as_real,
    check_integer,
    check_number,
    keep,
    require,
    rounded,
    to_computing,
)
from refkernels.jit import jit
from refkernels.sampler.inputs import as_matches, as_maxima

__all__ = ["OHEMSampler"]

# So many logits at a time fit a cache.
ROWS = 2048


@dataclass(frozen=True)
class OHEMSampler:
    """Take every match, and the negatives that the network gets most wrong (hard-negative mining).

    Matched anchors are positive. An unmatched anchor may be negative if its largest IoU is below
    `thresh`. Of these, ``min(max(min_samples, ratio * positives), N - positives)``, truncated to a
    whole number, become negative: those of highest score ``-log softmax(logits)[background]``, the
    lowest index first among equals; or all, if there are fewer. The rest is ignored.

    Parameters
    ----------
    ratio : float
        How many negatives there may be for each positive, not negative.
    min_samples : int, default 0
        How many negatives there may be whatever the number of positives.
    thresh : float, default 0.5
        An IoU in [0, 1], rounded to the dtype of the IoUs.

    Raises
    ------
    TypeError
        If a parameter or an input has the wrong type or dtype.
    ValueError
        If a parameter is out of range, shapes do not go together, or an input holds nan or
        infinity.

    Notes
    -----
    The product ``ratio * positives`` is one of double precision: 0.29 of 100 gives 28.

    The score grows with the log-odds of an object against the background, ``max + log(sum(exp(
    logits[1:] - max))) - logits[0]`` with ``max = max(logits[1:])``. Anchors are ranked by half of
    these, in the dtype of the logits: they are finite for every finite logit, and do not round to a
    common value where an anchor is easy, as the score does.

    References
    ----------
    SPEC section 3; Shrivastava et al., "Training region-based object detectors with online hard
    example mining", 2016; Liu et al., "SSD: single shot multibox detector", 2016, section 2.2.

    Examples
    --------
    >>> matches, ious = [0, -1, -1, -1], [0.9, 0.1, 0.2, 0.6]
    >>> logits = [[0.0, 5.0], [1.0, 0.0], [0.0, 1.0], [0.0, 9.0]]
    >>> OHEMSampler(ratio=1)(matches, logits, ious)
    array([ 1,  0, -1,  0])
    """

    ratio: float
    min_samples: int = 0
    thresh: float = 0.5

    def __post_init__(self) -> None:
        keep(
            self,
            ratio=check_number("ratio", self.ratio, low=0),
            min_samples=check_integer("min_samples", self.min_samples, low=0, high=None),
            thresh=check_number("thresh", self.thresh, low=0, high=1),
        )

    def __call__(self, matches: npt.ArrayLike, logits: npt.ArrayLike, ious: npt.ArrayLike) -> Array:
        """Sample `matches`.

        Parameters
        ----------
        matches : array_like, whole numbers, (B, N) or (N,)
            The index of the ground truth that each anchor is matched with, negative for none.
        logits : array_like, real, (B, N, C + 1) or (N, C + 1)
            Scores of the classes before softmax, background first.
        ious : array_like, real, (B, N, M), (B, N), (N, M) or (N,)
            The IoU of each anchor with each ground truth, or the largest of them.

        Returns
        -------
        numpy.ndarray, int64
            Samples, of the shape of `matches`.
        """
        indices = as_matches(matches)
        maxima = as_maxima(ious, indices)
        values = as_real("logits", logits)
        require(
            values.shape[:-1] == indices.shape and values.shape[-1] > 1,
            f"logits: expected the shape of matches, {indices.shape}, and then an axis of the "
            f"background and at least one class, got {values.shape}",
        )
        eligible = (indices < 0) & (maxima < rounded(self.thresh, maxima.dtype))
        batch = to_computing(values, values.dtype)
        scores = _log_odds(batch.reshape(-1, batch.shape[-1])).reshape(indices.shape)
        scores[~eligible] = -np.inf
        samples = np.empty(indices.shape, np.int64)
        _batch_mine(
            np.atleast_2d(indices),
            np.atleast_2d(eligible),
            np.atleast_2d(scores.view(f"i{scores.itemsize}")),
            self.ratio,
            float(min(self.min_samples, indices.shape[-1])),
            np.atleast_2d(samples),
        )
        return samples


def _log_odds(logits: Array) -> Array:
    """Return half the log-odds (N,) of logits (N, C + 1).

    Half, so that no difference of finite logits overflows. The exponentials are nearly all of the
    work, and NumPy's go along vectors, which a kernel's do not.
    """
    half = logits.dtype.type(0.5)
    odds = np.empty(len(logits), logits.dtype)
    with np.errstate(all="ignore"):  # a difference may be -inf, whose exponential is 0
        for start in range(0, len(logits), ROWS):
            part = logits[start : start + ROWS]
            # Classes first: maxima and sums over them then go along vectors as well. Of a single
            # anchor NumPy would add the classes in another order, so there are two at least.
            classes = part.T.copy() if len(part) > 1 else part.T.repeat(2, axis=1)
            background, objects = classes[0], classes[1:]
            largest = objects.max(0)
            objects -= largest
            total = np.exp(objects, out=objects).sum(0)
            found = largest * half - background * half + np.log(total) * half
            odds[start : start + ROWS] = found[: len(part)]
    odds += 0  # makes -0 equal to 0 for the ranking, which looks at bits
    return odds


@jit
def _mine(matches, eligible, keys, ratio, min_samples, samples):  # type: ignore[no-untyped-def]
    """Fill `samples` (N) with the positives and the hardest of the eligible negatives.

    `keys` (N) are the bits of their scores, as integers of that size; they are overwritten. The
    score of the last one that is taken is found bit by bit from the top, by counting the keys that
    reach it: no order can make that slow, and equal scores are no special case.
    """
    kind = keys.dtype.type
    bits = keys.itemsize * 8
    magnitude = kind((1 << (bits - 1)) - 1)
    positives, candidates = 0, 0
    for i in range(keys.shape[0]):
        # The magnitude of a negative float grows with its bits: turn these around.
        keys[i] ^= (keys[i] >> kind(bits - 1)) & magnitude
        samples[i] = matches[i] >= 0
        positives += matches[i] >= 0
        candidates += eligible[i]
    quota = max(min_samples, ratio * positives)
    left = min(int(min(quota, float(keys.shape[0] - positives))), candidates)
    if left == 0:
        return
    threshold = -(1 << (bits - 1))
    for bit in range(bits - 1, -1, -1):
        higher = kind(threshold + (1 << bit))
        reached = 0
        for i in range(keys.shape[0]):
            reached += keys[i] >= higher
        if reached >= left:
            threshold = np.int64(higher)
    lowest = kind(threshold)
    for i in range(keys.shape[0]):
        if keys[i] > lowest:
            samples[i] = -1
            left -= 1
    for i in range(keys.shape[0]):
        if left > 0 and keys[i] == lowest:
            samples[i] = -1
            left -= 1


@jit
def _batch_mine(matches, eligible, keys, ratio, min_samples, samples):  # type: ignore[no-untyped-def]
    for image in range(matches.shape[0]):
        _mine(matches[image], eligible[image], keys[image], ratio, min_samples, samples[image])
