"""How the operators of today's detectors are made, beside those of `tests.constructions`."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

import refkernels
from tests.constructions import BOXES, IOUS, LOGITS, OPERATORS, build

__all__ = ["ALL_OPERATORS"]

POINTS, STRIDES = BOXES[:, :2] + 1, np.ones(3, np.float32)
RANGES = np.array([[0, 9]] * 3, np.float32)
SCORES = np.array([[0.5, 1.0], [0.1, 0.2], [0.0, 0.75]], np.float32)
LABELS, INSIDE = np.array([1, 0]), np.ones((3, 2), bool)
DISTANCES, LEVELS = np.array([[2, 3], [0, 1], [4, 2]], np.float32), np.array([2, 1])
ROUND = np.float16


def grid(operator: Any) -> Any:
    return operator(2, 3)


def maps(operator: Any) -> Any:
    """Call the encoder of heat maps, unless its maps are large."""
    cells = operator.num_class * operator.size[0] * operator.size[1]
    return operator(BOXES, [0, 0, 0]) if cells < 10**6 else None


def coded(operator: Any) -> Any:
    return operator(POINTS, BOXES, *([np.ones((3, 2))] if operator.normalize else []))


# As in `tests.constructions`: how each is made, how it is called, and the names of its parameters.
DETECTORS: dict[str, tuple[Callable[..., Any], Callable[[Any], Any], str]] = {
    "BBoxBatchDIOU": (
        refkernels.BBoxBatchDIOU,
        lambda operator: operator(BOXES, BOXES),
        "axis fmt",
    ),
    "BBoxBatchCIOU": (
        refkernels.BBoxBatchCIOU,
        lambda operator: operator(BOXES, BOXES),
        "axis fmt",
    ),
    "ThresholdMatcher": (
        build(refkernels.ThresholdMatcher, high=0.5, low_quality="truth"),
        lambda operator: (operator(IOUS), operator(IOUS.astype(ROUND))),
        "high low low_quality min_quality ties winner",
    ),
    "ATSSMatcher": (
        refkernels.ATSSMatcher,
        lambda operator: operator(IOUS, DISTANCES, INSIDE, LEVELS),
        "topk ddof",
    ),
    "SimOTAMatcher": (
        refkernels.SimOTAMatcher,
        lambda operator: operator(DISTANCES, IOUS),
        "candidate_topk conflict",
    ),
    "TaskAlignedMatcher": (
        refkernels.TaskAlignedMatcher,
        lambda operator: operator(IOUS, IOUS, INSIDE),
        "topk conflict inside_first positive",
    ),
    "PointMatcher": (
        refkernels.PointMatcher,
        lambda operator: (
            operator(POINTS, BOXES, STRIDES, RANGES),
            operator(*(x.astype(ROUND) for x in (POINTS, BOXES, STRIDES, RANGES))),
        ),
        "radius inclusive",
    ),
    "BalancedSampler": (
        build(refkernels.BalancedSampler, num_sample=2),
        lambda operator: operator([1, 1, -1, 0], rng=0),
        "num_sample pos_ratio",
    ),
    "BalancedSampler's rng": (
        lambda rng: refkernels.BalancedSampler(2)([1, 1, -1, 0], rng=rng),
        lambda samples: samples,
        "rng",
    ),
    "CenterDistance": (
        refkernels.CenterDistance,
        lambda operator: operator(BOXES, BOXES),
        "axis fmt",
    ),
    "InsideMask": (
        refkernels.InsideMask,
        lambda operator: (
            operator(POINTS, BOXES),
            operator(POINTS.astype(ROUND), BOXES.astype(ROUND)),
        ),
        "margin fmt",
    ),
    "TaskAlignedMetric": (
        refkernels.TaskAlignedMetric,
        lambda operator: operator(SCORES, LABELS, IOUS),
        "alpha beta",
    ),
    "SimOTACost": (
        refkernels.SimOTACost,
        lambda operator: operator(SCORES, LABELS, IOUS, INSIDE),
        "iou_weight eps penalty",
    ),
    "DETRCost": (
        refkernels.DETRCost,
        lambda operator: operator(LOGITS, BOXES, LABELS, BOXES[:2]),
        "class_weight l1_weight giou_weight kind alpha gamma eps",
    ),
    "focal DETRCost": (
        partial(refkernels.DETRCost, kind="focal"),
        lambda operator: operator(LOGITS, BOXES, LABELS, BOXES[:2]),
        "class_weight l1_weight giou_weight alpha gamma eps",
    ),
    "DistanceEncoder": (refkernels.DistanceEncoder, coded, "normalize"),
    "DistanceDecoder": (refkernels.DistanceDecoder, coded, "normalize"),
    "CenterHeatmapEncoder": (
        build(refkernels.CenterHeatmapEncoder, num_class=1, size=3),
        maps,
        "num_class size scale min_overlap ceil",
    ),
    "AnchorGrid": (
        build(refkernels.AnchorGrid, sizes=[8, 16], ratios=[1, 2], stride=8),
        grid,
        "sizes ratios stride offset rounded order dtype",
    ),
    "a call of AnchorGrid": (
        lambda **given: refkernels.AnchorGrid([8], [1], 8)(**{"height": 1, "width": 1, **given}),
        lambda anchors: anchors,
        "height width",
    ),
    "NMS": (
        build(refkernels.NMS, threshold=0.5),
        lambda operator: operator(BOXES, STRIDES),
        "threshold",
    ),
    "BatchedNMS": (
        build(refkernels.BatchedNMS, threshold=0.5),
        lambda operator: operator(BOXES, STRIDES, [0, 1, 0]),
        "threshold",
    ),
}

ALL_OPERATORS = {**OPERATORS, **DETECTORS}
