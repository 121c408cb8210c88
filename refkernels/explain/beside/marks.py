"""What is drawn of a trace beside others: its objects, and some of its positive anchors."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from refkernels.arrays import Array, require
from refkernels.explain.trace.photo import fit
from refkernels.explain.trace.records import Stage
from refkernels.explain.trace.trace import Trace

__all__ = ["COLORS", "Marks", "marks_of"]

# One after the other for ground truths, told apart without red and green: after Okabe and Ito,
# "Color universal design", 2008.
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")

# Positive anchors that are drawn of one ground truth.
MOST = 24


class Marks(NamedTuple):
    """What is drawn.

    Attributes
    ----------
    anchors : numpy.ndarray, int64, (K,)
        Positive anchors, by ground truth; of each at most `MOST`.
    truths : numpy.ndarray, int64, (K,)
        Their ground truths.
    boxes, objects : numpy.ndarray, (K, 4), (M, 4)
        Corner boxes of the anchors and of the ground truths.
    points : bool
        Whether anchors are points, of which the boxes say nothing.
    left_out : int
        How many positive anchors are not drawn.
    extent : tuple of 2 float
        The width and height of the picture.
    """

    anchors: Array
    truths: Array
    boxes: Array
    objects: Array
    points: bool
    left_out: int
    extent: tuple[float, float]


def marks_of(trace: Trace, extent: tuple[float, ...] | None = None) -> Marks:
    """Choose what is drawn of a trace; by default all objects fit into the picture.

    Raises
    ------
    ValueError
        If it is no trace of boxes.
    """
    require(trace.boxes is not None, "trace: has no boxes, expected one of a TargetAssigner")
    assert trace.boxes is not None
    assert trace.anchor_boxes is not None
    positive = np.flatnonzero((trace.anchors["sample"] > 0) & (trace.anchors["match"] >= 0))
    truths = trace.anchors["match"][positive]
    order = np.lexsort((positive, truths))
    positive, truths = positive[order], truths[order]
    place = np.arange(len(truths)) - np.searchsorted(truths, truths)
    # Evenly among those of a ground truth, which lie in rows.
    count = np.bincount(truths, minlength=1)[truths] if len(truths) else truths
    step = np.maximum(1, -(-count // MOST))
    drawn = positive[place % step == 0]
    own = trace.anchors["match"][drawn]
    boxes, objects = trace.anchor_boxes[drawn], trace.boxes
    place = fit(extent)
    if place is not None:
        # What surrounds the image does so on both sides.
        extent = place[0] + place[2], place[1] + place[3]
    else:
        corners = np.concatenate([boxes[:, 2:], objects[:, 2:]])
        wide, high = corners.max(axis=0, initial=1.0)
        extent = float(wide), float(high)
    points = bool((trace.anchors["matched_by"][drawn] == Stage.POINT).any())
    return Marks(
        drawn, own, boxes, objects, points, len(positive) - len(drawn), (extent[0], extent[1])
    )
