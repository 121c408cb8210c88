"""Calls of transformers that no representation tells: matchers, which take dictionaries and lists.

Each does nothing but carry arrays to and fro. Of a matcher, either what it computes as the cost of
each pair is fetched, where it hands it to SciPy; or the cost is given, in place of a part of it
whose weight is 1 while the others weigh 0.
"""

from collections.abc import Callable
from importlib import import_module
from types import SimpleNamespace
from typing import Any
from unittest import mock

import numpy as np
import torch
from transformers import image_transforms
from transformers.loss import loss_for_object_detection as detection

__all__ = [
    "box_iou",
    "center_to_corners_numpy",
    "corners_to_center_numpy",
    "deformable_detr_cost",
    "deformable_detr_matches",
    "detr_cost",
    "detr_matches",
    "grounding_dino_cost",
    "grounding_dino_matches",
    "lw_detr_cost",
    "lw_detr_matches",
    "mask2former_matches",
    "maskformer_matches",
    "oneformer_matches",
    "rf_detr_cost",
    "rt_detr_cost",
    "rt_detr_matches",
]

__refkernels_framework__ = "torch"

LOSSES = "transformers.loss.loss_"


def box_iou(a: Any, b: Any) -> Any:
    """Call ``box_iou`` for the first of what it returns, which are IoUs and unions."""
    return detection.box_iou(a, b)[0]


def center_to_corners_numpy(x: Any) -> Any:
    """Call ``center_to_corners_format`` on an array of NumPy."""
    return image_transforms.center_to_corners_format(x)


def corners_to_center_numpy(x: Any) -> Any:
    """Call ``corners_to_center_format`` on an array of NumPy."""
    return image_transforms.corners_to_center_format(x)


for _call in (center_to_corners_numpy, corners_to_center_numpy):
    _call.__refkernels_framework__ = "numpy"  # type: ignore[attr-defined]


def detr_matches(cost: Any) -> Any:
    """Call ``HungarianMatcher`` on costs that are given."""
    return _matches("for_object_detection", "HungarianMatcher", cost)


def deformable_detr_matches(cost: Any) -> Any:
    """Call ``DeformableDetrHungarianMatcher`` on costs that are given."""
    return _matches("deformable_detr", "DeformableDetrHungarianMatcher", cost)


def rt_detr_matches(cost: Any) -> Any:
    """Call ``RTDetrHungarianMatcher`` on costs that are given."""
    return _matches("rt_detr", "RTDetrHungarianMatcher", cost)


def grounding_dino_matches(cost: Any) -> Any:
    """Call ``GroundingDinoHungarianMatcher`` on costs that are given."""
    return _matches("grounding_dino", "GroundingDinoHungarianMatcher", cost)


def lw_detr_matches(cost: Any) -> Any:
    """Call ``LwDetrHungarianMatcher``, with one group, on costs that are given."""
    return _matches("lw_detr", "LwDetrHungarianMatcher", cost)


def maskformer_matches(cost: Any) -> Any:
    """Call ``MaskFormerHungarianMatcher`` on costs that are given."""
    return _mask_matches("maskformer", "MaskFormer", "pair_wise_sigmoid_focal_loss", cost)


def mask2former_matches(cost: Any) -> Any:
    """Call ``Mask2FormerHungarianMatcher`` on costs that are given."""
    return _mask_matches("mask2former", "Mask2Former", CROSS_ENTROPY, cost)


def oneformer_matches(cost: Any) -> Any:
    """Call ``OneFormerHungarianMatcher`` on costs that are given."""
    return _mask_matches("oneformer", "OneFormer", CROSS_ENTROPY, cost)


CROSS_ENTROPY = "pair_wise_sigmoid_cross_entropy_loss"


def _cost_of(loss: str, name: str) -> Callable[..., Any]:
    """Return a call of a matcher, which is named, for the costs of all pairs."""

    def cost(
        logits: Any,
        boxes: Any,
        labels: Any,
        truths: Any,
        class_weight: float = 1.0,
        l1_weight: float = 5.0,
        giou_weight: float = 2.0,
    ) -> Any:
        """Call the matcher with these weights."""
        weights = class_weight, l1_weight, giou_weight
        return _costs(loss, name, weights, (logits, boxes, labels, truths))

    cost.__doc__ = f"Call ``{name}`` for its costs."
    return cost


detr_cost = _cost_of("for_object_detection", "HungarianMatcher")
deformable_detr_cost = _cost_of("deformable_detr", "DeformableDetrHungarianMatcher")
# Each class is a token of its own.
grounding_dino_cost = _cost_of("grounding_dino", "GroundingDinoHungarianMatcher")
# With one group; RF-DETR's masks weigh nothing.
lw_detr_cost = _cost_of("lw_detr", "LwDetrHungarianMatcher")
rf_detr_cost = _cost_of("rf_detr", "RfDetrHungarianMatcher")


def rt_detr_cost(
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
    """Call ``RTDetrHungarianMatcher`` for its costs."""
    weights = class_weight, l1_weight, giou_weight, kind == "focal", alpha, gamma
    predicted = logits, boxes, labels, truths
    return _costs("rt_detr", "RTDetrHungarianMatcher", weights, predicted)


def _built(module: Any, name: str, weights: tuple[Any, ...]) -> Any:
    """Return a matcher with weights of classes, of distances and of overlaps."""
    matcher = getattr(module, name)
    if name == "RfDetrHungarianMatcher":
        return matcher(*weights, cost_mask_class_cost=0, cost_mask_dice_cost=0)
    if name != "RTDetrHungarianMatcher":
        return matcher(*weights)
    named = ("matcher_class_cost", "matcher_bbox_cost", "matcher_giou_cost")
    more = ("use_focal_loss", "matcher_alpha", "matcher_gamma")
    config: Any = SimpleNamespace(**dict(zip((*named, *more), weights, strict=True)))
    return matcher(config)


def _asked(name: str, matcher: Any, logits: Any, boxes: Any, labels: Any, truths: Any) -> Any:
    """Return what a matcher says of a batch."""
    outputs = {"logits": logits, "pred_boxes": boxes}
    targets = [{"class_labels": labels[i], "boxes": truths[i]} for i in range(len(logits))]
    if name == "GroundingDinoHungarianMatcher":
        tokens = torch.eye(logits.shape[-1], dtype=logits.dtype, device=logits.device)
        outputs["label_maps"] = (tokens,) * len(logits)
    if name == "RfDetrHungarianMatcher":
        outputs["pred_masks"] = logits.new_zeros(*logits.shape[:2], 4, 4)
        for target in targets:
            target["masks"] = logits.new_zeros(len(target["boxes"]), 4, 4)
    grouped = name in ("LwDetrHungarianMatcher", "RfDetrHungarianMatcher")
    return matcher(outputs, targets, *([1] if grouped else []))


def _costs(
    loss: str, name: str, weights: tuple[Any, ...], predicted: tuple[Any, Any, Any, Any]
) -> Any:
    """Return the costs of all pairs that a matcher hands over to SciPy."""
    module = import_module(LOSSES + loss)
    lengths = (3, 3, 2, 3)
    images = [x if x.ndim == n else x[None] for x, n in zip(predicted, lengths, strict=True)]
    sizes = [len(x) for x in images]
    size = 0 if 0 in sizes else max(sizes)
    logits, boxes, labels, truths = (x.expand(size, *x.shape[1:]) for x in images)
    found: list[Any] = []

    def assign(cost: Any) -> tuple[Any, Any]:
        found.append(cost.clone())
        return np.zeros(0, np.int64), np.zeros(0, np.int64)

    matcher = _built(module, name, weights)
    if not size:
        return boxes.new_zeros(0, boxes.shape[1], truths.shape[1])
    with mock.patch.object(module, "linear_sum_assignment", assign):
        _asked(name, matcher, logits, boxes, labels.to(torch.int64), truths)
    batched = any(x.ndim == n for x, n in zip(predicted, lengths, strict=True))
    return torch.stack(found) if batched else found[0]


def _matches(loss: str, name: str, cost: Any) -> Any:
    """Return what a matcher makes of costs, which are given in place of overlaps."""
    module = import_module(LOSSES + loss)
    focal = (True, 0.25, 2.0) if name == "RTDetrHungarianMatcher" else ()
    matcher = _built(module, name, (0.0, 0.0, 1.0, *focal))
    images = _images(cost)
    size, count, truths = images.shape
    if not size:
        return images.new_zeros(cost.shape[:-1], dtype=torch.int64)
    # All predictions by the ground truths of all images; of others' nobody asks.
    overlaps = images.new_zeros(size, count, size, truths)
    for i in range(size):
        overlaps[i, :, i] = -images[i]
    overlaps = overlaps.reshape(size * count, size * truths)
    labels = images.new_zeros(size, truths, dtype=torch.int64)
    boxes, own = images.new_zeros(size, count, 4), images.new_zeros(size, truths, 4)
    with mock.patch.object(module, "generalized_box_iou", return_value=overlaps):
        pairs = _asked(name, matcher, images.new_zeros(size, count, 1), boxes, labels, own)
    return _of_pairs(pairs, count, cost)


def _images(cost: Any) -> Any:
    """Return costs with one axis before those of predictions and ground truths."""
    size = int(np.prod(cost.shape[:-2]))
    return cost.reshape(size, *cost.shape[-2:])


def _mask_matches(model: str, name: str, part: str, cost: Any) -> Any:
    """Return what a matcher of masks makes of costs, which are given in place of its first part."""
    module = import_module(f"transformers.models.{model}.modeling_{model}")
    points = {} if model == "maskformer" else {"num_points": 1}
    matcher = getattr(module, f"{name}HungarianMatcher")(0.0, 1.0, 0.0, **points)
    images = _images(cost)
    size, count, truths = images.shape
    masks, own = images.new_zeros(size, count, 4, 4), images.new_zeros(size, truths, 4, 4)
    with mock.patch.object(module, part, side_effect=list(images)):
        pairs = matcher(
            masks,
            images.new_zeros(size, count, 1),
            own,
            images.new_zeros(size, truths, dtype=torch.int64),
        )
    return _of_pairs(pairs, count, cost)


def _of_pairs(pairs: Any, count: int, cost: Any) -> Any:
    """Return pairs of rows and columns, of each image, as matches."""
    matches = torch.full((len(pairs), count), -1, dtype=torch.int64)
    for own, (rows, columns) in zip(matches, pairs, strict=True):
        own[rows] = columns
    return matches.reshape(cost.shape[:-1])
