"""How far rounding can take a result: the bounds of the conformance room, asked for rows of a dump.

A dump is held to the kernels as `refkernels check` holds a target to them, so it is held to the
same bounds; a second derivation here would be one too many. Nothing else of conformance is used.
"""

import dataclasses
from typing import Any

import numpy as np

from refkernels.arrays import Array
from refkernels.bounds import bbox as bounds
from refkernels.bounds import coder as coder_bounds
from refkernels.conformance.model.operator import Case

__all__ = ["box_target_bound", "iou_bound", "score_bound"]


def iou_bound(operator: Any, anchors: Array, boxes: Array) -> Array:
    """Bound the error of the IoUs (K, M) of anchors (K, 4) with boxes (M, 4)."""
    case = Case(_config(operator), {"a": anchors[np.newaxis], "b": boxes[np.newaxis]})
    return np.asarray(bounds.box_batch_iou(case)[0])


def box_target_bound(operator: Any, anchors: Array, truths: Array) -> Array:
    """Bound the error of the targets (K, 4) of anchors (K, 4), each with its own truth (K, 4)."""
    count = len(anchors)
    config = {name: getattr(operator, name) for name in ("stds", "means")}
    inputs = {
        "samples": np.ones(count),
        "matches": np.arange(count),
        "anchors": anchors,
        "refs": truths,
    }
    return np.asarray(coder_bounds.box_center_encoder(Case(config, inputs)))


def score_bound(logits: Array) -> Array:
    """Bound the error of the mining scores (K,) of logits (K, C + 1)."""
    return bounds.mining_score(Case({}, {"logits": logits}))


def _config(operator: Any) -> dict[str, Any]:
    return {field.name: getattr(operator, field.name) for field in dataclasses.fields(operator)}
