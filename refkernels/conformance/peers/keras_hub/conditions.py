"""When keras_hub and keras differ: on which cases.

Predicates do their arithmetic where they can, so that they cover no case in which a difference does
not show.
"""

import numpy as np

from refkernels.arrays import Array
from refkernels.conformance.model.case import Case

__all__ = [
    "bars_vanish",
    "cells_are_cut",
    "eps_counts_in_ciou",
    "eps_decides",
    "extras_are_forced",
    "is_inverted",
    "is_no_single",
    "is_on_the_threshold",
    "is_out_of_sight",
    "is_small",
    "nothing_is_forced",
    "nothing_reaches_low",
    "nothing_suppresses",
    "ratios_are_no_squares",
    "single_decides",
    "sizes_are_cut",
    "squares_are_infinite",
    "steps_round_in_half",
    "there_are_no_anchors",
    "thresholds_are_single",
    "ties_are_turned",
]

EPSILON, NMS_EPSILON = 1e-7, 1e-8
TINY = np.finfo(np.float32).tiny


def is_no_single(case: Case) -> bool:
    """Return whether boxes are in double precision, or integers that single does not hold."""
    own = [array for name, array in case.inputs.items() if name not in ("samples", "matches")]
    return any(
        array.dtype == np.float64
        or (array.dtype.kind in "iu" and bool((array.astype(np.float32) != array).any()))
        for array in own
    )


def _single(threshold: float) -> float:
    return float(np.float32(threshold))


def thresholds_are_single(case: Case) -> bool:
    """Return whether an anchor's best is on another side of a threshold in single precision."""
    x, config = case.inputs["x"], case.config
    if x.dtype.kind != "f" or not x.size:
        return False
    best = x.max(-1)
    own = [config["high"], config.get("low")]
    return any(
        bool(((best >= x.dtype.type(bar)) != (best.astype(np.float64) >= _single(bar))).any())
        for bar in own
        if bar is not None
    )


def nothing_reaches_low(case: Case) -> bool:
    """Return whether there are no objects, and an IoU of 0 would not be too low."""
    low, high = case.config.get("low"), case.config["high"]
    return case.inputs["x"].shape[-1] == 0 and low is not None and low <= 0 < high


def there_are_no_anchors(case: Case) -> bool:
    """Return whether there are objects, and no anchors."""
    count, objects = case.inputs["x"].shape[-2:]
    return count == 0 and objects > 0


def _forced(case: Case) -> list[tuple[Array, Array, Array]]:
    """Return each image, with the best anchor of each object, and how good it is."""
    x = case.inputs["x"]
    if case.config.get("low_quality") != "truth" or not x.size:
        return []
    images = x.reshape(-1, *x.shape[-2:])
    return [(own, own.argmax(0), own.max(0)) for own in images]


def extras_are_forced(case: Case) -> bool:
    """Return whether the first anchor is no object's best, and so that of what only pads."""
    return any(not (rows == 0).any() for _, rows, _ in _forced(case))


def nothing_is_forced(case: Case) -> bool:
    """Return whether an object that overlaps nothing takes an anchor from what it has else."""
    for own, rows, best in _forced(case):
        high = case.config["high"]
        high = own.dtype.type(high) if own.dtype.kind == "f" else high
        right = np.where(own.max(-1) >= high, own.argmax(-1), -1)
        theirs = right.copy()
        for column in range(len(rows))[::-1]:
            theirs[rows[column]] = column
            if best[column] > 0:
                right[rows[column]] = column
        if (theirs != right).any():
            return True
    return False


def steps_round_in_half(case: Case) -> bool:
    """Return whether a centre is another number if each step to it is rounded to half."""
    x = case.inputs["x"]
    if x.dtype != np.float16:
        return False
    with np.errstate(all="ignore"):
        low, high = x[..., :2], x[..., 2:]
        theirs = low + (high - low) / np.float16(2)
        own = low.astype(np.float32) + (high.astype(np.float32) - low.astype(np.float32)) / 2
        return bool((theirs != own.astype(np.float16)).any())


def _corners(case: Case, name: str) -> tuple[Array, Array]:
    boxes = case.inputs[name].view(np.ndarray).astype(np.float64)
    if case.config.get("fmt", "corner") == "corner":
        return boxes[..., :2], boxes[..., 2:]
    return boxes[..., :2] - boxes[..., 2:] / 2, boxes[..., :2] + boxes[..., 2:] / 2


def is_inverted(case: Case) -> bool:
    """Return whether a side of a box is negative."""
    return any(bool((high < low).any()) for low, high in (_corners(case, name) for name in "ab"))


def _ciou(case: Case, eps: float) -> Array:
    """Return the CIoU of all pairs, with what keras adds where it adds it."""
    (a_low, a_high), (b_low, b_high) = (_corners(case, name) for name in "ab")
    a_low, a_high = a_low[..., :, None, :], a_high[..., :, None, :]
    b_low, b_high = b_low[..., None, :, :], b_high[..., None, :, :]
    above = np.array([0, eps])
    a, b = a_high - a_low + above, b_high - b_low + above
    inter = np.maximum(np.minimum(a_high, b_high) - np.maximum(a_low, b_low), 0).prod(-1)
    with np.errstate(all="ignore"):
        iou = np.nan_to_num(inter / (a.prod(-1) + b.prod(-1) - inter + 2 * eps))
        around = np.maximum(a_high, b_high) - np.minimum(a_low, b_low)
        apart = (((a_low + a_high - b_low - b_high) / 2) ** 2).sum(-1)
        far = np.nan_to_num(apart / ((around**2).sum(-1) + eps))
        angles = [np.arctan2(*np.moveaxis(np.maximum(sides, 0), -1, 0)) for sides in (a, b)]
        v = 4 / np.pi**2 * (angles[0] - angles[1]) ** 2
        shape = np.nan_to_num(v * v / (v - iou + 1 + eps))
    return np.asarray(iou - far - shape)


def eps_counts_in_ciou(case: Case) -> bool:
    """Return whether what is added to sides, unions and diagonals changes a CIoU."""
    return bool((np.abs(_ciou(case, EPSILON) - _ciou(case, 0)) > 2.0**-28).any())


def squares_are_infinite(case: Case) -> bool:
    """Return whether an area, a square of a side or twice a centre is infinite in single."""
    (a_low, a_high), (b_low, b_high) = (_corners(case, name) for name in "ab")
    with np.errstate(all="ignore"):
        low = np.minimum(a_low[..., :, None, :], b_low[..., None, :, :])
        high = np.maximum(a_high[..., :, None, :], b_high[..., None, :, :])
        around = (high - low).astype(np.float32)
        areas = [(high - low).prod(-1) for low, high in ((a_low, a_high), (b_low, b_high))]
        diagonal = (around * around).sum(-1)
        centers = a_low + a_high, b_low + b_high
        steps = diagonal, *areas, *centers
        return any(bool(np.isinf(x.astype(np.float32)).any()) for x in steps)


def is_small(case: Case) -> bool:
    """Return whether a side of an anchor, or of what it is matched with, is below epsilon."""
    boxes = [case.inputs[name].astype(np.float32) for name in ("anchors", "refs")]
    return any(bool((own[..., 2:] - own[..., :2] < EPSILON).any()) for own in boxes)


def sizes_are_cut(case: Case) -> bool:
    """Return whether a size is no whole number."""
    return any(size != int(size) for size in case.config["sizes"])


def ratios_are_no_squares(case: Case) -> bool:
    """Return whether a ratio is not 1."""
    return any(ratio != 1 for ratio in case.config["ratios"])


def cells_are_cut(case: Case) -> bool:
    """Return whether there is a second row or column, of cells of more than a pixel."""
    more = max(int(case.inputs[name]) for name in ("height", "width")) > 1
    return more and bool(np.max(case.config["stride"]) > 1)


def bars_vanish(case: Case) -> bool:
    """Return whether a threshold is so small that TensorFlow takes it for 0."""
    own = [case.config["high"], case.config.get("low")]
    return any(0 < _single(bar) < TINY for bar in own if bar is not None)


def _overlaps(boxes: Array, eps: float) -> tuple[Array, Array]:
    """Return the IoUs of all pairs as they are computed, and which pairs are of two boxes."""
    low, high = boxes[:, :2], boxes[:, 2:]
    with np.errstate(all="ignore"):
        sides = np.minimum(high[:, None], high) - np.maximum(low[:, None], low)
        inter, areas = np.maximum(sides, 0).prod(-1), (high - low).prod(-1)
        union = areas[:, None] + areas - inter + boxes.dtype.type(eps)
        ious = np.where(inter > 0, inter / union, 0)
    return ious, ~np.eye(len(boxes), dtype=bool)


def _theirs(case: Case) -> tuple[Array, Array, np.float32]:
    boxes = case.inputs["boxes"].astype(np.float32)
    return *_overlaps(boxes, NMS_EPSILON), np.float32(case.config["threshold"])


def is_on_the_threshold(case: Case) -> bool:
    """Return whether the IoU of two boxes is the threshold."""
    ious, pairs, threshold = _theirs(case)
    return bool((pairs & (ious == threshold)).any())


def nothing_suppresses(case: Case) -> bool:
    """Return whether boxes overlap, and the threshold is 0, or taken for it."""
    ious, pairs, threshold = _theirs(case)
    return bool(threshold < TINY and (pairs & (ious > 0)).any())


def is_out_of_sight(case: Case) -> bool:
    """Return whether a box has no coordinate above 0."""
    return bool((case.inputs["boxes"].astype(np.float32) <= 0).all(-1).any())


def ties_are_turned(case: Case) -> bool:
    """Return whether two scores are equal."""
    scores = case.inputs["scores"].astype(case.inputs["boxes"].dtype)
    return len(np.unique(scores)) < len(scores)


def single_decides(case: Case) -> bool:
    """Return whether an IoU is on another side of the threshold in single precision."""
    boxes, theirs = case.inputs["boxes"], case.inputs["boxes"].astype(np.float32)
    if boxes.dtype == np.float32:
        return False
    threshold = boxes.dtype.type(case.config["threshold"])
    ious, pairs = _overlaps(boxes if boxes.dtype == np.float64 else theirs, 0)
    own = _overlaps(theirs, 0)[0] > np.float32(case.config["threshold"])
    return bool((pairs & ((ious > threshold) != own)).any())


def eps_decides(case: Case) -> bool:
    """Return whether what is added to the union brings an IoU below the threshold."""
    ious, pairs, threshold = _theirs(case)
    own, _ = _overlaps(case.inputs["boxes"].astype(np.float32), 0)
    return bool((pairs & ((ious > threshold) != (own > threshold))).any())
