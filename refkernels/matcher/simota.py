"""The matcher of YOLOX: as many anchors for a ground truth as their IoUs sum to, of least cost."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from refkernels.arrays import (
    Array,
    as_mask,
    as_real,
    check_choice,
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

__all__ = ["SimOTAMatcher"]

CONFLICTS = ("all", "selected")


@dataclass(frozen=True)
class SimOTAMatcher:
    """Match each ground truth with its anchors of least cost, as many as their IoUs sum to.

    Among the valid anchors, ground truth c selects the ``k = max(1, floor(s))`` of least cost, at
    most all of them, where s is the sum of its `candidate_topk` largest IoUs; ties by lowest
    anchor. An anchor that several select gets the one of least cost, ties by the lowest.

    Parameters
    ----------
    candidate_topk : int, default 10
        How many of the IoUs are summed, at least 1; all of them if there are fewer.
    conflict : {'all', 'selected'}, default 'all'
        Among which ground truths an anchor that several select has the least cost: all, also those
        that did not select it, or those that selected it.

    Raises
    ------
    TypeError
        If a parameter or an input has the wrong type or dtype.
    ValueError
        If `candidate_topk` is below 1, `conflict` is unknown, shapes do not go together, or `cost`
        or `ious` holds nan or infinity.

    Notes
    -----
    A ground truth selects an anchor even if its IoUs are all 0, for so does one that a network does
    not find yet. So what pads a batch has to be left out: there is no telling the two apart.

    The sum has twice the digits of double precision: it is exact but for IoUs that differ by many
    orders of magnitude.

    References
    ----------
    SPEC section 6; Ge et al., "YOLOX: Exceeding YOLO series in 2021", 2021, section 2.1; k is that
    of Ge et al., "OTA: Optimal transport assignment for object detection", 2021, section 3.3.

    Examples
    --------
    >>> import numpy as np
    >>> ious = np.array([[0.9, 0.3], [0.8, 0.2], [0.4, 0.0], [0.1, 0.4]])
    >>> cost = np.array([[1.0, 2.0], [5.0, 4.0], [3.0, 9.0], [4.0, 1.5]])

    The first ground truth selects ``floor(2.2)`` anchors, 0 and 2, the second one, 3.

    >>> SimOTAMatcher()(cost, ious)
    array([ 0, -1,  0,  1])
    >>> SimOTAMatcher()(cost, ious, valid=[True, True, False, True])
    array([ 0, -1, -1,  1])
    """

    candidate_topk: int = 10
    conflict: str = "all"

    def __post_init__(self) -> None:
        keep(
            self,
            candidate_topk=check_integer("candidate_topk", self.candidate_topk, low=1),
            conflict=check_choice("conflict", self.conflict, CONFLICTS),
        )

    @classmethod
    def yolox(cls) -> SimOTAMatcher:
        """Return the matcher of YOLOX's code: the 10 largest IoUs, conflicts among all.

        The paper refers to OTA for k, where 20 IoUs are summed, and says nothing of conflicts.
        """
        return cls(candidate_topk=10, conflict="all")

    @classmethod
    def mmdet(cls, candidate_topk: int = 10) -> SimOTAMatcher:
        """Return the matcher of mmdetection's SimOTA, which is that of YOLOX.

        With a `candidate_topk` of 13 it is that of RTMDet, whose cost is another one.
        """
        return cls(candidate_topk=candidate_topk, conflict="all")

    def __call__(
        self,
        cost: npt.ArrayLike,
        ious: npt.ArrayLike,
        valid: npt.ArrayLike | None = None,
    ) -> Array:
        """Match anchors.

        Parameters
        ----------
        cost : array_like, real, (..., N, M)
            What it costs to match each anchor with each ground truth.
        ious : array_like, real, (..., N, M)
            The IoU of each anchor's predicted box with each ground truth.
        valid : array_like, bool, (..., N), optional
            Which anchors may be matched; by default all.

        Returns
        -------
        numpy.ndarray of int64, (..., N)
            The matched ground truth in [0, M), or -1.
        """
        costs = as_real("cost", cost, min_ndim=2, finite=False)
        overlaps = as_real("ious", ious, min_ndim=2, finite=False)
        shape = costs.shape
        require(
            overlaps.shape == shape,
            f"ious: expected the shape of cost, {shape}, got {overlaps.shape}",
        )
        if valid is None:
            valid = np.ones(shape[:-1], bool)
        mask = as_mask("valid", valid, min_ndim=1)
        require(
            mask.shape == shape[:-1],
            f"valid: expected one for each row of cost, {shape[:-1]}, got {mask.shape}",
        )
        dtype = common_real(costs, overlaps)
        images = math.prod(shape[:-2]), *shape[-2:]
        given = [to_computing(array, dtype).reshape(images) for array in (costs, overlaps)]
        out = np.full(images[:-1], UNMATCHED, np.int64)
        topk = min(self.candidate_topk, shape[-2])
        among_all = self.conflict == "all"
        if not _sim_ota(given[0], given[1], mask.reshape(images[:-1]), topk, among_all, out):
            check_finite("cost", costs)
            check_finite("ious", overlaps)
        return out.reshape(shape[:-1])


@jit
def _sim_ota(cost, ious, valid, topk, among_all, out):  # type: ignore[no-untyped-def]
    """Fill `out` (B, N), which comes as UNMATCHED, with the matches of (B, N, M) inputs.

    Returns whether all of `cost` and `ious` is finite; if not, `out` is of no use.
    """
    if cost.size == 0:
        return True
    columns = cost.shape[2]
    for image in range(cost.shape[0]):
        if not (all_finite(cost[image]) and all_finite(ious[image])):
            return False
        places = np.flatnonzero(valid[image])
        count = len(places)
        if count == valid.shape[1]:
            _match(cost[image], ious[image], places, valid, topk, among_all, out[image])
        elif count > 0:
            costs = np.empty((count, columns), cost.dtype)
            overlaps = np.empty((count, columns), ious.dtype)
            for i in range(count):
                r = places[i]
                for c in range(columns):
                    costs[i, c], overlaps[i, c] = cost[image, r, c], ious[image, r, c]
            _match(costs, overlaps, places, valid, topk, among_all, out[image])
    return True


@jit
def _match(cost, ious, places, mask, topk, among_all, out):  # type: ignore[no-untyped-def]
    """Match valid rows (K, M), which are those at `places` (K,) of `out` (N,).

    `mask` is any, and not looked at: a selection has one, and is compiled for its type.
    """
    count, columns = cost.shape
    lowest, one = cost.dtype.type(-np.inf), cost.dtype.type(1)
    topk = min(topk, count)
    room = np.full(columns, topk)
    values, rows = np.empty((columns, topk), cost.dtype), np.empty((columns, topk), np.int64)
    select_best(ious, one, False, mask, lowest, False, room, values, rows)
    most = 0
    for c in range(columns):
        room[c] = _how_many(values[c], count)
        most = max(most, room[c])
    if most > topk:
        values, rows = np.empty((columns, most), cost.dtype), np.empty((columns, most), np.int64)
    select_best(cost, -one, False, mask, lowest, False, room, values, rows)
    for c in range(columns):
        for k in range(room[c]):
            r = rows[c, k]
            held = out[places[r]]
            if held < 0:
                out[places[r]] = c
            elif among_all:
                out[places[r]] = np.argmin(cost[r])
            elif cost[r, c] < cost[r, held]:
                out[places[r]] = c


@jit
def _how_many(ious, count):  # type: ignore[no-untyped-def]
    """Return max(1, floor(sum)), at most `count`.

    What is lost in each addition is known exactly (Knuth's two-sum) and summed beside it.
    """
    total, lost = np.float64(0), np.float64(0)
    for iou in ious:
        term = np.float64(iou)
        found = total + term
        part = found - total
        lost += (total - (found - part)) + (term - part)
        total = found
    found = total + lost
    lost = (total - found) + lost
    if found != found:  # the sum is beyond all numbers
        return count if total > 0 else 1
    if found >= count:
        return count
    if found < 1:
        return 1
    k = int(found)
    return max(1, k - 1 if found == k and lost < 0 else k)
