"""What `PointMatcher` means (SPEC section 6), with areas and squares in exact arithmetic.

The distances to the sides of a box are inputs of the decision, as they are in the dtype that they
are computed in.
"""

from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["Pair", "PointMatcher", "point_area", "point_inputs", "point_pair"]

Array = npt.NDArray[Any]


class Pair(NamedTuple):
    """What is decided of a point and a box.

    Attributes
    ----------
    in_range : bool
        Whether the point is in the box, and the largest distance to a side in its range.
    room : Fraction or None
        How far the point is inside the square around the box's centre: it must be more than 0. None
        where there is no square, or the point is not in range.
    """

    in_range: bool
    room: Fraction | None

    @property
    def counts(self) -> bool:
        """Whether the box may be the match of the point."""
        return self.in_range and (self.room is None or self.room > 0)


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
            pairs = [
                point_pair(point, box, steps[i], limits[i], radius, inclusive)
                for box in truths[image]
            ]
            counting = [c for c, pair in enumerate(pairs) if pair.counts]
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


def point_pair(
    point: Array, box: Array, stride: Any, limits: Array, radius: float | None, inclusive: bool
) -> Pair:
    """Return what is decided of a point and a box, in the dtype that they are computed in."""
    with np.errstate(over="ignore"):
        distances = [*(point - box[:2]), *(box[2:] - point)]
    low, high = limits
    far = max(distances)
    in_range = low <= far <= high if inclusive else low < far < high
    if not (min(distances) > 0 and in_range):
        return Pair(False, None)
    if radius is None:
        return Pair(True, None)
    reach = Fraction(float(point.dtype.type(radius))) * Fraction(float(stride))
    off = max(
        abs(Fraction(float(point[k])) - (Fraction(float(box[k])) + Fraction(float(box[k + 2]))) / 2)
        for k in range(2)
    )
    return Pair(True, reach - off)
