"""Boxes, coders, costs and anchors of mmdet that are written in another order."""

from functools import cache
from typing import Any

import torch
from mmdet.models.task_modules import assigners, coders, prior_generators
from mmdet.structures.bbox import HorizontalBoxes, bbox_overlaps
from mmengine.structures import InstanceData

__all__ = [
    "aligned_overlaps",
    "anchor_grid",
    "bbox_l1_cost",
    "box_areas",
    "classification_cost",
    "clipped_boxes",
    "focal_cost",
    "inside_boxes",
    "simota_cost",
    "task_aligned_metric",
    "tblr_decode",
    "tblr_encode",
    "yolo_anchor_grid",
]

__refkernels_framework__ = "torch"


def aligned_overlaps(a: Any, b: Any, mode: str, eps: float = 1e-6) -> Any:
    """Call ``bbox_overlaps`` on boxes that belong together."""
    return bbox_overlaps(a, b, mode, is_aligned=True, eps=eps)


def box_areas(x: Any) -> Any:
    """Return ``HorizontalBoxes.areas``."""
    return HorizontalBoxes(x).areas


def clipped_boxes(x: Any, shape: Any) -> Any:
    """Call ``HorizontalBoxes.clip_`` on boxes of its own, which it says that it changes."""
    boxes = HorizontalBoxes(x.clone())
    boxes.clip_(shape)
    return boxes.tensor


def tblr_encode(points: Any, boxes: Any, sizes: Any) -> Any:
    """Call ``TBLRBBoxCoder.encode`` for priors around points, with a normalizer of 1."""
    coder = coders.TBLRBBoxCoder(normalizer=1.0)
    top, bottom, left, right = coder.encode(_around(points, sizes), boxes).unbind(-1)
    return torch.stack([left, top, right, bottom], -1)


def tblr_decode(points: Any, distances: Any, sizes: Any) -> Any:
    """Call ``TBLRBBoxCoder.decode`` for priors around points, with a normalizer of 1."""
    coder = coders.TBLRBBoxCoder(normalizer=1.0)
    return coder.decode(_around(points, sizes), distances[..., [1, 3, 0, 2]])


def _around(points: Any, sizes: Any) -> Any:
    return torch.cat([points - sizes / 2, points + sizes / 2], -1)


def anchor_grid(
    height: Any,
    width: Any,
    sizes: Any,
    ratios: Any,
    stride: Any,
    offset: float = 0.0,
    order: str = "ratio",
    dtype: str = "float32",
) -> Any:
    """Call ``AnchorGenerator.grid_priors`` for one level, of base size 1."""
    down, along = _pair(stride)
    generator = prior_generators.AnchorGenerator(
        [(along, down)],
        list(ratios),
        list(sizes),
        [1],
        scale_major=order == "ratio",
        # Halves, which are exact; without an offset, it has none either.
        centers=[(along / 2, down / 2)] if offset else None,
    )
    return _grid(generator, height, width, dtype)


def yolo_anchor_grid(
    height: Any, width: Any, sizes: Any, stride: Any, dtype: str = "float32"
) -> Any:
    """Call ``YOLOAnchorGenerator.grid_priors`` for one level of square anchors."""
    down, along = _pair(stride)
    squares = [[(size, size) for size in sizes]]
    generator = prior_generators.YOLOAnchorGenerator([(along, down)], squares)
    return _grid(generator, height, width, dtype)


def _pair(stride: Any) -> Any:
    return stride if isinstance(stride, (list, tuple)) else (stride, stride)


def _grid(generator: Any, height: Any, width: Any, dtype: str) -> Any:
    size = (int(height), int(width))
    (anchors,) = generator.grid_priors([size], getattr(torch, dtype), "cpu")
    return anchors


def inside_boxes(points: Any, boxes: Any) -> Any:
    """Call ``SimOTAAssigner.get_in_gt_and_in_center_info``, all of space a centre."""
    priors = torch.cat([points, torch.ones_like(points)], -1)
    return _sim_ota().get_in_gt_and_in_center_info(priors, boxes)[1]


@cache
def _sim_ota() -> Any:
    return assigners.SimOTAAssigner(center_radius=float("inf"))


def simota_cost(scores: Any, labels: Any, ious: Any, inside: Any, iou_weight: float = 3.0) -> Any:
    """Call ``SimOTAAssigner.assign`` up to the cost."""
    assigner = assigners.SimOTAAssigner(iou_weight=iou_weight)
    everywhere = torch.ones(len(scores), dtype=torch.bool)
    assigner.iou_calculator = lambda *boxes: ious
    assigner.get_in_gt_and_in_center_info = lambda *boxes: (everywhere, inside)
    assigner.dynamic_k_matching = _stop
    boxes = torch.zeros(len(scores), 4)
    try:
        assigner.assign(
            InstanceData(priors=boxes, bboxes=boxes, scores=scores),
            InstanceData(bboxes=torch.zeros(len(labels), 4), labels=labels.to(torch.int64)),
        )
    except _Made as made:
        return made.args[0]
    raise AssertionError("no cost was made")


class _Made(Exception):
    """Leaves an assigner with the cost that it has made."""


def _stop(cost: Any, *arguments: Any) -> None:
    raise _Made(cost)


def task_aligned_metric(
    scores: Any, labels: Any, ious: Any, alpha: float = 1.0, beta: float = 6.0
) -> Any:
    """Call ``TaskAlignedAssigner`` with each anchor once for each ground truth, inside of that.

    It tells the metrics of those that it matches; the others have one of 0.
    """
    count, truths = ious.shape
    assigner = assigners.TaskAlignedAssigner(topk=count * truths)
    assigner.iou_calculator = _given(ious.repeat_interleave(truths, 0))
    middle = 8.0 * torch.arange(truths)[:, None].expand(truths, 4)
    predictions = InstanceData(
        priors=middle.repeat(count, 1).to(scores.dtype),
        bboxes=torch.zeros(count * truths, 4),
        scores=scores.repeat_interleave(truths, 0),
    )
    around = middle + torch.tensor([-1.0, -1.0, 1.0, 1.0])
    objects = InstanceData(bboxes=around, labels=labels.to(torch.int64))
    found = assigner.assign(predictions, objects, None, alpha, beta)
    return found.assign_metrics.reshape(count, truths)


def _given(array: Any) -> Any:
    return lambda *arguments, **keywords: array


def classification_cost(logits: Any, labels: Any, class_weight: float = 1.0) -> Any:
    """Call ``ClassificationCost``."""
    cost = assigners.ClassificationCost(class_weight)
    return cost(InstanceData(scores=logits), InstanceData(labels=labels.to(torch.int64)))


def focal_cost(
    logits: Any,
    labels: Any,
    class_weight: float = 1.0,
    alpha: float = 0.25,
    gamma: float = 2.0,
    eps: float = 1e-12,
) -> Any:
    """Call ``FocalLossCost``."""
    cost = assigners.FocalLossCost(alpha, gamma, eps, weight=class_weight)
    return cost(InstanceData(scores=logits), InstanceData(labels=labels.to(torch.int64)))


def bbox_l1_cost(boxes: Any, truths: Any, l1_weight: float = 5.0) -> Any:
    """Call ``BBoxL1Cost``, which takes any four numbers, in an image of 1 by 1."""
    cost = assigners.BBoxL1Cost(weight=l1_weight)
    sides = {"img_shape": (1, 1)}
    return cost(InstanceData(bboxes=boxes), InstanceData(bboxes=truths), sides)
