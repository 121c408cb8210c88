"""A detector's code as people write it, in NumPy, with none of our names."""

from typing import Any

import numpy as np

__all__ = ["Anchorless", "Assigner", "Coder", "bbox_transform", "compute_overlaps", "train"]


def compute_overlaps(boxes1: Any, boxes2: Any) -> Any:
    low = np.maximum(boxes1[:, None, :2], boxes2[:, :2])
    high = np.minimum(boxes1[:, None, 2:], boxes2[:, 2:])
    inter = (high - low).clip(0).prod(-1)
    areas = [(own[:, 2:] - own[:, :2]).prod(-1) for own in (boxes1, boxes2)]
    return inter / (areas[0][:, None] + areas[1] - inter)


def bbox_transform(ex_rois: Any, gt_rois: Any) -> Any:
    """Offsets in units of the anchor, without stds."""
    ex, gt = ((own[:, 2:] - own[:, :2]) for own in (ex_rois, gt_rois))
    shift = (gt_rois[:, :2] + gt / 2 - ex_rois[:, :2] - ex / 2) / ex
    return np.concatenate([shift, np.log(gt / ex)], 1)


class Assigner:
    """Takes ground truths by anchors."""

    def __init__(self, pos_iou_thr: float = 0.5, neg_iou_thr: float = 0.4) -> None:
        self.high, self.low = pos_iou_thr, neg_iou_thr

    def __call__(self, overlaps: Any) -> Any:
        best = overlaps.max(0)
        found = np.where(best >= self.high, overlaps.argmax(0), -2)
        return np.where(best < self.low, -1, found)


class Coder:
    def __init__(self, stds: Any = (0.1, 0.1, 0.2, 0.2)) -> None:
        self.stds = np.array(stds)

    def decode(self, anchors: Any, deltas: Any) -> Any:
        sides = anchors[:, 2:] - anchors[:, :2]
        centre = anchors[:, :2] + sides / 2 + deltas[:, :2] * self.stds[:2] * sides
        half = np.exp(deltas[:, 2:] * self.stds[2:]) * sides / 2
        return np.concatenate([centre - half, centre + half], 1)


class Anchorless:
    """Nothing that can be called."""


def train(model: Any, loader: Any) -> None:
    raise SystemExit("whoever looks at code must not run this")


def _private_iou(a: Any, b: Any) -> Any:
    return compute_overlaps(a, b)
