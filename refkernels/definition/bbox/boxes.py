"""What the operators on boxes mean (SPEC section 1), in exact rational arithmetic.

Coordinates are taken exactly as given, integers as float64; every result is an object array of
`fractions.Fraction`.
"""

from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = [
    "BBoxArea",
    "BBoxBatchIOU",
    "BBoxCenterToCorner",
    "BBoxClipToImage",
    "BBoxCornerToCenter",
    "BBoxSplit",
    "NumPyBBoxCornerToCenter",
    "exact",
    "real",
]

Array = npt.NDArray[Any]

ZERO: Any = Fraction(0)
HALF: Any = Fraction(1, 2)


def real(x: npt.ArrayLike) -> Array:
    """Return `x` as an array of floats: integers and bools become float64."""
    array = np.asarray(x)
    return array if array.dtype.kind == "f" else array.astype(np.float64)


def exact(x: npt.ArrayLike) -> Array:
    """Return an object array of the exact values of `x`."""
    array = real(x)
    values = np.empty(array.shape, object)
    for index in np.ndindex(array.shape):
        values[index] = Fraction(float(array[index]))
    return values


def BBoxCornerToCenter(
    x: npt.ArrayLike, *, axis: int = -1, split: bool = False
) -> Array | tuple[Array, ...]:
    """Define `refkernels.BBoxCornerToCenter`."""
    xmin, ymin, xmax, ymax = np.moveaxis(exact(x), axis, 0)
    width, height = xmax - xmin, ymax - ymin
    return _boxes(xmin + width * HALF, ymin + height * HALF, width, height, axis=axis, split=split)


NumPyBBoxCornerToCenter = BBoxCornerToCenter


def BBoxCenterToCorner(
    x: npt.ArrayLike, *, axis: int = -1, split: bool = False
) -> Array | tuple[Array, ...]:
    """Define `refkernels.BBoxCenterToCorner`."""
    return _boxes(*_corners(exact(x), axis, "center"), axis=axis, split=split)


def BBoxSplit(x: npt.ArrayLike, *, axis: int, squeeze_axis: bool = False) -> tuple[Array, ...]:
    """Define `refkernels.BBoxSplit`."""
    columns = np.moveaxis(exact(x), axis, 0)
    if squeeze_axis:
        return tuple(np.asarray(column, object) for column in columns)
    return tuple(np.expand_dims(column, axis) for column in columns)


def BBoxArea(x: npt.ArrayLike, *, axis: int = -1, fmt: str = "corner") -> Array:
    """Define `refkernels.BBoxArea`."""
    columns = np.moveaxis(exact(x), axis, 0)
    if fmt == "corner":
        xmin, ymin, xmax, ymax = columns
        width, height = xmax - xmin, ymax - ymin
    else:
        _, _, width, height = columns
    return np.expand_dims(np.maximum(width, ZERO) * np.maximum(height, ZERO), axis)


def BBoxBatchIOU(
    a: npt.ArrayLike,
    b: npt.ArrayLike,
    *,
    axis: int = -1,
    fmt: str = "corner",
    offset: float = 0,
    eps: float = 1e-15,
) -> Array:
    """Define `refkernels.BBoxBatchIOU`: (..., N, M)."""
    # What enters arithmetic is rounded to the dtype that is computed in.
    computing = np.result_type(real(a), real(b), np.float32).type
    exact_offset, exact_eps = Fraction(float(computing(offset))), Fraction(float(computing(eps)))
    corners_a, corners_b = _corners(exact(a), axis, fmt), _corners(exact(b), axis, fmt)
    # A batch of one, or none, goes with every batch.
    batch = np.broadcast_shapes(corners_a[0].shape[:-1], corners_b[0].shape[:-1])
    count_a, count_b = corners_a[0].shape[-1], corners_b[0].shape[-1]
    sets_a = [np.broadcast_to(column, (*batch, count_a)) for column in corners_a]
    sets_b = [np.broadcast_to(column, (*batch, count_b)) for column in corners_b]

    ious = np.empty((*batch, count_a, count_b), object)
    for index in np.ndindex(ious.shape):
        *image, i, j = index
        left_a, top_a, right_a, bottom_a = (column[(*image, i)] for column in sets_a)
        left_b, top_b, right_b, bottom_b = (column[(*image, j)] for column in sets_b)
        width = max(min(right_a, right_b) - max(left_a, left_b) + exact_offset, 0)
        height = max(min(bottom_a, bottom_b) - max(top_a, top_b) + exact_offset, 0)
        area_a = (right_a - left_a + exact_offset) * (bottom_a - top_a + exact_offset)
        area_b = (right_b - left_b + exact_offset) * (bottom_b - top_b + exact_offset)
        inter = width * height
        if inter == 0:
            ious[index] = ZERO
        else:
            ious[index] = inter / (area_a + area_b - inter + exact_eps)
    return ious


def BBoxClipToImage(
    x: npt.ArrayLike, img: npt.ArrayLike, sizes: npt.ArrayLike | None = None
) -> Array:
    """Define `refkernels.BBoxClipToImage`."""
    boxes = exact(x)
    clipped = np.empty(boxes.shape, object)
    for index in np.ndindex(boxes.shape):
        height, width = np.shape(img)[-2:] if sizes is None else _size_of(exact(sizes), *index[:-2])
        limit = width if index[-1] in (0, 2) else height
        clipped[index] = Fraction(min(max(boxes[index], 0), limit))
    return clipped


def _size_of(sizes: Array, image: int = 0) -> tuple[Fraction, Fraction]:
    """Return the true (H, W) of an image, where one may stand for all."""
    rows = sizes.reshape(-1, 2)
    height, width = rows[image if len(rows) > 1 else 0]
    return height, width


def _corners(boxes: Array, axis: int, fmt: str) -> tuple[Array, ...]:
    first, second, third, fourth = np.moveaxis(boxes, axis, 0)
    if fmt == "corner":
        return first, second, third, fourth
    half_width, half_height = third * HALF, fourth * HALF
    return first - half_width, second - half_height, first + half_width, second + half_height


def _boxes(*columns: Array, axis: int, split: bool) -> Array | tuple[Array, ...]:
    if split:
        return tuple(np.expand_dims(column, axis) for column in columns)
    return np.stack(columns, axis)
