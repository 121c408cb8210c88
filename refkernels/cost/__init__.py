"""Costs and metrics of pairs, which the matchers of today's detectors decide by (SPEC section 6).

Each takes what a network says of N anchors and what is true of M objects, and returns (B, N, M).
"""

import numpy as np

from refkernels.cost.aligned import TaskAlignedMetric
from refkernels.cost.detr import DETRCost
from refkernels.cost.distance import CenterDistance
from refkernels.cost.inside import InsideMask
from refkernels.cost.simota import SimOTACost

__all__ = ["CenterDistance", "DETRCost", "InsideMask", "SimOTACost", "TaskAlignedMetric"]


def warmup() -> None:
    """Compile the kernels of this package for float32 and float64, or load them from the cache."""
    labels, inside = np.zeros((1, 1), np.int64), np.ones((1, 1, 1), np.bool_)
    for dtype in (np.float32, np.float64):
        boxes, scores = np.ones((1, 1, 4), dtype), np.ones((1, 1, 1), dtype)
        CenterDistance()(boxes, boxes)
        InsideMask()(boxes[..., :2], boxes)
        TaskAlignedMetric()(scores, labels, scores)
        SimOTACost()(scores, labels, scores, inside)
        DETRCost()(scores, boxes, labels, boxes)
