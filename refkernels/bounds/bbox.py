"""Forward error bounds of the operators on boxes (SPEC section 1)."""

from typing import Any

import numpy as np

from refkernels.arrays import Array, common_real, computing_dtype, rounded_to_computing
from refkernels.bounds.arithmetic import (
    Approximate,
    exactly,
    final_rounding,
    halved,
    roundoff,
)

__all__ = [
    "box_area",
    "box_batch_iou",
    "center_to_corner",
    "certainly_empty",
    "columns_of",
    "corner_to_center",
    "corners_in_pairs",
]


def _finish(result: Approximate, dtype: Any) -> Array:
    return final_rounding(result.value, result.error, dtype)


def columns_of(boxes: Array, axis: int, dtype: Any) -> list[Approximate]:
    """Return the four columns of boxes as they are given."""
    boxes = np.moveaxis(boxes.astype(np.float64), axis, -1)
    unit = roundoff(computing_dtype(dtype))
    return [exactly(boxes[..., i], unit) for i in range(4)]


def _corners_of(columns: list[Approximate], fmt: str) -> list[Approximate]:
    if fmt == "corner":
        return columns
    x, y, width, height = columns
    half_width, half_height = halved(width), halved(height)
    return [x - half_width, y - half_height, x + half_width, y + half_height]


def corners_in_pairs(
    boxes: Array, axis: int, fmt: str, dtype: Any, place: int
) -> list[Approximate]:
    """Return the corners of boxes, each with an axis for the boxes of the other set."""
    unit = roundoff(computing_dtype(dtype))
    return [
        Approximate(np.expand_dims(c.value, place), np.expand_dims(c.error, place), unit)
        for c in _corners_of(columns_of(boxes, axis, dtype), fmt)
    ]


def corner_to_center(x: Array, *, axis: int = -1) -> Array:
    """Bound BBoxCornerToCenter: a width rounds once, a centre also with half the width's error."""
    dtype = common_real(x)
    xmin, ymin, xmax, ymax = columns_of(x, axis, dtype)
    width, height = xmax - xmin, ymax - ymin
    results = [xmin + halved(width), ymin + halved(height), width, height]
    return _assembled(results, axis, dtype)


def center_to_corner(x: Array, *, axis: int = -1) -> Array:
    """Bound BBoxCenterToCorner: one rounding each, since halving is exact."""
    dtype = common_real(x)
    return _assembled(_corners_of(columns_of(x, axis, dtype), "center"), axis, dtype)


def _assembled(results: list[Approximate], axis: int, dtype: Any) -> Array:
    bounds = [_finish(result, dtype) for result in results]
    return np.asarray(np.moveaxis(np.stack(bounds, -1), -1, axis))


def box_area(x: Array, *, axis: int = -1, fmt: str = "corner") -> Array:
    """Bound BBoxArea: both sides and the product round once, so about 3 u of the area."""
    dtype = common_real(x)
    xmin, ymin, xmax, ymax = columns_of(x, axis, dtype)
    if fmt == "corner":
        width, height = xmax - xmin, ymax - ymin
    else:
        width, height = xmax, ymax
    area = width.positive_part() * height.positive_part()
    return np.asarray(np.moveaxis(_finish(area, dtype)[..., None], -1, axis))


def box_batch_iou(
    a: Array,
    b: Array,
    *,
    axis: int = -1,
    fmt: str = "corner",
    offset: float = 0,
    eps: float = 1e-15,
) -> Array:
    """Bound BBoxBatchIOU.

    For corner boxes without an offset each side is one subtraction of inputs, so relative to the
    exact values: sides 1 u, areas and intersection 3 u, and since the intersection is at most the
    smaller area, the sum of areas is at most twice the union, whose error is then at most
    2 * 4 u + 3 u + 1 u, and 1 u more for eps. With the division's own rounding the quotient is
    within about 17 u, whatever the boxes. Centre boxes round their corners first, and an offset
    rounds the sides again, so there the error depends on coordinate / size; the running bound
    covers all of it. No result leaves [0, 1], so no error exceeds 1.
    """
    dtype = common_real(a, b)
    unit = roundoff(computing_dtype(dtype))
    offset = float(rounded_to_computing(offset, dtype))
    least = exactly(float(rounded_to_computing(eps, dtype)), unit)

    def side(high: Approximate, low: Approximate) -> Approximate:
        """Return the length of a side, with the offset."""
        return high - low if offset == 0 else (high - low) + exactly(offset, unit)

    left_a, top_a, right_a, bottom_a = corners_in_pairs(a, axis, fmt, dtype, -1)
    left_b, top_b, right_b, bottom_b = corners_in_pairs(b, axis, fmt, dtype, -2)
    width_a, height_a = side(right_a, left_a), side(bottom_a, top_a)
    width_b, height_b = side(right_b, left_b), side(bottom_b, top_b)
    width = side(right_a.smaller(right_b), left_a.larger(left_b))
    height = side(bottom_a.smaller(bottom_b), top_a.larger(top_b))
    inter = width.positive_part() * height.positive_part()
    union = (width_a * height_a + width_b * height_b) - inter + least
    quotient = inter / union
    # Where a box is empty in exact arithmetic it is empty as computed too: corners are rounded
    # monotonically, so a side that is not positive stays so. Then the intersection is exactly 0.
    empty = certainly_empty(width_a, height_a, offset) | certainly_empty(width_b, height_b, offset)
    error = np.where(empty, 0, np.minimum(quotient.error, 1))
    return final_rounding(np.where(empty, 0, np.clip(quotient.value, 0, 1)), error, dtype)


def certainly_empty(width: Approximate, height: Approximate, offset: float) -> Array:
    """Return which boxes are empty as computed too."""
    if offset != 0:
        # An offset that cancels a side may round either way.
        return np.asarray((width.value + width.error <= 0) | (height.value + height.error <= 0))
    return np.asarray((width.value <= 0) | (height.value <= 0))
