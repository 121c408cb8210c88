"""What points may be matched with, as far as areas and distances tell (SPEC section 6)."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import isfinite
from typing import Any

import numpy as np

from refkernels.arrays import Array
from refkernels.bounds import matcher as bounds
from refkernels.conformance.model.operator import Case
from refkernels.definition.matcher import point_area, point_inputs, point_pair

__all__ = ["Bounded"]


@dataclass
class Bounded:
    """What points of one image may be matched with, in a dtype that areas are computed in."""

    case: Case
    image: tuple[int, ...]
    area_dtype: Any

    def __post_init__(self) -> None:
        self.points, boxes, self.strides, self.ranges = point_inputs(*self.case.inputs.values())
        self.boxes = boxes[self.image]
        self.areas = [point_area(box) for box in self.boxes]
        bound = bounds.point_area(self.boxes, self.area_dtype)
        self.errors = [
            0.0 if self._is_exact_area(box) else float(own)
            for box, own in zip(self.boxes, bound, strict=True)
        ]

    def may_match(self, i: int) -> set[int]:
        """Return what a point may be matched with, -1 for nothing."""
        surely, maybe = [], []
        for c in range(len(self.boxes)):
            sure = self._counts(i, c)
            if sure is not False:
                maybe.append(c)
            if sure:
                surely.append(c)
        allowed = {
            c
            for c in maybe
            if not any(self._is_better(other, c) for other in surely)
            # Equal boxes have equal areas, and the point counts for both or none.
            and not any((self.boxes[b] == self.boxes[c]).all() for b in maybe if b < c)
        }
        return allowed if surely else {-1, *allowed}

    def _is_better(self, other: int, c: int) -> bool:
        low, high = self.areas[c], self.areas[other]
        errors = self.errors[other], self.errors[c]
        if not all(map(isfinite, errors)):
            return False
        if not any(errors) and low == high:
            return other < c
        return high + Fraction(errors[0]) < low - Fraction(errors[1])

    def _counts(self, i: int, c: int) -> bool | None:
        """Return whether a box may be the match of a point, None if rounding decides."""
        radius = self.case.config.get("radius")
        given = self.points[i], self.boxes[c], self.strides[i]
        pair = point_pair(*given, radius)
        if pair.near <= 0:
            return False
        in_range = self._is_in_range(pair.far, self.ranges[i])
        if pair.room is None or radius is None or in_range is False:
            return in_range
        error = 0.0
        if not self._is_exact_room(*given, radius):
            error = float(bounds.point_room(*given, radius, self.points.dtype))
        if error and (not isfinite(error) or abs(pair.room) <= Fraction(error)):
            return None
        return in_range if pair.room > 0 else False

    def _is_in_range(self, far: Fraction, limits: Array) -> bool | None:
        """Return whether a distance is in a range, None if rounding decides."""
        inclusive = self.case.config.get("inclusive", True)
        low, high = map(float, limits)
        error = Fraction(0)
        if not _fits(far, self.points.dtype):
            bound = bounds.point_distance(far, self.points.dtype)
            if not isfinite(bound):
                return None
            error = Fraction(bound)
        if far + error < low or far - error > high:
            return False
        if low < far - error and far + error < high:
            return True
        if error:
            return None
        return low <= far <= high if inclusive else low < far < high

    def _is_exact_area(self, box: Array) -> bool:
        xmin, ymin, xmax, ymax = (Fraction(float(side)) for side in box)
        dtype = self.area_dtype
        return all(_fits(own, dtype) for own in (xmax - xmin, ymax - ymin, point_area(box)))

    def _is_exact_room(self, point: Array, box: Array, stride: Any, radius: float) -> bool:
        dtype = self.points.dtype
        reach = Fraction(float(dtype.type(radius))) * Fraction(float(stride))
        steps = [reach]
        for k in range(2):
            low, high, x = (Fraction(float(own)) for own in (box[k], box[k + 2], point[k]))
            centre = (low + high) / 2
            steps += [low / 2, high / 2, low + high, centre, x - centre]
            steps += [centre - reach, centre + reach, x - centre - reach, x - centre + reach]
        return all(_fits(step, dtype) for step in steps)


def _fits(value: Fraction, dtype: Any) -> bool:
    """Return whether a dtype has exactly this number."""
    try:
        with np.errstate(over="ignore"):
            near = float(dtype.type(float(value)))
    except OverflowError:
        return False
    return isfinite(near) and Fraction(near) == value
