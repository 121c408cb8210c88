"""When the decisions of ultralytics differ, and the costs they go by: on which cases.

Predicates do ultralytics' arithmetic where they can, as those of `conditions` do.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from refkernels.arrays import Array
from refkernels.conformance.model.bfloat16 import BFLOAT16
from refkernels.conformance.model.case import Case
from refkernels.conformance.peers.ultralytics.conditions import dtype_of, in_dtype, plain

__all__ = [
    "another_truth_is_first",
    "are_six",
    "are_too_few",
    "cost_leaves_single",
    "eps_counts_in_cost",
    "giou_is_small_beside_1",
    "is_in_between",
    "offsets_decide",
    "sides_move",
    "suppressed_otherwise",
    "ties_at_the_last_place",
    "ties_come_as_they_like",
    "truths_round_in_half",
    "zeros_fill_up",
]

# By class it adds so many pixels to boxes.
OFFSET = 7680.0

# The eps of its overlaps.
EPS = 1e-7

# Relative roundoff in single precision.
UNIT = 2.0**-24


def sides_move(case: Case) -> bool:
    """Return whether a point is on another side of a box that went to centre form and back."""
    boxes, dtype = plain(case.inputs["boxes"]), dtype_of(case.inputs["boxes"])
    points, others = plain(case.inputs["points"]), dtype_of(case.inputs["points"])
    low, high = boxes[..., :2], boxes[..., 2:]
    middle = in_dtype(in_dtype(low + high, dtype) / 2, dtype)
    half = in_dtype(high - low, dtype) / 2
    half = half if dtype in ("int32", "int64", "uint8") else in_dtype(half, dtype)
    moved = np.concatenate([in_dtype(middle - half, dtype), in_dtype(middle + half, dtype)], -1)
    kinds = {dtype, others}
    joint = kinds.pop() if len(kinds) == 1 else _joint(dtype, others)
    margin = case.config.get("margin", 0.0)
    return bool((_inside(points, boxes, "", margin) != _inside(points, moved, joint, margin)).any())


def _joint(one: str, other: str) -> str:
    if BFLOAT16 in (one, other):
        return "float32"
    return str(np.result_type(one, other))


def _inside(points: Array, boxes: Array, dtype: str, margin: float) -> Array:
    """Return which points are inside, with distances in a dtype, or exact."""
    place = points[..., :, None, :]
    sides = [place - boxes[..., None, :, :2], boxes[..., None, :, 2:] - place]
    distances = np.concatenate(sides, -1)
    if dtype:
        distances = in_dtype(distances, dtype)
        margin = margin if np.dtype(np.float64).name == dtype else float(_own(margin, dtype))
    return np.asarray((distances > margin).all(-1))


def _own(value: float, dtype: str) -> Any:
    return value if dtype in ("int32", "int64", "uint8") else in_dtype(value, dtype)


def are_too_few(case: Case) -> bool:
    """Return whether there are fewer anchors than each ground truth is to get, and such."""
    *_, count, truths = case.inputs["metric"].shape
    return truths > 0 and count < case.config.get("topk", 13)


def _counting(case: Case) -> tuple[Array, Array, int]:
    inside = case.inputs["inside"]
    metric = np.where(inside, plain(case.inputs["metric"]), 0)
    return metric, inside, case.config.get("topk", 13)


def zeros_fill_up(case: Case) -> bool:
    """Return whether a ground truth has places left for anchors inside whose metric is 0."""
    metric, inside, topk = _counting(case)
    is_short = (metric > 0).sum(-2) < topk
    return bool((is_short & (inside & (metric == 0)).any(-2)).any())


def ties_at_the_last_place(case: Case) -> bool:
    """Return whether the last metric that is selected is that of one that is not."""
    metric, _, topk = _counting(case)
    if metric.shape[-2] <= topk:
        return False
    ranked = -np.sort(-metric, axis=-2)
    last, next_one = ranked[..., topk - 1, :], ranked[..., topk, :]
    return bool(((last == next_one) & (last > 0)).any())


def another_truth_is_first(case: Case) -> bool:
    """Return whether an anchor that several select, all with an overlap of 0, gets another one.

    The largest overlap is looked for where it is 0 outside, and of 0 the first is taken.
    """
    metric, inside, topk = _counting(case)
    if not metric.size:
        return False
    order = np.argsort(-metric, axis=-2, kind="stable")
    ranks = np.argsort(order, axis=-2, kind="stable")
    selects = (ranks < topk) & (metric > 0)
    overlaps = np.where(inside, plain(case.inputs["ious"]), 0)
    first = np.take_along_axis(inside, overlaps.argmax(-1)[..., None], -1)[..., 0]
    return bool(((selects.sum(-1) > 1) & ~first).any())


def cost_leaves_single(case: Case) -> bool:
    """Return whether a cost is another in single precision."""
    cost = case.inputs["cost"]
    return cost.dtype == np.float64 and bool((in_dtype(cost, "float32") != cost).any())


def _pairs_of_boxes(case: Case) -> tuple[Array, Array]:
    return plain(case.inputs["boxes"])[..., :, None, :], plain(case.inputs["truths"])[
        ..., None, :, :
    ]


def _of_pairs(case: Case) -> tuple[Array, Array, Array]:
    """Return intersection, union and the area of the box around both, of every pair."""
    a, b = _pairs_of_boxes(case)
    lows, highs = ([x[..., :2] + sign * x[..., 2:] / 2 for x in (a, b)] for sign in (-1, 1))
    inter = np.maximum(np.minimum(*highs) - np.maximum(*lows), 0).prod(-1)
    union = a[..., 2:].prod(-1) + b[..., 2:].prod(-1) - inter
    return inter, union, (np.maximum(*highs) - np.minimum(*lows)).prod(-1)


def eps_counts_in_cost(case: Case) -> bool:
    """Return whether the eps of overlaps, which normalised boxes are small beside, changes one."""
    if not case.config.get("giou_weight", 2.0):
        return False
    inter, union, hull = _of_pairs(case)
    with np.errstate(all="ignore"):
        iou = np.where(inter > 0, inter / union, 0)
        exact = iou - np.where(hull > 0, (hull - union) / hull, 0)
        own = inter / (union + EPS) - (hull - union) / (hull + EPS)
        return bool((~(np.abs(own - exact) <= UNIT)).any())


def giou_is_small_beside_1(case: Case) -> bool:
    """Return whether the box around two has no area, so that all that counts is added to 1."""
    return bool(case.config.get("giou_weight", 2.0)) and bool((_of_pairs(case)[2] == 0).any())


def truths_round_in_half(case: Case) -> bool:
    """Return whether corners or areas of ground truths are rounded to half, or wrap."""
    truths, dtype = case.inputs["truths"], dtype_of(case.inputs["truths"])
    if dtype in ("float32", "float64"):
        return False
    x = plain(truths)
    area = x[..., 2:].prod(-1)
    exact = [area]
    if dtype in ("float16", BFLOAT16):
        half = x[..., 2:] / 2
        exact += [half, x[..., :2] - half, x[..., :2] + half]
    return any(bool((in_dtype(step, dtype) != step).any()) for step in exact)


def _steps_of_pairs(boxes: Array, own: Callable[[Any], Any], real: Callable[[Any], Any]) -> Array:
    """Return the IoU of every pair of boxes, with each step as it is computed."""
    low, high = boxes[:, :2], boxes[:, 2:]
    with np.errstate(all="ignore"):
        areas = own(own(high - low).prod(-1))
        cut = own(np.minimum(high[:, None], high) - np.maximum(low[:, None], low))
        inter = own(np.maximum(cut, 0).prod(-1))
        union = own(own(areas[:, None] + areas) - inter)
        return np.asarray(real(inter / union))


# Pairs of more boxes are not gone through.
SOME = 700


def suppressed_otherwise(case: Case) -> bool:
    """Return whether an IoU in half precision, or of whole numbers that wrap, decides otherwise.

    Of many boxes some IoU does, unless no area comes near the ends of the dtype.
    """
    boxes, dtype = plain(case.inputs["boxes"]), dtype_of(case.inputs["boxes"])
    if dtype in ("float32", "float64") or not len(boxes):
        return False
    whole = dtype in ("int32", "int64", "uint8")
    if len(boxes) > SOME:
        largest = np.abs(boxes[:, 2:] - boxes[:, :2]).prod(-1).max()
        return not whole or bool(2 * largest > np.iinfo(dtype).max)
    threshold = case.config["threshold"]
    limit = threshold if whole else float(in_dtype(threshold, dtype))

    def own(x: Any) -> Any:
        """Return numbers as they are in the dtype of the boxes."""
        return in_dtype(x, dtype)

    exact = _steps_of_pairs(boxes, lambda x: x, lambda x: x)
    found = _steps_of_pairs(boxes, own, (lambda x: in_dtype(x, "float32")) if whole else own)
    apart = ~(np.eye(len(boxes), dtype=bool))
    right = np.isfinite(exact) & (exact > limit)
    # What is no number suppresses, unless no areas are shared: then boxes may also stay.
    theirs, unsure = ~(found <= limit), np.isnan(found)
    return bool((apart & ((theirs != right) | (unsure & right))).any())


# An unstable sort leaves so few in order.
IN_ORDER = 16


def ties_come_as_they_like(case: Case) -> bool:
    """Return whether scores are equal, of more boxes than an unstable sort keeps in order."""
    scores = case.inputs["scores"]
    return len(scores) > IN_ORDER and len(np.unique(plain(scores))) < len(scores)


def is_in_between(single: bool) -> Callable[[Case], bool]:
    """Return a predicate: whether an IoU is between the threshold and that of its dtype.

    With `single` the threshold is rounded to single precision before it is compared, and else not.
    """

    def when(case: Case) -> bool:
        """Return whether an IoU is between the two thresholds, or next to that."""
        boxes, threshold = case.inputs["boxes"], case.config["threshold"]
        dtype = dtype_of(boxes)
        if dtype in ("float64", "int32", "int64", "uint8"):
            return False
        own = float(np.float32(threshold)) if single else threshold
        low, high = sorted((own, float(in_dtype(threshold, dtype))))
        if low == high:
            return False
        ious = _steps_of_pairs(plain(boxes), lambda x: x, lambda x: x)
        return bool(((ious >= low * (1 - 8 * UNIT)) & (ious <= high * (1 + 8 * UNIT))).any())

    return when


def are_six(case: Case) -> bool:
    """Return whether there are six boxes: as many as an end-to-end model has numbers of a box."""
    return len(case.inputs["boxes"]) == 6


def offsets_decide(case: Case) -> bool:
    """Return whether boxes suppress others where each class has its offset, and not without it.

    Or the other way round. Of many boxes some do if any side is moved by rounding.
    """
    given, labels = case.inputs["boxes"], plain(case.inputs["labels"])
    if not len(given):
        return False
    is_wide = "float64" in (dtype_of(given), dtype_of(case.inputs["scores"]))
    boxes, offsets = plain(given), labels[:, None] * OFFSET
    moved = in_dtype(boxes + offsets, "float64" if is_wide else "float32")
    if len(boxes) > SOME:
        is_near = boxes.min() >= 0 and boxes.max() <= OFFSET
        return not is_near or bool((moved - offsets != boxes).any())
    threshold, near = case.config["threshold"], 32 * UNIT
    same = labels[:, None] == labels
    ious, own = (
        np.nan_to_num(_steps_of_pairs(x, lambda x: x, lambda x: x)) for x in (boxes, moved)
    )
    decides = np.where(same, ious > threshold, False) != (own > threshold)
    is_close = same & (ious != own) & (np.abs(own - threshold) <= near)
    return bool((decides | is_close).any())
