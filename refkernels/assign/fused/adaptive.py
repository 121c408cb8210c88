"""ATSS fused with what it looks at: each box's nearest anchors, and their IoUs alone."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from refkernels.arrays import Array, rounded, rounded_to_computing
from refkernels.assign.fused.known import SMALLEST_AREA
from refkernels.assign.fused.plan import are_usual, largest_coordinate
from refkernels.assign.fused.tiles import TILE
from refkernels.bbox import BBoxBatchIOU
from refkernels.chain.composition import Operators, points_of
from refkernels.chain.matching import ATSS_MARGIN
from refkernels.cost.distance import RANGES, center_of, scaled_distance
from refkernels.jit import jit
from refkernels.matcher import ATSSMatcher
from refkernels.matcher.atss import put, reaching

__all__ = ["AdaptiveMatching"]


class AdaptiveMatching(NamedTuple):
    """What ATSS has of anchors, whatever the image.

    Attributes
    ----------
    anchors, centres, points, levels
        As the kernel takes them.
    topk, ddof : int
        Those of the `ATSSMatcher`.
    """

    anchors: Array
    centres: Array
    points: Array
    levels: Array
    topk: int
    ddof: int

    @classmethod
    def of(cls, operators: Operators, anchors: Array) -> AdaptiveMatching | None:
        """Return that of an assigner, or None if it is none of ATSS or anchors are unusual."""
        matcher: Any = operators.matcher
        layout: Any = operators.layout
        if type(matcher) is not ATSSMatcher or not are_usual(anchors):
            return None
        count = len(anchors)
        own = np.array(anchors, order="C")
        topk, ddof = min(matcher.topk, count), min(matcher.ddof, count)
        return cls(own, centers(own), points_of(own), layout.levels, topk, ddof)

    def matches(self, boxes: Array) -> Array | None:
        """Return the matches of anchors with boxes that have an extent, without any matrix.

        None for boxes so small or so large that pairs are computed in ways of their own.
        """
        dtype = self.anchors.dtype
        kept = boxes[(boxes[:, 2:] > boxes[:, :2]).all(axis=1)]
        with np.errstate(all="ignore"):
            areas = (kept[:, 2] - kept[:, 0]) * (kept[:, 3] - kept[:, 1])
            beyond = np.abs(kept).max(initial=0) > largest_coordinate(dtype)
        if beyond or (areas < SMALLEST_AREA).any():
            return None
        out = np.full(len(self.anchors), -1, np.int64)
        margin = rounded(ATSS_MARGIN, dtype)
        eps = rounded_to_computing(BBoxBatchIOU().eps, dtype)
        scales = tuple(RANGES[dtype])
        kept = np.ascontiguousarray(kept)
        match_adaptively(*self[:4], kept, *self[4:], margin, eps, scales, out)
        return out


@jit
def centers(anchors):  # type: ignore[no-untyped-def]
    """Return the x and the y of anchors' centres, (2, N), as `CenterDistance` has them."""
    half = anchors.dtype.type(0.5)
    out = np.empty((2, anchors.shape[0]), anchors.dtype)
    for k in range(2):
        for i in range(anchors.shape[0]):
            out[k, i] = center_of(anchors[i, k], anchors[i, k + 2], half, True)
    return out


@jit
def match_adaptively(  # type: ignore[no-untyped-def]
    anchors, centres, points, levels, boxes, topk, ddof, margin, eps, scales, out
):
    """Fill `out` (N,), which comes as -1, with the matches of `ATSSMatcher`.

    Parameters
    ----------
    anchors, centres, points : (N, 4), (2, N), (N, 2)
        The anchors, their centres as distances are measured from, and as they are inside of boxes.
    levels : int64, (L,)
        How many anchors each level has.
    boxes : (M, 4)
        Those that have an extent.
    margin, eps : numbers of the dtype
        Those of `InsideMask` and `BBoxBatchIOU`.
    scales : tuple of 4
        The limits of `CenterDistance`.
    """
    zero, half = anchors.dtype.type(0), anchors.dtype.type(0.5)
    least, most, up, down = scales
    total, longest = 0, 0
    for size in levels:
        total += min(topk, size)
        longest = max(longest, size)
    candidates = np.empty(total, np.int64)
    values = np.empty(total, np.float64)
    ious = np.empty(total, anchors.dtype)
    lengths = np.empty(longest, anchors.dtype)
    best = np.empty(anchors.shape[0], anchors.dtype)
    nearest = np.empty(topk, np.int64)
    for column in range(boxes.shape[0]):
        left, top, right, bottom = boxes[column]
        x, y = center_of(left, right, half, True), center_of(top, bottom, half, True)
        area = (right - left) * (bottom - top) + eps
        start = filled = 0
        for size in levels:
            _measure(centres, start, size, x, y, least, most, up, down, lengths)
            room = min(topk, size)
            _select(lengths, size, room, nearest)
            for k in range(room):
                put(candidates, filled, filled + k, start + nearest[k])
            start += size
            filled += room
        for k in range(total):
            own = anchors[candidates[k]]
            width = max(min(own[2], right) - max(own[0], left), zero)
            height = max(min(own[3], bottom) - max(own[1], top), zero)
            inter = width * height
            ious[k] = inter / ((own[2] - own[0]) * (own[3] - own[1]) + area - inter)
            values[k] = np.float64(ious[k])
        reaching(values, ddof)
        for k in range(total):
            row = candidates[k]
            px, py = points[row]
            inside = (px - left > margin) & (py - top > margin)
            inside &= (right - px > margin) & (bottom - py > margin)
            if values[k] > 0 and inside and (out[row] < 0 or ious[k] > best[row]):
                out[row], best[row] = column, ious[k]


@jit
def _measure(centres, start, size, x, y, least, most, up, down, out):  # type: ignore[no-untyped-def]
    """Fill `out` with the distances of a level's anchors from a point."""
    sure = True
    for i in range(size):
        dx, dy = centres[0, start + i] - x, centres[1, start + i] - y
        square = dx * dx + dy * dy
        out[i] = np.sqrt(square)
        sure &= (square >= least) & (square <= most)
    if not sure:
        for i in range(size):
            dx, dy = centres[0, start + i] - x, centres[1, start + i] - y
            out[i] = scaled_distance(dx, dy, least, most, up, down)


@jit
def _select(lengths, size, room, nearest):  # type: ignore[no-untyped-def]
    """Fill `nearest` with the places of the least lengths, ties by lowest place, in order."""
    found = 0
    worst = lengths.dtype.type(np.inf)
    for first in range(0, size, TILE):
        last = min(first + TILE, size)
        if found == room:
            hit = False
            for i in range(first, last):
                hit |= lengths[i] < worst
            if not hit:
                continue
        for i in range(first, last):
            if found == room and not lengths[i] < worst:
                continue
            k = found if found < room else room - 1
            while k > 0 and lengths[nearest[k - 1]] > lengths[i]:
                nearest[k] = nearest[k - 1]
                k -= 1
            nearest[k] = i
            found = min(found + 1, room)
            worst = lengths[nearest[found - 1]]
