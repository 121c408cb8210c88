"""Calls of powerboxes that no representation tells: scores in double precision, as it asks.

Each has the name and parameters of an operator and does nothing but carry arrays to and fro.
"""

from typing import Any

import numpy as np
import powerboxes

__all__ = ["nms", "rtree_nms", "to_center", "to_corner"]

__refkernels_framework__ = "numpy"


def nms(boxes: Any, scores: Any, iou_threshold: float) -> Any:
    """Call it without a threshold for scores."""
    return powerboxes.nms(boxes, scores.astype(np.float64), iou_threshold, float("-inf"))


def rtree_nms(boxes: Any, scores: Any, iou_threshold: float) -> Any:
    """Call it without a threshold for scores."""
    return powerboxes.rtree_nms(boxes, scores.astype(np.float64), iou_threshold, float("-inf"))


def to_center(x: Any) -> Any:
    """Call ``box_convert``."""
    return powerboxes.box_convert(x, "xyxy", "cxcywh")


def to_corner(x: Any) -> Any:
    """Call ``box_convert``."""
    return powerboxes.box_convert(x, "cxcywh", "xyxy")
