"""What `PointMatcher` means (SPEC section 6), in exact arithmetic."""

from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["Pair", "PointMatcher", "point_area", "point_inputs", "point_pair"]

Array = npt.NDArray[Any]


class Pair(NamedTuple):
    """What is decided by of a point and a box.

    Attributes
    ----------
    near, far : Fraction
        The least and the largest distance from the point to a side of the box, less than 0 where
        the point is beyond it.
    room : Fraction or None
        How far the point is inside the square around the box's centre: it must be more than 0. None
        where there is no square.
    """

    near: Fraction
    far: Fraction
    room: Fraction | None

    def counts(self, limits: Array, inclusive: bool) -> bool:
        """Return whether the box may be the match of the point, whose range is given."""
        if self.near <= 0 or (self.room is not None and self.room <= 0):
            return False
        # A fraction compares exactly with a float, infinity among them.
        low, high = map(float, limits)
        return low <= self.far <= high if inclusive else low < self.far < high


def PointMatcher(
    points: npt.ArrayLike,
    boxes: npt.ArrayLike,
    strides: npt.ArrayLike,
    ranges: npt.ArrayLike,
    *,
    radius: float | None = None,
    inclusive: bool = True,
) -> Array:
    """Define `refkernels.PointMatcher`."""
    places, truths, steps, limits = point_inputs(points, boxes, strides, ranges)
    matches = np.full((*truths.shape[:-2], len(places)), -1, np.int64)
    for image in np.ndindex(truths.shape[:-2]):
        areas = [point_area(box) for box in truths[image]]
        for i, point in enumerate(places):
            pairs = [point_pair(point, box, steps[i], radius) for box in truths[image]]
            counting = [c for c, pair in enumerate(pairs) if pair.counts(limits[i], inclusive)]
            if counting:  # the first of the smallest
                matches[image][i] = min(counting, key=areas.__getitem__)
    return matches


def point_inputs(*arrays: npt.ArrayLike) -> list[Array]:
    """Return inputs in the dtype that they are computed in: the common one, at least float32."""
    given = [np.asarray(array) for array in arrays]
    reals = [array if array.dtype.kind == "f" else array.astype(np.float64) for array in given]
    dtype = np.result_type(np.float32, *(array.dtype for array in reals))
    return [array.astype(dtype) for array in reals]


def point_area(box: Array) -> Fraction:
    """Return the exact area of a corner box with extent; of others nothing is asked."""
    xmin, ymin, xmax, ymax = (Fraction(float(side)) for side in box)
    return (xmax - xmin) * (ymax - ymin)


def point_pair(point: Array, box: Array, stride: Any, radius: float | None) -> Pair:
    """Return what is decided by of a point and a box.

    The radius is rounded to the dtype that they are computed in.
    """
    place = [Fraction(float(x)) for x in point]
    low, high = ([Fraction(float(x)) for x in own] for own in (box[:2], box[2:]))
    distances = [x - end for x, end in zip(place, low, strict=True)]
    distances += [end - x for x, end in zip(place, high, strict=True)]
    if radius is None:
        return Pair(min(distances), max(distances), None)
    reach = Fraction(float(point.dtype.type(radius))) * Fraction(float(stride))
    off = max(abs(x - (a + b) / 2) for x, a, b in zip(place, low, high, strict=True))
    return Pair(min(distances), max(distances), reach - off)
