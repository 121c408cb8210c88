"""Calls of effdet that no representation tells: its box lists, and boxes that begin with y.

Each does nothing but carry arrays to and fro; of coordinates it exchanges x and y.
"""

from functools import cache
from types import SimpleNamespace
from typing import Any

import torch
from effdet import anchors as effdet_anchors
from effdet import object_detection as detection
from effdet.object_detection import region_similarity_calculator as similarity
from effdet.object_detection.box_list import BoxList
from effdet.object_detection.matcher import Match

__all__ = [
    "anchor_grid",
    "area",
    "argmax_matcher",
    "box_coder_decode",
    "box_coder_encode",
    "class_targets",
    "clip_boxes_xyxy",
    "decode_box_outputs",
    "iou",
    "label_anchors",
    "regression_targets",
]

__refkernels_framework__ = "torch"

# Of boxes, codes and factors: x before y, or y before x.
EXCHANGED = [1, 0, 3, 2]


def area(x: Any) -> Any:
    """Call ``region_similarity_calculator.area``."""
    return similarity.area(BoxList(x))


def iou(a: Any, b: Any) -> Any:
    """Call ``IouSimilarity.compare``."""
    return detection.IouSimilarity().compare(BoxList(a), BoxList(b))


def argmax_matcher(
    x: Any, high: float, low: float | None = None, low_quality: str | None = None
) -> Any:
    """Call ``ArgMaxMatcher.match``, which takes ground truths by anchors."""
    return _matcher(high, low, low_quality is not None).match(x.T).match_results


@cache
def _matcher(high: float, low: float | None, is_forced: bool) -> Any:
    return detection.ArgMaxMatcher(high, low, True, is_forced)


def label_anchors(x: Any) -> Any:
    """Call ``AnchorLabeler.label_anchors`` on IoUs that are given, for the classes of anchors."""
    count, truths = x.shape
    labeler = _labeler()
    labeler.anchors = _places(torch.zeros(count, 4, device=x.device))
    labeler.target_assigner._similarity_calc = SimpleNamespace(compare=lambda *boxes: x.T)
    boxes = torch.zeros(truths, 4, device=x.device)
    (classes,), _, _ = labeler.label_anchors(boxes, torch.arange(truths, device=x.device) + 1)
    return classes.reshape(count)


@cache
def _labeler() -> Any:
    """Return what labels anchors, which are put in its place with each call."""
    return effdet_anchors.AnchorLabeler(None, 2)


def _places(boxes: Any) -> Any:
    """Return anchors as ``Anchors`` has them: one column of them, on one level."""
    return SimpleNamespace(
        boxes=boxes,
        min_level=0,
        max_level=0,
        feat_sizes=[(len(boxes), 1)],
        get_anchors_per_location=lambda: 1,
    )


def regression_targets(
    samples: Any, matches: Any, anchors: Any, refs: Any, scale_factors: Any
) -> Any:
    """Call ``TargetAssigner`` for the codes of anchors whose matches are known."""
    coder = detection.FasterRcnnBoxCoder([scale_factors[i] for i in EXCHANGED])
    assigner = detection.TargetAssigner(None, None, coder)
    boxes, truths = BoxList(anchors[:, EXCHANGED]), BoxList(refs[:, EXCHANGED])
    codes = assigner._create_regression_targets(boxes, truths, _match(samples, matches))
    return codes[:, EXCHANGED]


def class_targets(samples: Any, matches: Any, refs: Any) -> Any:
    """Call ``TargetAssigner`` for the classes of anchors whose matches are known; 0 is none."""
    assigner = detection.TargetAssigner(None, None, None)
    labels = refs if refs.is_floating_point() else refs.to(torch.int64)
    return assigner._create_classification_targets(labels + 1, _match(samples, matches))


def _match(samples: Any, matches: Any) -> Any:
    unmatched = torch.where(samples < -0.5, -1, -2)
    return Match(torch.where(samples > 0.5, matches.to(torch.int64), unmatched))


def box_coder_encode(refs: Any, anchors: Any, scale_factors: Any) -> Any:
    """Call ``FasterRcnnBoxCoder.encode``, which adds nothing to sides."""
    coder = detection.FasterRcnnBoxCoder([scale_factors[i] for i in EXCHANGED], eps=0.0)
    return coder.encode(BoxList(refs[:, EXCHANGED]), BoxList(anchors[:, EXCHANGED]))[:, EXCHANGED]


def box_coder_decode(x: Any, anchors: Any, scale_factors: Any) -> Any:
    """Call ``FasterRcnnBoxCoder.decode``; what it does to codes, is done to those given."""
    coder = detection.FasterRcnnBoxCoder([scale_factors[i] for i in EXCHANGED])
    codes = x[:, EXCHANGED]
    boxes = coder.decode(codes, BoxList(anchors[:, EXCHANGED])).boxes()
    x.copy_(codes[:, EXCHANGED])
    return boxes[:, EXCHANGED]


def decode_box_outputs(x: Any, anchors: Any) -> Any:
    """Call ``decode_box_outputs``."""
    codes, boxes = x[:, EXCHANGED], anchors[:, EXCHANGED]
    return effdet_anchors.decode_box_outputs(codes, boxes, output_xyxy=True)


def clip_boxes_xyxy(x: Any, size: Any) -> Any:
    """Call ``clip_boxes_xyxy``, which takes width and height as an array."""
    height, width = size
    return effdet_anchors.clip_boxes_xyxy(x, x.new_tensor([width, height]))


def anchor_grid(
    height: Any, width: Any, sizes: Any, aspect_ratios: Any, stride: Any, dtype: str = "float32"
) -> Any:
    """Call ``Anchors`` for one level, whose stride is a power of 2."""
    level = int(stride).bit_length() - 1
    image = int(height) << level, int(width) << level
    (size,) = sizes
    own = level, level, 1, list(aspect_ratios), size / (1 << level), image
    return effdet_anchors.Anchors(*own).boxes[:, EXCHANGED]
