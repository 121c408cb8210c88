"""Parts of mmdet's heads that make targets, and read what a head predicts."""

from functools import cache
from typing import Any

import torch
from mmdet.models.dense_heads import CenterNetHead, FCOSHead
from mmengine.structures import InstanceData

__all__ = ["center_boxes", "center_targets", "fcos_matches"]

__refkernels_framework__ = "torch"


def fcos_matches(
    points: Any, boxes: Any, strides: Any, ranges: Any, radius: float | None = None
) -> Any:
    """Call ``FCOSHead.get_targets``, each point on a level of its own; labels are the places."""
    count, head = len(boxes), _fcos()
    head.strides = strides.tolist()
    head.regress_ranges = tuple(tuple(own) for own in ranges.tolist())
    head.num_classes = count
    head.center_sampling, head.center_sample_radius = radius is not None, radius
    truths = InstanceData(bboxes=boxes, labels=torch.arange(count))
    labels, _ = head.get_targets(list(points[:, None]), [truths])
    matches = torch.cat(labels)
    return torch.where(matches == count, -1, matches)


def center_targets(boxes: Any, labels: Any, num_class: int, size: Any, scale: float = 4.0) -> Any:
    """Call ``CenterNetHead.get_targets`` for a map of this size."""
    height, width = (size, size) if isinstance(size, int) else size
    head, images = _center_net(), list(boxes) if boxes.ndim > 2 else [boxes]
    head.num_classes = num_class
    kinds = list(labels) if labels.ndim > 1 else [labels]
    found, _ = head.get_targets(
        images,
        [own.to(torch.int64) for own in kinds],
        (len(images), num_class, height, width),
        (height * scale, width * scale),
    )
    outputs = (
        found["center_heatmap_target"],
        found["wh_target"],
        found["offset_target"],
        found["wh_offset_target_weight"][:, 0],
    )
    return outputs if boxes.ndim > 2 else tuple(own[0] for own in outputs)


def center_boxes(x: Any, wh: Any, reg: Any, topk: int = 100, scale: float = 4.0) -> Any:
    """Call ``CenterNetHead._decode_heatmap``, each cell a maximum of its own."""
    height, width = x.shape[-2:]
    shape = (height * scale, width * scale)
    boxes, ids = _center_net()._decode_heatmap(x, wh, reg, shape, k=topk, kernel=1)
    return ids, boxes[..., 4], boxes[..., :4]


@cache
def _fcos() -> Any:
    return FCOSHead(1, 4, feat_channels=4, stacked_convs=1, norm_cfg=None)


@cache
def _center_net() -> Any:
    return CenterNetHead(4, 4, 1)
