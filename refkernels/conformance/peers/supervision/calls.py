"""Calls of supervision that no representation tells: boxes with scores in a table, masks.

Each has the name and parameters of an operator and does nothing but carry arrays to and fro.
"""

from typing import Any

import numpy as np
import supervision

from refkernels.conformance.peers.corner_and_sides import with_sides

__all__ = [
    "box_non_max_suppression",
    "boxes_of_crowds",
    "boxes_of_objects",
    "clip_boxes",
    "with_nms",
]

__refkernels_framework__ = "numpy"


def clip_boxes(x: Any, size: tuple[int, int]) -> Any:
    """Call it with the width before the height."""
    return supervision.clip_boxes(x, size[::-1])


def boxes_of_objects(a: Any, b: Any) -> Any:
    """Call ``box_iou_batch_with_jaccard``, which has ground truths first."""
    crowds = [False] * len(b)
    return supervision.box_iou_batch_with_jaccard(with_sides(b), with_sides(a), crowds)


def boxes_of_crowds(a: Any, b: Any) -> Any:
    """Call ``box_iou_batch_with_jaccard`` where all ground truths are crowds."""
    crowds = [True] * len(b)
    return supervision.box_iou_batch_with_jaccard(with_sides(b), with_sides(a), crowds)


def box_non_max_suppression(boxes: Any, scores: Any, iou_threshold: float) -> Any:
    """Call it on a table of boxes and scores; it gives a mask."""
    table = np.concatenate([boxes, scores[:, None]], -1)
    return _in_order(supervision.box_non_max_suppression(table, iou_threshold), scores)


def with_nms(boxes: Any, scores: Any, labels: Any, threshold: float) -> Any:
    """Call ``Detections.with_nms``; each detection says which one it is."""
    found = supervision.Detections(
        xyxy=boxes,
        confidence=scores,
        class_id=labels.astype(np.int64),
        data={"row": np.arange(len(boxes))},
    ).with_nms(threshold)
    staying = np.zeros(len(boxes), np.bool_)
    staying[found.data["row"].astype(np.int64)] = True
    return _in_order(staying, scores)


def _in_order(staying: Any, scores: Any) -> Any:
    """Return the indices of what stays; a mask has no order, so this is that of the operator."""
    order = np.lexsort((np.arange(len(scores)), -scores.astype(np.float64)))
    return order[staying[order]]
