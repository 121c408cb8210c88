"""When transformers differs: on which cases.

Predicates do its arithmetic where they can, so that they cover no case in which a difference does
not show.
"""

from typing import Any, NamedTuple

import numpy as np

from refkernels.arrays import Array
from refkernels.conformance.model.bfloat16 import BFLOAT16, BFloat16, rounded
from refkernels.conformance.model.case import Case

__all__ = [
    "area_leaves_int32",
    "boxes_are_of_single",
    "centres_leave_the_dtype",
    "distances_leave_integers",
    "enclosing_leaves_int32",
    "enclosing_leaves_uint8",
    "enclosing_rounds_in_half",
    "has_labels",
    "has_no_predictions",
    "has_no_union",
    "inter_leaves_uint8",
    "inter_rounds_in_half",
    "is_half",
    "one_point_is_sampled",
    "pairs_have_no_union",
    "steps_round_in_half",
    "surely_right_in_half",
    "union_leaves_int32",
]

INT32_MAX = 2**31 - 1


class Measures(NamedTuple):
    """What all pairs of boxes have, not rounded: sides of intersections and of what encloses both.

    The sides of intersections are clamped at 0.
    """

    inter: Array
    around: Array
    areas: tuple[Array, Array]

    @property
    def union(self) -> Array:
        """The areas of unions."""
        a, b = self.areas
        return np.asarray(a[..., :, None] + b[..., None, :] - self.inter.prod(-1))


def _measures(a: Array, b: Array) -> Measures:
    """Return the measures of boxes in corner form, in the dtype that they come in."""
    rows, columns = a[..., :, None, :], b[..., None, :, :]
    low = np.maximum(rows[..., :2], columns[..., :2])
    high = np.minimum(rows[..., 2:], columns[..., 2:])
    around = np.maximum(rows[..., 2:], columns[..., 2:]) - np.minimum(
        rows[..., :2], columns[..., :2]
    )
    areas = ((a[..., 2:] - a[..., :2]).prod(-1), (b[..., 2:] - b[..., :2]).prod(-1))
    return Measures(np.maximum(high - low, 0), around, areas)


def _exact(case: Case) -> Measures:
    """Return the measures of a case in float64, in which those of half precision are exact."""
    a, b = (case.inputs[name].view(np.ndarray).astype(np.float64) for name in ("a", "b"))
    return _measures(a, b)


def _dtype(case: Case) -> str:
    array = next(iter(case.inputs.values()))
    return BFLOAT16 if isinstance(array, BFloat16) else array.dtype.name


def is_half(case: Case) -> bool:
    """Return whether there is half precision."""
    return any(x.dtype == np.float16 or isinstance(x, BFloat16) for x in case.inputs.values())


def _in_half(x: Array, dtype: str) -> Array:
    with np.errstate(over="ignore"):
        half = rounded(x) if dtype == BFLOAT16 else x.astype(np.float16)
    return half.view(np.ndarray).astype(np.float64)


def _rounds(dtype: str, *numbers: Array) -> bool:
    return any(bool((_in_half(x, dtype) != x).any()) for x in numbers)


def inter_rounds_in_half(case: Case) -> bool:
    """Return whether a side or the area of an intersection is rounded to half."""
    if not is_half(case):
        return False
    inter = _exact(case).inter
    return _rounds(_dtype(case), inter, inter.prod(-1))


def enclosing_rounds_in_half(case: Case) -> bool:
    """Return whether that, or a side or the area of the box around both, is rounded to half."""
    if not is_half(case):
        return False
    around = _exact(case).around
    return _rounds(_dtype(case), around, around.prod(-1)) or inter_rounds_in_half(case)


def area_leaves_int32(case: Case) -> bool:
    """Return whether an area of int32 boxes is no int32."""
    boxes = case.inputs["x"].astype(np.float64)
    area = (boxes[..., 2:] - boxes[..., :2]).prod(-1)
    return _dtype(case) == "int32" and bool((area > INT32_MAX).any())


def union_leaves_int32(case: Case) -> bool:
    """Return whether a union of int32 boxes is no int32."""
    return _dtype(case) == "int32" and bool((_exact(case).union > INT32_MAX).any())


def enclosing_leaves_int32(case: Case) -> bool:
    """Return whether that, or the area of the box around two, is no int32."""
    if _dtype(case) != "int32":
        return False
    return bool((_exact(case).around.prod(-1) > INT32_MAX).any()) or union_leaves_int32(case)


def inter_leaves_uint8(case: Case) -> bool:
    """Return whether the intersection of a pair of uint8 boxes is another number as uint8."""
    if _dtype(case) != "uint8":
        return False
    wrapped = _measures(case.inputs["a"], case.inputs["b"]).inter.prod(-1, dtype=np.uint8)
    return bool((wrapped != _exact(case).inter.prod(-1)).any())


def enclosing_leaves_uint8(case: Case) -> bool:
    """Return whether that, or the area of the box around both, is another number as uint8."""
    if _dtype(case) != "uint8":
        return False
    return bool((_exact(case).around.prod(-1) > 255).any()) or inter_leaves_uint8(case)


def has_no_union(case: Case) -> bool:
    """Return whether two boxes have no union, or it underflows, so that 0 is divided by 0."""
    a, b = case.inputs["a"], case.inputs["b"]
    if a.dtype == np.float16:
        a, b = a.astype(np.float32), b.astype(np.float32)
    return bool((_measures(a.view(np.ndarray), b.view(np.ndarray)).union == 0).any())


def centres_leave_the_dtype(case: Case) -> bool:
    """Return whether the sum of two coordinates, or a difference, is not in their dtype."""
    x = case.inputs["x"]
    if x.dtype.kind in "iu":
        low, high = x[..., :2].astype(np.float64), x[..., 2:].astype(np.float64)
        limits = np.iinfo(x.dtype)
        return any(
            bool(((y < limits.min) | (y > limits.max)).any()) for y in (low + high, high - low)
        )
    with np.errstate(over="ignore"):
        total = x[..., :2] + x[..., 2:]
        if isinstance(x, BFloat16):
            total = rounded(total)
    return not bool(np.isfinite(total).all())


def has_no_predictions(case: Case) -> bool:
    """Return whether there are images, and nothing is predicted in them."""
    *images, count, _ = case.inputs["cost"].shape
    return count == 0 and all(images)


def has_labels(case: Case) -> bool:
    """Return whether there is anything to cost, in single precision."""
    logits = case.inputs["logits"]
    return _dtype(case) == "float32" and logits.size > 0 and case.inputs["labels"].size > 0


def one_point_is_sampled(case: Case) -> bool:
    """Return whether 4 to 7 predictions come together, of which a quarter, cut, is 1.

    They are those of a batch, or of a part of it: it is tried image by image, too.
    """
    axes = {"logits": 3, "boxes": 3, "labels": 2, "truths": 3}
    images = [len(x) for name, n in axes.items() if (x := case.inputs[name]).ndim == n]
    size, count = max(images, default=1), case.inputs["boxes"].shape[-2]
    return any(4 <= part * count < 8 for part in (1, size - 4, size))


def _corners(boxes: Array) -> Array:
    half = boxes.dtype.type(0.5) * boxes[..., 2:]
    return np.concatenate([boxes[..., :2] - half, boxes[..., :2] + half], -1)


def _pairs(case: Case, dtype: Any) -> tuple[Array, Array]:
    """Return boxes and ground truths of a cost, in centre form and in a dtype."""
    own = (case.inputs[name].view(np.ndarray) for name in ("boxes", "truths"))
    boxes, truths = (x.astype(dtype) for x in own)
    return boxes, truths


def pairs_have_no_union(case: Case) -> bool:
    """Return whether a prediction and a ground truth have no union, or it underflows."""
    dtype = case.inputs["boxes"].dtype
    boxes, truths = _pairs(case, np.float32 if dtype == np.float16 else dtype)
    return bool((_measures(_corners(boxes), _corners(truths)).union == 0).any())


def boxes_are_of_single(case: Case) -> bool:
    """Return whether boxes in double precision cost something else if that is done in single."""
    if case.inputs["boxes"].dtype != np.float64:
        return False
    single, double = (_costs_of_boxes(case, dtype) for dtype in (np.float32, np.float64))
    weights = (case.config.get("l1_weight", 5.0), case.config.get("giou_weight", 2.0))
    return any(
        weight != 0 and not np.array_equal(a, b, equal_nan=True)
        for weight, a, b in zip(weights, single, double, strict=True)
    )


def distances_leave_integers(case: Case) -> bool:
    """Return whether the L1 distance of boxes of integers is no number of their dtype."""
    dtype = case.inputs["boxes"].dtype
    if dtype.kind not in "iu":
        return False
    boxes, truths = _pairs(case, np.float64)
    distance = np.abs(boxes[..., :, None, :] - truths[..., None, :, :]).sum(-1)
    return bool((distance > np.iinfo(dtype).max).any())


def _costs_of_boxes(case: Case, dtype: Any) -> tuple[Array, Array]:
    """Return the L1 distances and the GIoUs of a cost, computed in a dtype."""
    boxes, truths = _pairs(case, dtype)
    distance = np.abs(boxes[..., :, None, :] - truths[..., None, :, :]).sum(-1)
    measures = _measures(_corners(boxes), _corners(truths))
    around, union = measures.around.prod(-1), measures.union
    with np.errstate(all="ignore"):
        giou = measures.inter.prod(-1) / union - (around - union) / around
    return np.asarray(distance), np.asarray(giou)


def _scores_of_labels(case: Case) -> Array:
    """Return the score of each ground truth's class at each prediction, in float64."""
    logits = case.inputs["logits"].view(np.ndarray).astype(np.float64)
    labels = case.inputs["labels"].astype(np.int64)
    if not labels.size or not logits.size:
        return np.zeros(0)
    if labels.ndim > 1:
        labels = labels[:, None]
        logits = logits if logits.ndim > 2 else logits[None]
    elif logits.ndim > 2:
        labels = labels[None, None]
    else:
        labels = labels[None]
    size = np.broadcast_shapes(labels.shape[:-1], logits.shape[:-1])
    labels = np.broadcast_to(labels, (*size, labels.shape[-1]))
    logits = np.broadcast_to(logits, (*size, logits.shape[-1]))
    with np.errstate(over="ignore"):
        return np.asarray(1 / (1 + np.exp(-np.take_along_axis(logits, labels, -1))))


def surely_right_in_half(case: Case) -> bool:
    """Return whether a score of a ground truth's class is 1 in half precision."""
    if not is_half(case):
        return False
    return bool((_in_half(_scores_of_labels(case), _dtype(case)) == 1).any())


def steps_round_in_half(case: Case) -> bool:
    """Return whether there is half precision, and no score is 1 in it."""
    return is_half(case) and not surely_right_in_half(case)
