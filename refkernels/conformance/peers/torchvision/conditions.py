"""When torchvision differs: on which cases.

Predicates do torchvision's arithmetic where they can, so that they cover no case in which a
difference does not show.
"""

import math
from typing import Any

import numpy as np

from refkernels.arrays import Array
from refkernels.conformance.model.bfloat16 import BFLOAT16, BFloat16, rounded
from refkernels.conformance.model.case import Case

__all__ = [
    "area_leaves_int32",
    "areas_leave_int32",
    "cells_are_of_single",
    "extremes_round_in_half",
    "forced_matches_go_astray",
    "is_half",
    "is_on_the_threshold",
    "low_quality_floods",
    "offsets_take_digits",
    "quota_is_cut",
    "sides_round_in_half",
    "squares_leave_int32",
    "ties_come_as_they_like",
    "uint8_wraps",
    "union_leaves_int32",
    "weights_are_cut",
]

INT32_MAX = 2**31 - 1


def _corners(boxes: Array, fmt: str) -> tuple[Array, Array]:
    """Return the lower and the upper corners of boxes, in the dtype that they come in."""
    if fmt == "corner":
        return boxes[..., :2], boxes[..., 2:]
    half = boxes[..., 2:] / boxes.dtype.type(2)
    return boxes[..., :2] - half, boxes[..., :2] + half


def _overlap_sides(case: Case) -> Array:
    """Return the sides of all pairs' intersections, not clamped, in the dtype that boxes have."""
    fmt = case.config.get("fmt", "corner")
    (a_low, a_high), (b_low, b_high) = (_corners(case.inputs[name], fmt) for name in ("a", "b"))
    low = np.maximum(a_low[..., :, None, :], b_low[..., None, :, :])
    high = np.minimum(a_high[..., :, None, :], b_high[..., None, :, :])
    with np.errstate(over="ignore"):
        return np.asarray(high - low)


def _exact(case: Case) -> Case:
    """Return a case with its reals in float64, which holds all that float16 and int32 hold."""
    inputs = {k: array.view(np.ndarray).astype(np.float64) for k, array in case.inputs.items()}
    return Case(case.config, inputs)


def _area(boxes: Array, fmt: str) -> Array:
    low, high = _corners(boxes.astype(np.float64), fmt)
    return np.asarray((high - low).prod(-1))


def _dtype(case: Case) -> str:
    array = next(iter(case.inputs.values()))
    return BFLOAT16 if isinstance(array, BFloat16) else array.dtype.name


def area_leaves_int32(case: Case) -> bool:
    """Return whether an area of int32 boxes is no int32."""
    fmt = case.config.get("fmt", "corner")
    return _dtype(case) == "int32" and bool((_area(case.inputs["x"], fmt) > INT32_MAX).any())


def union_leaves_int32(case: Case) -> bool:
    """Return whether a union of int32 boxes is no int32."""
    if _dtype(case) != "int32":
        return False
    fmt = case.config.get("fmt", "corner")
    inter = np.maximum(_overlap_sides(_exact(case)), 0).prod(-1)
    a, b = _area(case.inputs["a"], fmt), _area(case.inputs["b"], fmt)
    return bool((a[..., :, None] + b[..., None, :] - inter > INT32_MAX).any())


def uint8_wraps(case: Case) -> bool:
    """Return whether an intersection of uint8 boxes is another one where sides wrap."""
    if _dtype(case) != "uint8" or case.config.get("fmt", "corner") != "corner":
        return False
    wrapped = _overlap_sides(case).astype(np.float64).prod(-1)
    exact = np.maximum(_overlap_sides(_exact(case)), 0).prod(-1)
    return bool((wrapped != exact).any())


def sides_round_in_half(case: Case) -> bool:
    """Return whether a corner, or a side of an intersection, is rounded to half."""
    dtype = _dtype(case)
    if dtype not in ("float16", BFLOAT16):
        return False
    fmt, exact = case.config.get("fmt", "corner"), _exact(case)
    numbers = [_overlap_sides(exact)]
    numbers += [x for boxes in exact.inputs.values() for x in _corners(boxes, fmt)]
    return any(bool((_in_half(x, dtype) != x).any()) for x in numbers)


def _in_half(x: Array, dtype: str) -> Array:
    with np.errstate(over="ignore"):
        half = rounded(x) if dtype == BFLOAT16 else x.astype(np.float16)
    return half.view(np.ndarray).astype(np.float64)


def weights_are_cut(case: Case) -> bool:
    """Return whether weights are no whole numbers, for boxes of integers."""
    weights = 1 / np.array(case.config.get("stds", (0.1, 0.1, 0.2, 0.2)))
    return case.inputs["refs"].dtype.kind in "iu" and bool((weights != np.floor(weights)).any())


def extremes_round_in_half(case: Case) -> bool:
    """Return whether a side of an intersection, or of a box around two, is rounded to half."""
    dtype = _dtype(case)
    if dtype not in ("float16", BFLOAT16):
        return False
    exact = _exact(case)
    a, b = exact.inputs["a"][..., :, None, :], exact.inputs["b"][..., None, :, :]
    around = np.maximum(a[..., 2:], b[..., 2:]) - np.minimum(a[..., :2], b[..., :2])
    numbers = (_overlap_sides(exact), around)
    return any(bool((_in_half(x, dtype) != x).any()) for x in numbers)


def areas_leave_int32(case: Case) -> bool:
    """Return whether a union, or the area around two boxes, is no int32."""
    if _dtype(case) != "int32":
        return False
    exact = _exact(case)
    a, b = exact.inputs["a"][..., :, None, :], exact.inputs["b"][..., None, :, :]
    around = np.maximum(a[..., 2:], b[..., 2:]) - np.minimum(a[..., :2], b[..., :2])
    return bool((around.prod(-1) > INT32_MAX).any()) or union_leaves_int32(case)


def is_on_the_threshold(case: Case) -> bool:
    """Return whether an IoU is the threshold rounded up to its dtype, and so over it in double."""
    boxes, threshold = case.inputs["boxes"], case.config["threshold"]
    if boxes.dtype != np.float32 or float(np.float32(threshold)) <= threshold:
        return False
    low, high = boxes[..., :2], boxes[..., 2:]
    area = (high - low).prod(-1)
    sides = np.minimum(high[:, None], high) - np.maximum(low[:, None], low)
    inter = np.maximum(sides, 0).prod(-1)
    with np.errstate(all="ignore"):
        ious = inter / (area[:, None] + area - inter)
    return bool((ious == np.float32(threshold)).any())


# Boxes with more numbers than that are suppressed class by class.
BY_CLASS = 4000


def offsets_take_digits(case: Case) -> bool:
    """Return whether sides change by the offset that sets a class apart."""
    boxes, labels = case.inputs["boxes"], case.inputs["labels"]
    if not boxes.size or boxes.size > BY_CLASS:
        return False
    offsets = labels.astype(boxes.dtype)[:, None] * (boxes.max() + boxes.dtype.type(1))
    moved = boxes + offsets
    return bool((moved[:, 2:] - moved[:, :2] != boxes[:, 2:] - boxes[:, :2]).any()) or bool(
        (moved.astype(np.float64) - offsets.astype(np.float64) != boxes).any()
    )


def ties_come_as_they_like(case: Case) -> bool:
    """Return whether more boxes than are set apart by offsets have equal scores."""
    scores = case.inputs["scores"]
    return case.inputs["boxes"].size > BY_CLASS and len(np.unique(scores)) < len(scores)


def squares_leave_int32(case: Case) -> bool:
    """Return whether the square of a diagonal around two int32 boxes is no int32."""
    if _dtype(case) != "int32":
        return False
    exact = _exact(case)
    a, b = exact.inputs["a"][..., :, None, :], exact.inputs["b"][..., None, :, :]
    around = np.maximum(a[..., 2:], b[..., 2:]) - np.minimum(a[..., :2], b[..., :2])
    return bool(((around**2).sum(-1) > INT32_MAX).any()) or union_leaves_int32(case)


def _bar(x: Array, threshold: float) -> Any:
    """Return a threshold as it is compared with an array: integers are compared with the real."""
    return x.dtype.type(threshold) if x.dtype.kind == "f" else threshold


def low_quality_floods(case: Case) -> bool:
    """Return whether some anchor gets a match because it is the best of what overlaps nothing."""
    if case.config.get("low_quality") != "own":
        return False
    x, high = case.inputs["x"], case.config["high"]
    if not x.size:
        return False
    best = x == x.max(-2, keepdims=True)
    flooded = (best & (x <= 0)).any(-1) & ~(best & (x > 0)).any(-1)
    return bool((flooded & (x.max(-1) < _bar(x, high))).any())


def forced_matches_go_astray(case: Case) -> bool:
    """Return whether an object that overlaps nothing takes an anchor from what it has else."""
    x, high = case.inputs["x"], case.config["high"]
    if not x.size:
        return False
    firsts, best = x.argmax(-2), x.max(-2)
    for image in np.ndindex(x.shape[:-2]):
        own = x[image]
        right = np.where(own.max(-1) >= _bar(x, high), own.argmax(-1), -1)
        theirs = right.copy()
        for column, row in enumerate(firsts[image]):
            theirs[row] = column
            if best[image][column] > 0:
                right[row] = column
        if (theirs != right).any():
            return True
    return False


def quota_is_cut(case: Case) -> bool:
    """Return whether a product of the quota is rounded to below a whole number."""
    product = case.config.get("pos_ratio", 0.5) * case.config["num_sample"]
    return int(product) != math.floor(float(product) + 1e-9)


def cells_are_of_single(case: Case) -> bool:
    """Return whether half a side, rounded, is another number if it is computed in float32."""
    if case.config.get("dtype") != "float64":
        return False
    halves: list[list[Array]] = []
    for dtype in (np.float32, np.float64):
        sizes: Array = np.array(case.config["sizes"], dtype)
        roots: Array = np.sqrt(np.array(case.config["ratios"], dtype))[:, None]
        halves.append([np.rint(sizes / roots / 2), np.rint(sizes * (1 / roots) / 2)])
        halves[-1].append(np.rint(sizes * roots / 2))
    return any(bool((a != b).any()) for a, b in zip(*halves, strict=True))


def is_half(case: Case) -> bool:
    """Return whether there is half precision."""
    return any(x.dtype == np.float16 or isinstance(x, BFloat16) for x in case.inputs.values())
