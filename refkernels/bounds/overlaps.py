"""Forward error bounds of the overlaps of pairs of boxes (SPEC section 6).

Each follows its formula with `Approximate`, whichever boxes there are. Corner boxes lose nothing
but units of roundoff; centre boxes round their corners first, so their errors depend on coordinate
over size. Where a quotient's error reaches 1 it says no more than its range does.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from refkernels.arrays import Array, common_real, rounded_to_computing
from refkernels.bounds.arithmetic import (
    Approximate,
    Roundoff,
    exactly,
    final_rounding,
    halved,
)
from refkernels.bounds.bbox import certainly_empty, columns_of, corners_in_pairs

__all__ = ["box_batch_ciou", "box_batch_diou", "box_batch_giou", "box_batch_ioa"]

# Units in the last place by which a library's arctangent errs.
ATAN_ULPS = 2

# Below this power of two no square of a side leaves float64, nor do a few that are added up.
IN_RANGE = 500

# For a bound that is infinite: every finite number lies within it.
UNBOUNDED = float(np.finfo(np.float64).max)


class _Set(NamedTuple):
    """The corners of one set's boxes, with an axis for the other's, and what follows from them."""

    left: Approximate
    top: Approximate
    right: Approximate
    bottom: Approximate

    @property
    def width(self) -> Approximate:
        """Right less left."""
        return self.right - self.left

    @property
    def height(self) -> Approximate:
        """Bottom less top."""
        return self.bottom - self.top

    @property
    def empty(self) -> Array:
        """Where boxes have no extent, as computed too: corners are rounded monotonically."""
        return certainly_empty(self.width, self.height, 0)

    @property
    def area(self) -> Approximate:
        """0 without an error for a box without extent."""
        area = self.width.positive_part() * self.height.positive_part()
        return Approximate(area.value, np.where(self.empty, 0, area.error), area.unit)


def box_batch_ioa(
    a: Array, b: Array, *, axis: int = -1, fmt: str = "corner", offset: float = 0
) -> Array:
    """Bound BBoxBatchIOA.

    For corner boxes without an offset sides err by 1 u, intersection and area by 3 u, relative, so
    their quotient by about 7 u. No result leaves [0, 1].
    """
    dtype, one, other = _sets(a, b, axis, fmt)
    unit = one.left.unit
    added = float(rounded_to_computing(offset, dtype))

    def extended(side: Approximate) -> Approximate:
        """Return a side with the offset added."""
        return side if added == 0 else side + exactly(added, unit)

    with np.errstate(all="ignore"):
        width = extended(one.right.smaller(other.right) - one.left.larger(other.left))
        height = extended(one.bottom.smaller(other.bottom) - one.top.larger(other.top))
        width_a, height_a = extended(one.width), extended(one.height)
        quotient = width.positive_part() * height.positive_part() / (width_a * height_a)
        empty = certainly_empty(width_a, height_a, added) | certainly_empty(
            extended(other.width), extended(other.height), added
        )
        share = _within(quotient, 0, 1, ~empty)
        return final_rounding(share.value, share.error, dtype)


def box_batch_giou(a: Array, b: Array, *, axis: int = -1, fmt: str = "corner") -> Array:
    """Bound BBoxBatchGIOU.

    Of corner boxes the hull errs by 3 u, and the union, at most the hull, by about 12 u of it; so
    the fraction errs by some 20 u beside the 17 u of the IoU, absolute.
    """
    return _in_range(_giou, a, b, axis, fmt)


def _giou(a: Array, b: Array, axis: int, fmt: str) -> Array:
    dtype, one, other = _sets(a, b, axis, fmt)
    with np.errstate(all="ignore"):
        iou, union = _iou(one, other)
        width, height = _enclosing_sides(one, other)
        hull = width * height
        fraction = _within((hull - union) / hull, 0, 1, (width.value > 0) & (height.value > 0))
        return _finish(iou - fraction, dtype)


def box_batch_diou(a: Array, b: Array, *, axis: int = -1, fmt: str = "corner") -> Array:
    """Bound BBoxBatchDIOU.

    The distance of the centres may be computed from the centres, which err by u of a coordinate, or
    from the distances of the corners, which err by u of these: the larger error counts.
    """
    return _in_range(_diou, a, b, axis, fmt)


def _diou(a: Array, b: Array, axis: int, fmt: str) -> Array:
    dtype, one, other = _sets(a, b, axis, fmt)
    with np.errstate(all="ignore"):
        iou, _ = _iou(one, other)
        return _finish(iou - _distance_share(one, other), dtype)


def box_batch_ciou(a: Array, b: Array, *, axis: int = -1, fmt: str = "corner") -> Array:
    """Bound BBoxBatchCIOU.

    For the last part, g = v**2 / ((1 - IoU) + v), running errors would be of no use where its
    divisor is about 0. But g rises with v by at most 1, and with the IoU by (v / ((1 - IoU) +
    v))**2, at most 1 too; so it errs by no more than these times the errors of v and IoU, taken
    where they are largest, and by u for each of its own four operations.
    """
    return _in_range(_ciou, a, b, axis, fmt)


def _ciou(a: Array, b: Array, axis: int, fmt: str) -> Array:
    dtype, one, other = _sets(a, b, axis, fmt)
    with np.errstate(all="ignore"):
        iou, _ = _iou(one, other)
        unit = iou.unit
        apart = _angle(a, axis, fmt, dtype, -1) - _angle(b, axis, fmt, dtype, -2)
        # A constant of three operations, and rounded.
        factor = 4 / math.pi**2
        v = apart * apart * Approximate(factor, 4 * unit.u * factor, unit)
        v = _within(v, 0, 1, np.isfinite(v.value))
        most = v.value + v.error
        least = np.maximum(1 - iou.value - iou.error, 0)
        slope = np.where(most > 0, most / (least + most), 0) ** 2
        value = np.where(v.value > 0, v.value**2 / (1 - iou.value + v.value), 0)
        error = v.error + slope * iou.error
        error += 5 * unit.u * (value + error) + 2 * unit.eta
        trade_off = _within(Approximate(value, error, unit), 0, 1, np.full(np.shape(value), True))
        return _finish(iou - _distance_share(one, other) - trade_off, dtype)


def _in_range(
    bound: Callable[[Array, Array, int, str], Array], a: Array, b: Array, axis: int, fmt: str
) -> Array:
    """Return a bound; of pairs with a large box that of both smaller by a power of two.

    Their squares are numbers then, no overlap is another, and what is lost where numbers are least
    counts for no less. A pair of which a box would itself lose digits keeps its own bound, and so
    do all others, whatever is beside them.
    """
    found = bound(a, b, axis, fmt)
    exponent = math.frexp(max(float(np.abs(boxes).max(initial=0)) for boxes in (a, b)))[1]
    if exponent <= IN_RANGE:
        return found
    power = math.ldexp(1.0, IN_RANGE - exponent)

    def pairs(one: Array, other: Array) -> tuple[Array, Array]:
        """Return what holds of the boxes of `a` and of `b`, as it lies beside pairs."""
        return one.any(axis)[..., :, None], other.any(axis)[..., None, :]

    large = np.logical_or(*pairs(*(np.abs(x) >= 2.0**IN_RANGE for x in (a, b))))
    loses = np.logical_or(*pairs(*(x * power / power != x for x in (a, b))))
    return np.where(large & ~loses, bound(a * power, b * power, axis, fmt), found)


def _sets(a: Array, b: Array, axis: int, fmt: str) -> tuple[np.dtype[Any], _Set, _Set]:
    dtype = common_real(a, b)
    one, other = (
        _Set(*corners_in_pairs(boxes, axis, fmt, dtype, place))
        for boxes, place in ((a, -1), (b, -2))
    )
    return dtype, one, other


def _within(x: Approximate, low: float, high: float, sought: Array) -> Approximate:
    """Limit a value, where it is sought, and its error to a range; elsewhere it is 0, exactly."""
    error = np.where(np.isnan(x.error), high - low, np.minimum(x.error, high - low))
    value = np.clip(np.nan_to_num(x.value), low, high)
    return Approximate(np.where(sought, value, 0), np.where(sought, error, 0), x.unit)


def _iou(one: _Set, other: _Set) -> tuple[Approximate, Approximate]:
    """Return the IoU without an eps, and the union."""
    width = one.right.smaller(other.right) - one.left.larger(other.left)
    height = one.bottom.smaller(other.bottom) - one.top.larger(other.top)
    empty = one.empty | other.empty
    inter = width.positive_part() * height.positive_part()
    inter = Approximate(
        np.where(empty, 0, inter.value), np.where(empty, 0, inter.error), inter.unit
    )
    union = one.area + other.area - inter
    return _within(inter / union, 0, 1, ~empty), union


def _enclosing_sides(one: _Set, other: _Set) -> tuple[Approximate, Approximate]:
    def span(*ends: Approximate) -> Approximate:
        """Return the distance from the lowest of these ends to the highest."""
        low, high = ends[0], ends[0]
        for end in ends[1:]:
            low, high = low.smaller(end), high.larger(end)
        return high - low

    return (
        span(one.left, one.right, other.left, other.right),
        span(one.top, one.bottom, other.top, other.bottom),
    )


def _distance_share(one: _Set, other: _Set) -> Approximate:
    """Return the square of the distance of the centres over that of the enclosing diagonal."""
    width, height = _enclosing_sides(one, other)
    x = _apart(one.left, one.right, other.left, other.right)
    y = _apart(one.top, one.bottom, other.top, other.bottom)
    share = (x * x + y * y) / (width * width + height * height)
    sought = (width.value > 0) | (height.value > 0)
    return Approximate(
        np.where(sought, np.clip(np.nan_to_num(share.value), 0, 1), 0),
        np.where(sought, share.error, 0),
        share.unit,
    )


def _apart(
    low: Approximate, high: Approximate, other_low: Approximate, other_high: Approximate
) -> Approximate:
    """Return how far centres are apart, with the larger error of the two ways to compute it."""
    centers = _center(low, high) - _center(other_low, other_high)
    corners = halved((low - other_low) + (high - other_high))
    return Approximate(corners.value, np.maximum(centers.error, corners.error), corners.unit)


def _center(low: Approximate, high: Approximate) -> Approximate:
    """Return a centre: that of a side of nothing, whose ends are exact, is its end."""
    center = halved(low + high)
    is_end = (low.value == high.value) & (low.error + high.error == 0)
    return Approximate(center.value, np.where(is_end, 0, center.error), center.unit)


def _angle(boxes: Array, axis: int, fmt: str, dtype: Any, place: int) -> Approximate:
    """Return atan2(width, height), of sides as they are given or as corners have them.

    A point that moves by e turns by at most asin(e / r) <= pi / 2 * e / r, seen from the origin,
    and by pi / 2 at all. Where the arctangent is that of a quotient x, whose rounding turns it by
    u x / (1 + x**2), that is u / 2 more. A side that is not above 0 is 0 as computed too.
    """
    corners = _Set(*corners_in_pairs(boxes, axis, fmt, dtype, place))
    columns = [np.expand_dims(c.value, place) for c in columns_of(boxes, axis, dtype)]
    width, height = corners.width, corners.height
    wide, high = (columns[2], columns[3]) if fmt == "center" else (width.value, height.value)
    wide, high = np.maximum(wide, 0), np.maximum(high, 0)
    error_x = np.where(wide > 0, width.error, 0)
    error_y = np.where(high > 0, height.error, 0)
    unit: Roundoff = corners.left.unit
    radius = np.hypot(wide, high)
    value = np.arctan2(wide, high)
    turned = np.where(radius > 0, math.pi / 2 * np.hypot(error_x, error_y) / radius, 0)
    error = np.where(np.isnan(turned), math.pi / 2, np.minimum(turned, math.pi / 2))
    error = np.where(radius > 0, error + unit.u / 2, 0)
    own = 2 * ATAN_ULPS * unit.u * (value + error) + unit.eta
    return Approximate(value, error + np.where(radius > 0, own, 0), unit)


def _finish(result: Approximate, dtype: Any) -> Array:
    bound = final_rounding(result.value, result.error, dtype)
    return np.where(np.isfinite(bound), bound, UNBOUNDED)
