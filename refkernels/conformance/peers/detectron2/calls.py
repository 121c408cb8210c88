"""Calls of detectron2 that no representation tells: its boxes, labels beside matches, levels.

Each does nothing but carry arrays to and fro.
"""

from typing import Any

import torch
from detectron2.modeling import anchor_generator, box_regression, matcher, sampling
from detectron2.structures import boxes as structures

__all__ = [
    "anchor_grid",
    "area",
    "clip",
    "linear_decode",
    "linear_encode",
    "matches",
    "pairwise_ioa",
    "pairwise_iou",
    "subsample_labels",
]

__refkernels_framework__ = "torch"


def area(x: Any) -> Any:
    """Call ``Boxes.area``."""
    return structures.Boxes(x).area()


def clip(x: Any, size: Any) -> Any:
    """Call ``Boxes.clip``, which clips in place, as is documented."""
    boxes = structures.Boxes(x.clone())
    boxes.clip(size)
    return boxes.tensor


def pairwise_iou(a: Any, b: Any) -> Any:
    """Call ``pairwise_iou``."""
    return structures.pairwise_iou(structures.Boxes(a), structures.Boxes(b))


def pairwise_ioa(a: Any, b: Any) -> Any:
    """Call ``pairwise_ioa``, which divides by the area of the second."""
    return structures.pairwise_ioa(structures.Boxes(b), structures.Boxes(a)).T


def matches(x: Any, high: float, low: float | None = None, low_quality: str | None = None) -> Any:
    """Call ``Matcher``, which takes ground truths by anchors and returns labels beside matches."""
    thresholds, labels = ([high], [0, 1]) if low is None else ([low, high], [0, -1, 1])
    found, label = matcher.Matcher(thresholds, labels, low_quality is not None)(x.T)
    return torch.where(label > 0, found, torch.where(label < 0, -2, -1))


def subsample_labels(candidates: Any, num_sample: int, pos_ratio: float = 0.5) -> Any:
    """Call ``subsample_labels``, which returns indices."""
    labels = torch.where(candidates > 0.5, 1, torch.where(candidates < -0.5, 0, -1))
    positive, negative = sampling.subsample_labels(labels, num_sample, pos_ratio, 0)
    samples = torch.zeros_like(labels)
    samples[positive], samples[negative] = 1, -1
    return samples


def linear_encode(points: Any, boxes: Any, sizes: Any = None, normalize: bool = False) -> Any:
    """Call ``Box2BoxTransformLinear.get_deltas`` on squares around points."""
    transform = box_regression.Box2BoxTransformLinear(normalize)
    return transform.get_deltas(_squares(points, sizes), boxes)


def linear_decode(points: Any, distances: Any, sizes: Any = None, normalize: bool = False) -> Any:
    """Call ``Box2BoxTransformLinear.apply_deltas`` on squares around points."""
    transform = box_regression.Box2BoxTransformLinear(normalize)
    return transform.apply_deltas(distances, _squares(points, sizes))


def _squares(points: Any, sizes: Any) -> Any:
    half = torch.ones_like(points) if sizes is None else sizes / 2
    return torch.cat([points - half, points + half], -1)


def anchor_grid(
    height: Any, width: Any, sizes: Any, ratios: Any, stride: Any, offset: float = 0.5
) -> Any:
    """Call ``DefaultAnchorGenerator`` for one feature map."""
    generator = anchor_generator.DefaultAnchorGenerator(
        sizes=[list(sizes)], aspect_ratios=[list(ratios)], strides=[int(stride)], offset=offset
    )
    (anchors,) = generator([torch.zeros(1, 1, int(height), int(width), device=height.device)])
    return anchors.tensor
