"""What the overlaps of pairs of boxes mean (SPEC section 6).

Exact (`fractions.Fraction`) but for the arctangents of CIoU, which have `PRECISION` bits
(`mpmath.mpf`).
"""

from collections.abc import Callable
from fractions import Fraction
from typing import Any, NamedTuple

import mpmath
import numpy as np
import numpy.typing as npt

from refkernels.definition.bbox.boxes import exact, real

__all__ = ["BBoxBatchCIOU", "BBoxBatchDIOU", "BBoxBatchGIOU", "BBoxBatchIOA"]

Array = npt.NDArray[Any]

PRECISION = 300


class Box(NamedTuple):
    """A box as it is given: its corners, and its sides, which are below 0 if it is inverted."""

    xmin: Fraction
    ymin: Fraction
    xmax: Fraction
    ymax: Fraction
    width: Fraction
    height: Fraction

    @property
    def area(self) -> Fraction:
        """0 for a box without extent."""
        return max(self.width, Fraction(0)) * max(self.height, Fraction(0))


def BBoxBatchIOA(
    a: npt.ArrayLike,
    b: npt.ArrayLike,
    *,
    axis: int = -1,
    fmt: str = "corner",
    offset: float = 0,
) -> Array:
    """Define `refkernels.BBoxBatchIOA`: (..., N, M)."""
    # What enters arithmetic is rounded to the dtype that is computed in.
    added = Fraction(float(np.result_type(real(a), real(b), np.float32).type(offset)))

    def covered(box: Box, other: Box) -> Fraction:
        """Return the share of `box` that is inside `other`."""
        width = min(box.xmax, other.xmax) - max(box.xmin, other.xmin) + added
        height = min(box.ymax, other.ymax) - max(box.ymin, other.ymin) + added
        if width <= 0 or height <= 0:
            return Fraction(0)
        return width * height / ((box.width + added) * (box.height + added))

    return _of_pairs(covered, a, b, axis, fmt)


def BBoxBatchGIOU(
    a: npt.ArrayLike, b: npt.ArrayLike, *, axis: int = -1, fmt: str = "corner"
) -> Array:
    """Define `refkernels.BBoxBatchGIOU`: (..., N, M)."""
    return _of_pairs(_generalized, a, b, axis, fmt)


def BBoxBatchDIOU(
    a: npt.ArrayLike, b: npt.ArrayLike, *, axis: int = -1, fmt: str = "corner"
) -> Array:
    """Define `refkernels.BBoxBatchDIOU`: (..., N, M)."""
    return _of_pairs(_distant, a, b, axis, fmt)


def BBoxBatchCIOU(
    a: npt.ArrayLike, b: npt.ArrayLike, *, axis: int = -1, fmt: str = "corner"
) -> Array:
    """Define `refkernels.BBoxBatchCIOU`: (..., N, M)."""
    with mpmath.workprec(PRECISION):
        return _of_pairs(_complete, a, b, axis, fmt)


def _generalized(box: Box, other: Box) -> Fraction:
    union = box.area + other.area - _intersection(box, other)
    width, height = _enclosing_sides(box, other)
    hull = width * height
    iou = _iou(box, other)
    return iou - (hull - union) / hull if hull > 0 else iou


def _distant(box: Box, other: Box) -> Fraction:
    width, height = _enclosing_sides(box, other)
    apart_x = (box.xmin + box.xmax) / 2 - (other.xmin + other.xmax) / 2
    apart_y = (box.ymin + box.ymax) / 2 - (other.ymin + other.ymax) / 2
    diagonal = width**2 + height**2
    iou = _iou(box, other)
    return iou - (apart_x**2 + apart_y**2) / diagonal if diagonal > 0 else iou


def _complete(box: Box, other: Box) -> Any:
    v = 4 / mpmath.pi**2 * (_angle(box) - _angle(other)) ** 2
    diou = _distant(box, other)
    if v == 0:
        return diou
    alpha = v / (_real(1 - _iou(box, other)) + v)
    return _real(diou) - alpha * v


def _angle(box: Box) -> Any:
    """Return atan2(width, height); of the sides' ratio in lowest terms, so that like is equal."""
    width, height = max(box.width, Fraction(0)), max(box.height, Fraction(0))
    if width == 0:
        return mpmath.mpf(0)
    return mpmath.atan(_real(width / height)) if height > 0 else mpmath.pi / 2


def _real(x: Fraction) -> Any:
    return mpmath.mpf(x.numerator) / x.denominator


def _intersection(box: Box, other: Box) -> Fraction:
    if box.area == 0 or other.area == 0:
        return Fraction(0)
    width = min(box.xmax, other.xmax) - max(box.xmin, other.xmin)
    height = min(box.ymax, other.ymax) - max(box.ymin, other.ymin)
    return max(width, Fraction(0)) * max(height, Fraction(0))


def _iou(box: Box, other: Box) -> Fraction:
    inter = _intersection(box, other)
    return inter / (box.area + other.area - inter) if inter > 0 else Fraction(0)


def _enclosing_sides(box: Box, other: Box) -> tuple[Fraction, Fraction]:
    """Return the sides of the smallest box that encloses both: all four of their corners.

    An inverted box has corners too, only in another order.
    """
    across = (box.xmin, box.xmax, other.xmin, other.xmax)
    down = (box.ymin, box.ymax, other.ymin, other.ymax)
    return max(across) - min(across), max(down) - min(down)


def _of_pairs(
    overlap: Callable[[Box, Box], Any], a: npt.ArrayLike, b: npt.ArrayLike, axis: int, fmt: str
) -> Array:
    """Return the overlaps of all pairs: (..., N, M)."""
    sets_a, sets_b = _boxes(a, axis, fmt), _boxes(b, axis, fmt)
    # A batch of one, or none, goes with every batch.
    batch = np.broadcast_shapes(sets_a.shape[:-1], sets_b.shape[:-1])
    sets_a = np.broadcast_to(sets_a, (*batch, sets_a.shape[-1]))
    sets_b = np.broadcast_to(sets_b, (*batch, sets_b.shape[-1]))
    overlaps = np.empty((*batch, sets_a.shape[-1], sets_b.shape[-1]), object)
    for *image, i, j in np.ndindex(overlaps.shape):
        overlaps[(*image, i, j)] = overlap(sets_a[(*image, i)], sets_b[(*image, j)])
    return overlaps


def _boxes(x: npt.ArrayLike, axis: int, fmt: str) -> Array:
    """Return an object array of `Box`, without the axis of four."""
    columns = np.moveaxis(exact(x), axis, -1)
    boxes = np.empty(columns.shape[:-1], object)
    for place in np.ndindex(boxes.shape):
        first, second, third, fourth = columns[place]
        if fmt == "corner":
            box = Box(first, second, third, fourth, third - first, fourth - second)
        else:
            left, top = first - third / 2, second - fourth / 2
            box = Box(left, top, left + third, top + fourth, third, fourth)
        boxes[place] = box
    return boxes
