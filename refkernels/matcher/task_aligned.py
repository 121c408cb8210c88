"""The matcher of TOOD and of YOLO since version 8: the anchors of highest alignment metric."""

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
    check_flag,
    check_integer,
    common_real,
    keep,
    require,
    to_computing,
)
from refkernels.jit import jit
from refkernels.matcher.base import UNMATCHED
from refkernels.matcher.selection import all_finite, select_best

__all__ = ["TaskAlignedMatcher"]

CONFLICTS = ("all", "selected")


@dataclass(frozen=True)
class TaskAlignedMatcher:
    """Match each ground truth with the anchors whose classification and box agree with it best.

    A pair (r, c) counts if anchor r is inside ground truth c and ``metric[r, c] > 0``. Each ground
    truth selects its `topk` counting pairs of largest metric, ties by lowest anchor. An anchor that
    several select gets the one with which it has the largest IoU, ties by the lowest.

    Parameters
    ----------
    topk : int, default 13
        How many anchors a ground truth selects, at least 1; all of them if there are fewer.
    conflict : {'all', 'selected'}, default 'all'
        Among which ground truths an anchor that several select has the largest IoU: all of those
        that it is inside of, also if they did not select it, or those that selected it.
    inside_first : bool, default True
        Whether a ground truth selects among counting pairs. Without it, it selects among all
        anchors, and what does not count among the selected is dropped: it may be left with fewer.
    positive : bool, default True
        Whether a pair needs a metric above 0 to count; without it, a metric of 0 counts too.

    Raises
    ------
    TypeError
        If a parameter or an input has the wrong type or dtype.
    ValueError
        If `topk` is below 1, `conflict` is unknown, shapes do not go together, or `metric` or
        `ious` holds nan or infinity.

    Notes
    -----
    It compares numbers that it is given, and nothing else, so it is exact. The metric of TOOD is
    ``score ** alpha * iou ** beta``.

    A ground truth that pads a batch has no anchors inside, and gets none.

    References
    ----------
    SPEC section 6; Feng et al., "TOOD: Task-aligned one-stage object detection", 2021, section
    3.3, which says that the anchors of largest metric are positive, and leaves open what becomes
    of one that several ground truths select.

    Examples
    --------
    >>> import numpy as np
    >>> metric = np.array([[0.9, 0.0], [0.5, 0.6], [0.4, 0.0], [0.8, 0.0]])
    >>> ious = np.array([[0.9, 0.0], [0.7, 0.6], [0.8, 0.0], [0.8, 0.0]])
    >>> inside = np.array([[True, False], [True, True], [True, False], [False, False]])

    Anchor 3 does not count. Both ground truths select anchor 1, which overlaps the first more.

    >>> TaskAlignedMatcher(topk=2)(metric, ious, inside)
    array([ 0,  0, -1, -1])

    If anchor 3 counts for the selection, it takes the place of anchor 1.

    >>> TaskAlignedMatcher(topk=2, inside_first=False)(metric, ious, inside)
    array([ 0,  1, -1, -1])
    """

    topk: int = 13
    conflict: str = "all"
    inside_first: bool = True
    positive: bool = True

    def __post_init__(self) -> None:
        keep(
            self,
            topk=check_integer("topk", self.topk, low=1),
            conflict=check_choice("conflict", self.conflict, CONFLICTS),
            inside_first=check_flag("inside_first", self.inside_first),
            positive=check_flag("positive", self.positive),
        )

    @classmethod
    def ultralytics(cls, topk: int = 10) -> TaskAlignedMatcher:
        """Return the matcher as ultralytics reads it, with the `topk` of its detectors.

        Its metric is 0 outside, so ground truths select what is inside first, and an anchor that
        several select gets the ground truth of largest IoU among all that it is inside of. The
        paper has 13 for `topk`, and does not speak of such anchors.

        Where a ground truth has fewer than `topk` positive metrics, ultralytics fills up with pairs
        of metric 0, in whichever order ``torch.topk`` has them, and those inside become positive.
        Here they do not.
        """
        return cls(topk=topk)

    @classmethod
    def tood(cls, topk: int = 13) -> TaskAlignedMatcher:
        """Return the matcher as the authors of TOOD and mmdetection have it.

        A ground truth selects among all anchors, and loses what is outside or has metric 0; an
        anchor that several select gets the one of largest IoU among these. The paper has the same
        `topk`, and says neither.
        """
        return cls(topk=topk, conflict="selected", inside_first=False)

    def __call__(self, metric: npt.ArrayLike, ious: npt.ArrayLike, inside: npt.ArrayLike) -> Array:
        """Match anchors.

        Parameters
        ----------
        metric : array_like, real, (..., N, M)
            How well the prediction of each anchor fits each ground truth; more is better.
        ious : array_like, real, (..., N, M)
            The IoU of each anchor's predicted box with each ground truth.
        inside : array_like, bool, (..., N, M)
            Whether the anchor is inside the ground truth.

        Returns
        -------
        numpy.ndarray of int64, (..., N)
            The matched ground truth in [0, M), or -1.
        """
        metrics = as_real("metric", metric, min_ndim=2, finite=False)
        overlaps = as_real("ious", ious, min_ndim=2, finite=False)
        mask = as_mask("inside", inside, min_ndim=2)
        shape = metrics.shape
        for name, array in (("ious", overlaps), ("inside", mask)):
            require(
                array.shape == shape,
                f"{name}: expected the shape of metric, {shape}, got {array.shape}",
            )
        # Comparing is the same in the wider of two dtypes.
        dtype = common_real(metrics, overlaps)
        images = math.prod(shape[:-2]), *shape[-2:]
        given = [to_computing(array, dtype).reshape(images) for array in (metrics, overlaps)]
        out = np.full(images[:-1], UNMATCHED, np.int64)
        complete = _task_aligned(
            given[0],
            given[1],
            mask.reshape(images),
            min(self.topk, shape[-2]),
            self.conflict == "all",
            self.inside_first,
            not self.positive,
            out,
        )
        if not complete:
            check_finite("metric", metrics)
            check_finite("ious", overlaps)
        return out.reshape(shape[:-1])


@jit
def _task_aligned(  # type: ignore[no-untyped-def]
    metric, ious, inside, topk, among_all, inside_first, zero_counts, out
):
    """Fill `out` (B, N), which comes as UNMATCHED, with the matches of (B, N, M) inputs.

    Returns whether all of `metric` and `ious` is finite; if not, `out` is of no use.
    """
    if metric.size == 0:
        return True
    count, columns = metric.shape[1:]
    one, zero = metric.dtype.type(1), metric.dtype.type(0)
    low = zero if inside_first else metric.dtype.type(-np.inf)
    room = np.full(columns, topk)
    values, rows = np.empty((columns, topk), metric.dtype), np.empty((columns, topk), np.int64)
    for image in range(metric.shape[0]):
        own, overlaps, within = metric[image], ious[image], inside[image]
        if not (all_finite(own) and all_finite(overlaps)):
            return False
        # Either with a constant, for which it is compiled by itself.
        if inside_first:
            select_best(own, one, True, within, low, zero_counts, room, values, rows)
        else:
            select_best(own, one, False, within, low, zero_counts, room, values, rows)
        for c in range(columns):
            for k in range(topk):
                r = rows[c, k]
                if r == count or not within[r, c]:
                    continue
                if values[c, k] < zero or (values[c, k] == zero and not zero_counts):
                    continue
                held = out[image, r]
                if held < 0:
                    out[image, r] = c
                elif among_all:
                    out[image, r] = _first_largest(overlaps[r], within[r])
                elif overlaps[r, c] > overlaps[r, held]:
                    out[image, r] = c
    return True


@jit
def _first_largest(row, mask):  # type: ignore[no-untyped-def]
    """Return where the largest of those in the mask is, of which there is one."""
    best = -1
    for c in range(len(row)):
        if mask[c] and (best < 0 or row[c] > row[best]):
            best = c
    return best
