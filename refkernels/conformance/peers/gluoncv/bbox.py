"""Differences in the operators on boxes."""

from typing import Any

import numpy as np

from refkernels import bbox as kernels
from refkernels.arrays import Array
from refkernels.bounds import bbox as bounds
from refkernels.conformance.model.divergence import Divergence, witness
from refkernels.conformance.model.operator import Case

__all__ = ["DIVERGENCES", "intersection_and_union"]

FLOAT16_MAX = 65504


def _halves(case: Case) -> tuple[Array, Array]:
    """Return the first and the last two columns of the boxes."""
    low, high = np.split(case.inputs["x"], 2, axis=case.config.get("axis", -1))
    return low, high


def _axis_is_last(case: Case, name: str = "x") -> bool:
    axis: int = case.config.get("axis", -1)
    return axis % case.inputs[name].ndim == case.inputs[name].ndim - 1


def _is_off(case: Case, operator: Any, found: Array, bound: Array) -> Array:
    """Tell where float16 results are further from the exact ones than a single rounding puts them.

    `found` is what comes of rounding at every step.
    """
    inputs = list(case.inputs.values())
    with np.errstate(all="ignore"):
        exact = operator(*(x.astype(np.float64) for x in inputs))
        far = ~(np.abs(found.astype(np.float64) - exact) <= bound)
        return np.asarray(far & (found != operator(*inputs)))


def _center_in_float16(case: Case) -> bool:
    if case.inputs["x"].dtype != np.float16:
        return False
    whole = Case({"axis": case.config.get("axis", -1)}, case.inputs)
    low, high = _halves(case)
    with np.errstate(all="ignore"):
        found = np.concatenate([low + (high - low) * np.float16(0.5), high - low], **whole.config)
    operator = kernels.BBoxCornerToCenter(**whole.config)
    return bool(
        _is_off(
            whole, operator, found, bounds.corner_to_center(*whole.inputs.values(), **whole.config)
        ).any()
    )


def _area(case: Case) -> Array:
    """Return the areas of boxes as gluoncv computes them from corners, in the inputs' dtype."""
    low, high = _halves(case)
    with np.errstate(all="ignore"):
        width, height = np.split(np.maximum(high - low, high.dtype.type(0)), 2, axis=-1)
        return np.asarray(width * height)


def _area_in_float16(case: Case) -> bool:
    if case.inputs["x"].dtype != np.float16 or not _is_corner(case) or not _axis_is_last(case):
        return False
    operator = kernels.BBoxArea(**case.config)
    return bool(
        _is_off(
            case, operator, _area(case), bounds.box_area(*case.inputs.values(), **case.config)
        ).any()
    )


def _is_corner(case: Case) -> bool:
    return bool(case.config.get("fmt", "corner") == "corner")


def _overlap(case: Case) -> Any:
    """Return the sides of the overlaps, before they are clamped, in the inputs' dtype."""
    axis = case.config.get("axis", -1)
    a = np.moveaxis(case.inputs["a"], axis, 0)[..., :, None]
    b = np.moveaxis(case.inputs["b"], axis, 0)[..., None, :]
    offset = a.dtype.type(case.config.get("offset", 0))
    return np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]) + offset


def intersection_and_union(case: Case) -> tuple[Array, Array]:
    """Return them as gluoncv computes them from corners: eps included, in the inputs' dtype."""
    axis = case.config.get("axis", -1)
    a = np.moveaxis(case.inputs["a"], axis, 0)[..., :, None]
    b = np.moveaxis(case.inputs["b"], axis, 0)[..., None, :]
    number = a.dtype.type
    offset, eps = number(case.config.get("offset", 0)), number(case.config.get("eps", 1e-15))
    with np.errstate(all="ignore"):
        width, height = np.clip(_overlap(case), 0, number(FLOAT16_MAX))
        areas = [(x[2] - x[0] + offset) * (x[3] - x[1] + offset) for x in (a, b)]
        return width * height, (areas[0] + areas[1] - width * height) + eps


def _same_dtype(case: Case) -> bool:
    return case.inputs["a"].dtype == case.inputs["b"].dtype


def _is_float16(case: Case) -> bool:
    return bool(case.inputs["a"].dtype == np.float16)


def _from_corners(case: Case) -> bool:
    return _is_corner(case) and _same_dtype(case)


def _iou_is_off(case: Case) -> Array:
    """Tell which IoUs are wrong in float16, but for those that are 0 / 0."""
    intersection, union = intersection_and_union(case)
    with np.errstate(all="ignore"):
        found = intersection / union
    operator = kernels.BBoxBatchIOU(**case.config)
    return np.asarray(
        _is_off(case, operator, found, bounds.box_batch_iou(*case.inputs.values(), **case.config))
        & (union != 0)
    )


def _iou_is_rounded(case: Case) -> bool:
    if not _from_corners(case) or not _is_float16(case):
        return False
    return bool((_iou_is_off(case) & np.isfinite(intersection_and_union(case)[1])).any())


def _area_overflows(case: Case) -> bool:
    if not _from_corners(case) or not _is_float16(case):
        return False
    return bool((_iou_is_off(case) & ~np.isfinite(intersection_and_union(case)[1])).any())


def _union_is_zero(case: Case) -> bool:
    return _from_corners(case) and bool((intersection_and_union(case)[1] == 0).any())


def _side_is_beyond_float16(case: Case) -> bool:
    if not _from_corners(case) or _is_float16(case):
        return False
    return bool((_overlap(case) > FLOAT16_MAX).any(0)[(_overlap(case) > 0).all(0)].any())


UNIT = [[0, 0, 1, 1]]


def _sides_wrap(case: Case) -> bool:
    x = case.inputs["x"]
    xmin, ymin, xmax, ymax = np.moveaxis(x, case.config.get("axis", -1), 0)
    return x.dtype == np.uint8 and bool(((xmax < xmin) | (ymax < ymin)).any())


DIVERGENCES = (
    *(
        Divergence(
            id,
            operator,
            "float16 is rounded at every step: the width before half of it is added to xmin. So a "
            "centre is off by a unit in the last place, and infinite where the width overflows.",
            _center_in_float16,
            witness(x=[[-9.98, 0, 7, 0]]),
            "float16",
        )
        for id, operator in (
            ("GCV-001", "BBoxCornerToCenter"),
            ("GCV-002", "NumPyBBoxCornerToCenter"),
        )
    ),
    Divergence(
        "GCV-118",
        "NumPyBBoxCornerToCenter",
        "Sides of uint8 boxes are uint8, and wrap where they are negative.",
        _sides_wrap,
        witness(x=[[0, 1, 0, 0]]),
        "uint8",
    ),
    Divergence(
        "GCV-003",
        "BBoxArea",
        "With fmt='corner' axis is ignored, and boxes are taken to lie on the last axis.",
        lambda case: _is_corner(case) and not _axis_is_last(case),
        witness({"axis": 0}, x=[[0], [0], [0], [0]]),
    ),
    Divergence(
        "GCV-004",
        "BBoxArea",
        "float16 is rounded at every step: the sides before they are multiplied.",
        _area_in_float16,
        witness(x=[[0, 30.38, 25, 352]]),
        "float16",
    ),
    Divergence(
        "GCV-005",
        "BBoxBatchIOU",
        "With fmt='center' the columns keep an axis of length 1: the result has the shape (B, N, "
        "1, 1), of box i against box i alone, or fails where N is not M.",
        lambda case: not _is_corner(case) and _axis_is_last(case, "a"),
        witness({"fmt": "center"}, a=[[0, 0, 0, 0]], b=[[0, 0, 0, 0]]),
    ),
    Divergence(
        "GCV-006",
        "BBoxBatchIOU",
        "With fmt='center' axis is ignored, and boxes are taken to lie on the last axis.",
        lambda case: not _is_corner(case) and not _axis_is_last(case, "a"),
        witness({"fmt": "center", "axis": 0}, a=[[0], [0], [0], [0]], b=[[0], [0], [0], [0]]),
    ),
    Divergence(
        "GCV-007",
        "BBoxBatchIOU",
        "float16 is rounded at every step, not once at the end.",
        _iou_is_rounded,
        witness(a=[[0, 0, 145, 1]], b=[[0, 0, 50, 40]]),
        "float16",
    ),
    Divergence(
        "GCV-008",
        "BBoxBatchIOU",
        "In float16 areas above 65504 are infinite: the IoU of a box of 300 x 300 with itself is "
        "nan, and with a smaller box 0.",
        _area_overflows,
        witness(a=[[0, 0, 300, 300]], b=[[0, 0, 1, 1]]),
        "float16",
    ),
    Divergence(
        "GCV-009",
        "BBoxBatchIOU",
        "In float16 the default eps rounds to 0, so the IoU of two empty boxes, such as padding, "
        "is 0 / 0 = nan.",
        lambda case: _is_float16(case) and _union_is_zero(case),
        witness(a=[[0, 0, 0, 0]], b=[[0, 0, 0, 0]]),
        "float16",
    ),
    Divergence(
        "GCV-010",
        "BBoxBatchIOU",
        "With eps=0 the IoU of two empty boxes, such as padding, is 0 / 0 = nan.",
        lambda case: not _is_float16(case) and _union_is_zero(case),
        witness({"eps": 0}, a=[[0, 0, 0, 0]], b=[[0, 0, 0, 0]]),
    ),
    Divergence(
        "GCV-011",
        "BBoxBatchIOU",
        "Sides of an overlap are clamped to 65504 in every dtype, so the IoU of a larger box with "
        "itself is less than 1.",
        _side_is_beyond_float16,
        witness(a=[[-1, 0, 0, 72798]], b=[[-1, 0, 0, 72798]]),
    ),
    Divergence(
        "GCV-012",
        "BBoxBatchIOU",
        "Boxes of two dtypes raise an error instead of being promoted.",
        lambda case: not _same_dtype(case),
        witness(a=np.zeros((1, 4), np.float32), b=[[0, 0, 0, 0]]),
        "float64",
    ),
    Divergence(
        "GCV-013",
        "BBoxClipToImage",
        "Boxes without a batch axis raise an error.",
        lambda case: case.inputs["x"].ndim == 2,
        witness(x=[[0, 0, 0, 0]], img=[[[0]]]),
    ),
    Divergence(
        "GCV-014",
        "BBoxClipToImage",
        "There is no argument for the true sizes of padded images.",
        lambda case: "sizes" in case.inputs,
        witness(x=[[[0, 0, 0, 0]]], img=[[[[0]]]], sizes=[[1, 1]]),
    ),
    Divergence(
        "GCV-015",
        "BBoxClipToImage",
        "The image's size is cast to float32, so boxes in another dtype raise an error.",
        lambda case: case.inputs["x"].dtype != np.float32,
        witness(x=[[[0, 0, 0, 0]]], img=[[[[0]]]]),
        "float16",
    ),
)
