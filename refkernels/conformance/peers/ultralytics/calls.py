"""Calls of ultralytics that no representation tells: methods, pairs of indices, masks.

Each has the name and parameters of an operator and does nothing but carry arrays to and fro.
"""

import math
from types import SimpleNamespace
from typing import Any
from unittest import mock

import numpy as np
import torch
from ultralytics.models.utils import ops as matching
from ultralytics.utils import instance, metrics, nms, ops, tal

__all__ = [
    "anchor_points",
    "areas",
    "assignment",
    "assignment_without_scipy",
    "batched_nms",
    "batched_nms_without_torchvision",
    "box_ioa",
    "box_iou_of_arrays",
    "clipped",
    "detr_cost",
    "hungarian_matches",
    "inside",
    "one_class_nms",
    "pairwise_ciou",
    "pairwise_diou",
    "pairwise_giou",
    "task_aligned_matches",
    "task_aligned_metric",
]

__refkernels_framework__ = "torch"


def clipped(x: Any, size: Any) -> Any:
    """Call ``clip_boxes`` on a copy, since it says that it clips in place."""
    return ops.clip_boxes(x.clone(), size)


def pairwise_giou(a: Any, b: Any) -> Any:
    """Call ``bbox_iou`` for the GIoU of boxes that are broadcast."""
    return metrics.bbox_iou(*_broadcast(a, b), xywh=False, GIoU=True).squeeze(-1)


def pairwise_diou(a: Any, b: Any) -> Any:
    """Call ``bbox_iou`` for the DIoU of boxes that are broadcast."""
    return metrics.bbox_iou(*_broadcast(a, b), xywh=False, DIoU=True).squeeze(-1)


def pairwise_ciou(a: Any, b: Any) -> Any:
    """Call ``bbox_iou`` for the CIoU of boxes that are broadcast."""
    return metrics.bbox_iou(*_broadcast(a, b), xywh=False, CIoU=True).squeeze(-1)


def _broadcast(a: Any, b: Any) -> tuple[Any, Any]:
    return a.unsqueeze(-2), b.unsqueeze(-3)


def box_ioa(a: Any, b: Any) -> Any:
    """Call ``bbox_ioa``, which is of its second boxes' area, with the least eps of their dtype."""
    kind = a.dtype if a.dtype.kind == "f" else np.float64
    return metrics.bbox_ioa(b, a, eps=float(np.finfo(kind).smallest_subnormal)).T


def box_iou_of_arrays(a: Any, b: Any, eps: float = 1e-7) -> Any:
    """Call ``bbox_ioa`` for the IoU."""
    return metrics.bbox_ioa(a, b, iou=True, eps=eps)


def areas(x: Any, fmt: str = "xyxy") -> Any:
    """Call ``Bboxes.areas``."""
    return instance.Bboxes(x, fmt).areas()


def anchor_points(height: Any, width: Any, offset: float = 0.5, dtype: str = "float32") -> Any:
    """Call ``make_anchors`` for one level, in units of its stride: boxes of side 1 are around."""
    level = torch.zeros(1, 1, int(height), int(width), dtype=getattr(torch, dtype))
    points, _ = tal.make_anchors([level], [1], offset)
    return torch.cat([points - 0.5, points + 0.5], -1)


def inside(points: Any, boxes: Any, margin: float = 0.0) -> Any:
    """Call ``TaskAlignedAssigner.select_candidates_in_gts``, with no least side."""
    assigner = tal.TaskAlignedAssigner(stride=[0])
    every = torch.ones_like(boxes[None, :, :1])
    return assigner.select_candidates_in_gts(points, boxes[None], every, margin)[0].T


class _Given(tal.TaskAlignedAssigner):
    """An assigner that is given the overlaps, and which anchors are inside."""

    def select_candidates_in_gts(self, xy_centers: Any, gt_bboxes: Any, mask_gt: Any) -> Any:
        """Return the mask."""
        return self.inside

    def pair_overlaps(self, indices: Any, gt_bboxes: Any, pd_bboxes: Any) -> Any:
        """Return the overlaps of these pairs."""
        return self.overlaps[indices]


def task_aligned_matches(metric: Any, ious: Any, inside: Any, topk: int = 13) -> Any:
    """Call ``TaskAlignedAssigner`` with exponents 1 and 0, so that scores are the metric."""
    *lead, count, truths = metric.shape
    size = math.prod(lead)
    scores, overlaps, mask = (x.reshape(size, count, truths) for x in (metric, ious, inside))
    if not truths:  # there is a class all the same
        scores = scores.new_zeros(size, count, 1)
    assigner = _Given(topk, scores.shape[-1], alpha=1.0, beta=0.0)
    assigner.inside, assigner.overlaps = mask.mT, overlaps.mT
    labels = torch.arange(truths).reshape(1, -1, 1).expand(size, -1, -1)
    *_, positive, matched = assigner(
        scores,
        overlaps.new_zeros(size, count, 4),
        overlaps.new_zeros(count, 2),
        labels,
        overlaps.new_zeros(size, truths, 4),
        mask.new_ones(size, truths, 1),
    )
    return torch.where(positive, matched.to(torch.int64), -1).reshape(*lead, count)


def task_aligned_metric(
    scores: Any, labels: Any, ious: Any, alpha: float = 1.0, beta: float = 6.0
) -> Any:
    """Call ``TaskAlignedAssigner.get_box_metrics`` on all pairs of what has a class."""
    is_batch, (own_scores, own_labels, overlaps) = _batches((scores, 3), (labels, 2), (ious, 3))
    assigner = _Given(num_classes=scores.shape[-1], alpha=alpha, beta=beta)
    assigner.overlaps = overlaps.mT
    size, count, truths = overlaps.shape
    assigner.bs, assigner.n_max_boxes = size, truths
    metric, _ = assigner.get_box_metrics(
        own_scores,
        overlaps.new_zeros(size, count, 4),
        own_labels[..., None],
        overlaps.new_zeros(size, truths, 4),
        (own_labels >= 0)[..., None].expand(-1, -1, count),
    )
    return metric.mT if is_batch else metric[0].T


def _batches(*given: tuple[Any, int]) -> tuple[bool, list[Any]]:
    """Return whether arrays come with a batch, and all with that batch, given their axes."""
    images = [x if x.ndim == axes else x[None] for x, axes in given]
    sizes = [len(x) for x in images]
    size = 0 if 0 in sizes else max(sizes)
    is_batch = any(x.ndim == axes for x, axes in given)
    return is_batch, [x.expand(size, *x.shape[1:]) for x in images]


def assignment(cost: Any) -> Any:
    """Call ``linear_sum_assignment``, which gives pairs of indices."""
    return _matches(ops.linear_sum_assignment(cost), len(cost))


def assignment_without_scipy(cost: Any) -> Any:
    """Call ``linear_sum_assignment`` as it solves where SciPy is not installed."""
    with mock.patch.object(ops, "_assignment_solver", ops._linear_sum_assignment_numpy):
        return _matches(ops.linear_sum_assignment(cost), len(cost))


def _matches(pairs: Any, count: int) -> Any:
    rows, columns = (torch.as_tensor(np.asarray(indices)) for indices in pairs)
    matches = torch.full((count,), -1)
    matches[rows] = columns
    return matches


def hungarian_matches(cost: Any) -> Any:
    """Call RT-DETR's ``HungarianMatcher`` on costs that are given, as the cost of the class."""
    *lead, count, truths = cost.shape
    size = math.prod(lead)
    costs = cost.reshape(size, count, truths)
    gains = {"class": 1, "bbox": 0, "giou": 0}
    matcher = matching.HungarianMatcher(gains, use_fl=False)
    costs = costs if costs.is_floating_point() else costs.double()  # those of uint8 have no sign
    given = SimpleNamespace(softmax=lambda scores, dim: scores)
    with mock.patch.object(matching, "F", given):
        pairs = matcher(
            torch.zeros(size, count, 4),
            -costs,
            torch.zeros(size * truths, 4),
            torch.arange(truths).repeat(size),
            [truths] * size,
        )
    matches = torch.full((size, count), -1)
    for image, (rows, columns) in enumerate(pairs):
        matches[image, rows] = columns - image * truths
    return matches.reshape(*lead, count)


def detr_cost(
    logits: Any,
    boxes: Any,
    labels: Any,
    truths: Any,
    class_weight: float = 1.0,
    l1_weight: float = 5.0,
    giou_weight: float = 2.0,
    kind: str = "softmax",
    alpha: float = 0.25,
    gamma: float = 2.0,
) -> Any:
    """Call RT-DETR's ``HungarianMatcher`` up to the costs that it gives to the solver.

    Of the GIoU it takes 1 - GIoU, so that all costs are higher by that weight, which is taken off.
    """
    gains = {"class": class_weight, "bbox": l1_weight, "giou": giou_weight}
    matcher = matching.HungarianMatcher(gains, kind == "focal", alpha, gamma)
    given = (logits, 3), (boxes, 3), (labels, 2), (truths, 3)
    is_batch, (own_logits, own_boxes, own_labels, own_truths) = _batches(*given)
    size, count = own_labels.shape
    found: list[Any] = []

    def solve(cost: Any) -> Any:
        """Keep the costs, and return what they are solved to."""
        found.append(cost)
        return ops.linear_sum_assignment(cost)

    with mock.patch.object(matching, "linear_sum_assignment", solve):
        matcher(
            own_boxes,
            own_logits,
            own_truths.reshape(-1, 4),
            own_labels.reshape(-1).long(),
            [count] * size,
        )
    costs = torch.stack(found) if found else torch.zeros(size, logits.shape[-2], count)
    costs = costs - giou_weight
    return costs if is_batch else costs[0]


def batched_nms(boxes: Any, scores: Any, labels: Any, threshold: float) -> Any:
    """Call ``non_max_suppression`` as it is where torchvision has been imported."""
    return _suppressed(boxes, scores, labels, threshold, "torchvision")


def batched_nms_without_torchvision(boxes: Any, scores: Any, labels: Any, threshold: float) -> Any:
    """Call ``non_max_suppression`` as it is where torchvision has not been imported."""
    return _suppressed(boxes, scores, labels, threshold)


def one_class_nms(boxes: Any, scores: Any, threshold: float) -> Any:
    """Call ``non_max_suppression`` on boxes of one class."""
    return batched_nms(boxes, scores, torch.zeros(len(boxes), dtype=torch.int64), threshold)


def _suppressed(boxes: Any, scores: Any, labels: Any, threshold: float, *imported: str) -> Any:
    """Suppress boxes that are corners already, as one class of score each."""
    classes = int(labels.max()) + 1 if len(labels) else 1
    table = scores.new_zeros(len(boxes), classes)
    table[torch.arange(len(boxes)), labels.long()] = scores
    prediction = torch.cat([boxes, table], -1).T[None]
    seen = SimpleNamespace(modules=imported)
    with mock.patch.multiple(nms, xywh2xyxy=lambda boxes: boxes, sys=seen):
        _, (kept,) = nms.non_max_suppression(
            prediction, 0.0, threshold, max_det=len(boxes), nc=classes, return_idxs=True
        )
    return kept.reshape(-1).to(torch.int64)


areas.__refkernels_framework__ = "numpy"  # type: ignore[attr-defined]
box_ioa.__refkernels_framework__ = "numpy"  # type: ignore[attr-defined]
box_iou_of_arrays.__refkernels_framework__ = "numpy"  # type: ignore[attr-defined]
