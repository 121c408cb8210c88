"""Assigners of mmdet on overlaps, costs and masks that are given."""

from typing import Any
from unittest import mock

import torch
from mmdet.models.task_modules import assigners
from mmdet.models.task_modules.assigners import atss_assigner
from mmengine.structures import InstanceData

__all__ = [
    "atss_matches",
    "dynamic_k_matches",
    "hungarian_matches",
    "max_iou_matches",
    "soft_label_matches",
    "task_aligned_matches",
]

__refkernels_framework__ = "torch"


def max_iou_matches(
    overlaps: Any,
    pos_iou_thr: float,
    neg_iou_thr: float | None = None,
    match_low_quality: bool = True,
    min_pos_iou: float = 0.0,
    gt_max_assign_all: bool = True,
) -> Any:
    """Call ``MaxIoUAssigner``."""
    assigner = assigners.MaxIoUAssigner(
        pos_iou_thr,
        float(pos_iou_thr if neg_iou_thr is None else neg_iou_thr),
        min_pos_iou,
        gt_max_assign_all,
        match_low_quality=match_low_quality,
    )
    assigner.iou_calculator = _given(overlaps)
    return assigner.assign(_priors(overlaps.shape[1]), _truths(overlaps.shape[0])).gt_inds


def atss_matches(ious: Any, distances: Any, inside: Any, levels: Any, topk: int = 9) -> Any:
    """Call ``ATSSAssigner``."""
    assigner = assigners.ATSSAssigner(topk)
    assigner.iou_calculator = _given(ious)
    points, boxes = _places(inside)
    with mock.patch.object(atss_assigner, "bbox_center_distance", _given(distances)):
        result = assigner.assign(
            InstanceData(priors=torch.cat([points, points], -1)),
            levels.tolist(),
            _truths(ious.shape[1], boxes),
        )
    return result.gt_inds


def task_aligned_matches(metric: Any, ious: Any, inside: Any, topk: int = 13) -> Any:
    """Call ``TaskAlignedAssigner`` with scores that are the metric, and IoUs to the power of 0."""
    assigner = assigners.TaskAlignedAssigner(topk)
    assigner.iou_calculator = _given(ious)
    points, boxes = _places(inside)
    priors = torch.cat([points, points], -1).to(metric.dtype)
    predictions = InstanceData(priors=priors, bboxes=torch.zeros(len(ious), 4), scores=metric)
    return assigner.assign(predictions, _truths(ious.shape[1], boxes), alpha=1, beta=0).gt_inds


def dynamic_k_matches(cost: Any, ious: Any, valid: Any = None, candidate_topk: int = 10) -> Any:
    """Call ``SimOTAAssigner.dynamic_k_matching`` as ``assign`` does."""
    return _by_dynamic_k(assigners.SimOTAAssigner(candidate_topk=candidate_topk), cost, ious, valid)


def soft_label_matches(cost: Any, ious: Any, valid: Any = None, candidate_topk: int = 10) -> Any:
    """Call ``DynamicSoftLabelAssigner.dynamic_k_matching`` as ``assign`` does."""
    assigner = assigners.DynamicSoftLabelAssigner(topk=candidate_topk)
    return _by_dynamic_k(assigner, cost, ious, valid)


def hungarian_matches(cost: Any) -> Any:
    """Call ``HungarianAssigner`` with a cost that is given."""
    assigner = assigners.HungarianAssigner([{"type": "ClassificationCost"}])
    assigner.match_costs = [_given(cost)]
    return assigner.assign(_priors(cost.shape[0]), _truths(cost.shape[1])).gt_inds


def _by_dynamic_k(assigner: Any, cost: Any, ious: Any, valid: Any) -> Any:
    mask = torch.ones(len(cost), dtype=torch.bool) if valid is None else valid.clone()
    _, truths = assigner.dynamic_k_matching(cost[mask], ious[mask], cost.shape[1], mask)
    matches = torch.full((len(cost),), -1)
    matches[mask] = truths  # it has left those alone that are matched
    return matches


def _given(array: Any) -> Any:
    return lambda *arguments, **keywords: array


def _priors(count: int) -> Any:
    return InstanceData(priors=torch.zeros(count, 4))


def _truths(count: int, boxes: Any = None) -> Any:
    """Return ground truths; where they are, nobody looks, unless it is said."""
    own = torch.zeros(count, 4) if boxes is None else boxes
    return InstanceData(bboxes=own, labels=torch.arange(count))


# The coordinate of a point that is in neither, one or both of two strips, by twice the second.
STRIPS = torch.tensor([-8.0, 1.0, 5.0, 3.0])


def _places(inside: Any) -> tuple[Any, Any]:
    """Return points, and boxes that they are inside of as a mask says.

    Two upright and two level strips cross in every way; more columns than these are all true, all
    false, or one of them again.
    """
    points = torch.full((len(inside), 2), -8.0)
    boxes = torch.tensor([[-16.0, -16.0, 16.0, 16.0]]).repeat(inside.shape[1], 1)
    known: list[Any] = []
    for c, column in enumerate(inside.T):
        if column.all():
            continue
        if not column.any():
            boxes[c] = 32
            continue
        same = [k for k, own in enumerate(known) if bool((own == column).all())]
        if not same:
            known.append(column)
        axis, second = divmod(same[0] if same else len(known) - 1, 2)
        boxes[c, axis] = 2.0 * second
        boxes[c, axis + 2] = 4 + 2.0 * second
    for axis in range(2):
        own = [*known[2 * axis : 2 * axis + 2], *[torch.zeros(len(inside), dtype=torch.bool)] * 2]
        points[:, axis] = STRIPS[own[0].to(torch.int64) + 2 * own[1].to(torch.int64)]
    return points, boxes
