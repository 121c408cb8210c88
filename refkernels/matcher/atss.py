"""The matcher whose threshold each ground truth sets itself."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from refkernels.arrays import (
    Array,
    as_indices,
    as_mask,
    as_real,
    check_finite,
    check_integer,
    common_real,
    keep,
    require,
    to_computing,
)
from refkernels.jit import jit
from refkernels.matcher.base import UNMATCHED
from refkernels.matcher.selection import all_finite, select_best

# Target assignment decides with the same kernels.
__all__ = ["ATSSMatcher", "put", "reaching"]


@dataclass(frozen=True)
class ATSSMatcher:
    """Match each ground truth with near anchors that overlap it more than near anchors mostly do.

    The candidates of a ground truth are, on each level, the `topk` anchors of least distance, or
    all if there are fewer; ties by lowest index. Its threshold is the mean of the candidates' IoUs
    plus their standard deviation. A candidate is positive if its IoU is at least that and it is
    inside. An anchor that is positive for several gets the one of largest IoU, ties by lowest
    index.

    Parameters
    ----------
    topk : int, default 9
        The candidates on a level. At least 1.
    ddof : int, default 1
        The deviation's divisor is the number of candidates less this; where that is not positive,
        the deviation is 0. Not negative.

    Raises
    ------
    TypeError
        If a parameter or an input has the wrong type or dtype.
    ValueError
        If a parameter is out of range, shapes do not go together, IoUs or distances hold nan or
        infinity, or the levels do not sum to the number of anchors.

    Notes
    -----
    The threshold is compared in double precision whatever the dtype of the IoUs, with

    ``(K x - S)**2 * (K - ddof) >= sum((K x_i - S)**2)`` and ``K x >= S``

    for the IoU x of one of K candidates, all less the first of them, their sum S, and them x_i.
    Without a quotient and a root that is exact for IoUs that are equal, or of few digits.

    A ground truth without extent has IoU 0 with all anchors, and so has its threshold: what pads a
    batch takes no anchors because none is inside.

    References
    ----------
    SPEC section 6; Zhang et al., "Bridging the gap between anchor-based and anchor-free detection
    via adaptive training sample selection", 2020, algorithm 1, which does not say which of the two
    deviations it means: the authors' code has ``ddof=1``.

    Examples
    --------
    >>> import numpy as np
    >>> ious = np.array([[0.75], [0.3], [0.9], [0.4], [0.05]])
    >>> distances = np.array([[1.0], [2.0], [5.0], [1.0], [9.0]])
    >>> inside = np.ones((5, 1), bool)

    The candidates are anchors 0 and 1 of the first level, 3 and 4 of the second; of their IoUs the
    mean is 0.375 and the deviation 0.29.

    >>> ATSSMatcher(topk=2)(ious, distances, inside, [3, 2])
    array([ 0, -1, -1, -1, -1])
    """

    topk: int = 9
    ddof: int = 1

    def __post_init__(self) -> None:
        keep(
            self,
            topk=check_integer("topk", self.topk, low=1),
            ddof=check_integer("ddof", self.ddof, low=0),
        )

    def __call__(
        self,
        ious: npt.ArrayLike,
        distances: npt.ArrayLike,
        inside: npt.ArrayLike,
        levels: npt.ArrayLike,
    ) -> Array:
        """Match anchors.

        Parameters
        ----------
        ious : array_like, real, (..., N, M)
            The IoU of each anchor with each ground truth.
        distances : array_like, real, (..., N, M)
            How far they are from each other, mostly their centres.
        inside : array_like, bool, (..., N, M)
            Whether the anchor's centre is inside the ground truth.
        levels : array_like, whole numbers, (L,)
            How many anchors each level has, in their order; they sum to N.

        Returns
        -------
        numpy.ndarray of int64, (..., N)
            The matched ground truth in [0, M), or -1.
        """
        overlaps = as_real("ious", ious, min_ndim=2, finite=False)
        lengths = as_real("distances", distances, min_ndim=2, finite=False)
        is_inside = as_mask("inside", inside, min_ndim=2)
        shape = overlaps.shape
        for name, array in (("distances", lengths), ("inside", is_inside)):
            require(
                array.shape == shape,
                f"{name}: expected the shape of ious, {shape}, got {array.shape}",
            )
        counts = _as_levels(levels, shape[-2])
        # Comparing is the same in the wider of two dtypes.
        dtype = common_real(overlaps, lengths)
        images = math.prod(shape[:-2]), *shape[-2:]
        out = np.full(images[:-1], UNMATCHED, np.int64)
        topk, ddof = min(self.topk, shape[-2]), min(self.ddof, shape[-2])
        pairs = to_computing(overlaps, dtype).reshape(images)
        far = to_computing(lengths, dtype).reshape(images)
        if not _atss(pairs, far, is_inside.reshape(images), counts, topk, ddof, out):
            check_finite("ious", overlaps)
            check_finite("distances", lengths)
        return out.reshape(shape[:-1])


def _as_levels(levels: npt.ArrayLike, count: int) -> Array:
    """Check that `levels` is how many of `count` anchors each level has."""
    counts = as_indices("levels", levels)
    require(counts.ndim == 1, f"levels: expected one axis, got shape {counts.shape}")
    for i, own in enumerate(counts.tolist()):
        require(own >= 0, f"levels[{i}] is {own}, expected counts of at least 0")
    total = sum(counts.tolist())
    require(
        total == count,
        f"levels: expected counts that sum to the number of anchors, {count}, got a sum of {total}",
    )
    return counts


@jit
def _atss(ious, distances, inside, levels, topk, ddof, out):  # type: ignore[no-untyped-def]
    """Fill `out` (B, N), which comes as UNMATCHED, with the matches of (B, N, M) inputs.

    Returns whether all of `ious` and `distances` is finite; if not, `out` is of no use.
    """
    if ious.size == 0:
        return True
    columns = ious.shape[2]
    total = 0
    for size in levels:
        total += min(topk, size)
    candidates = np.empty((columns, total), np.int64)
    values = np.empty(total, np.float64)
    least = np.empty((columns, topk), distances.dtype)
    rows = np.empty((columns, topk), np.int64)
    sign, low = distances.dtype.type(-1), distances.dtype.type(-np.inf)
    for image in range(ious.shape[0]):
        if not (all_finite(ious[image]) and all_finite(distances[image])):
            return False
        start = filled = 0
        for size in levels:
            room = np.full(columns, min(topk, size), np.int64)
            own = distances[image, start : start + size]
            select_best(own, sign, False, inside[image], low, True, room, least, rows)
            for c in range(columns):
                for k in range(room[c]):
                    put(candidates[c], filled, filled + k, start + rows[c, k])
            start += size
            filled += min(topk, size)
        for c in range(columns):
            _match_column(ious[image], inside[image], c, candidates[c], values, ddof, out[image])
    return True


@jit
def put(candidates, first, last, row):  # type: ignore[no-untyped-def]
    """Put a row among candidates, so that those from `first` to `last` ascend."""
    k = last
    while k > first and candidates[k - 1] > row:
        candidates[k] = candidates[k - 1]
        k -= 1
    candidates[k] = row


@jit
def _match_column(ious, inside, c, candidates, values, ddof, out):  # type: ignore[no-untyped-def]
    """Match the candidates of column c that reach its threshold, unless better matched."""
    for k in range(len(candidates)):
        # To Numba, `float` leaves a float32 as it is.
        values[k] = np.float64(ious[candidates[k], c])
    reaching(values, ddof)
    for k in range(len(candidates)):
        r = candidates[k]
        # Columns come in order: a later one with an equal IoU is worse.
        if values[k] > 0 and inside[r, c] and (out[r] < 0 or ious[r, c] > ious[r, out[r]]):
            out[r] = c


@jit
def reaching(values, ddof):  # type: ignore[no-untyped-def]
    """Replace the IoUs of candidates by whether they reach the threshold of these, 1 or 0.

    What is compared are IoUs less the first of them, scaled by a power of two that brings them
    below 1: so no square overflows, and none that counts underflows. Scaling changes no digit.
    """
    count = len(values)
    largest, origin = 0.0, values[0] if count else 0.0
    for k in range(count):
        values[k] -= origin
        largest = max(largest, abs(values[k]))
    exponent = math.frexp(largest)[1]
    total = 0.0
    for k in range(count):
        values[k] = math.ldexp(values[k], -exponent)
        total += values[k]
    spread = 0.0
    for k in range(count):
        values[k] = count * values[k] - total
        spread += values[k] * values[k]
    divisor = count - ddof
    for k in range(count):
        excess = values[k]
        values[k] = excess >= 0 and (divisor <= 0 or excess * excess * divisor >= spread)
