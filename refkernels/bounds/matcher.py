"""How far rounding may move what matchers decide by beside given numbers (SPEC section 6).

A decision may differ from the exact one only where the exact quantity lies within its bound of what
it is compared with. Where no step of a correct evaluation rounds, the bound is 0.
"""

from fractions import Fraction
from math import ceil, inf, isqrt, sqrt
from typing import Any

import numpy as np

from refkernels.arrays import Array, computing_dtype
from refkernels.bounds.arithmetic import SLACK, Approximate, exactly, halved, roundoff

__all__ = ["atss_threshold", "point_area", "point_distance", "point_room"]


def atss_threshold(values: Array, ddof: int, dtype: Any, *, by_squares: bool = False) -> float:
    """Bound the threshold of a ground truth, the mean and the standard deviation of K IoUs.

    Parameters
    ----------
    values : numpy.ndarray, (K,)
        The candidates' IoUs x_i.
    ddof : int
        The deviation's divisor is K - ddof.
    dtype : dtype
        The dtype that it is computed in.
    by_squares : bool
        Whether it is compared as the kernel does it: with the squares of K times the excess over
        the mean, of IoUs less the first of them.

    Notes
    -----
    With A the mean of ``|x_i|``, X the largest of them, s the deviation and q = K / (K - ddof), of
    IoUs summed in any order, deviations from their mean, and the root of their mean square:

    - the sum errs by (K - 1) u K A, so the mean by K u A with its division;
    - a deviation x_i - mean errs by that and by u relative. As vectors in K dimensions, deviations
      that each err by e have a root mean square that errs by sqrt(q) e, and what errs relatively
      goes on relatively: squares, their sum, the quotient and the root are K + 4 roundings, halved
      by the root, so (K + 4) u s covers them and the u before;
    - the sum of mean and deviation errs by u (A + s).

    With squares, and x_i that are differences and so err by u X, K x_i errs by u K X more, and the
    sum is as above. Where a quotient by K is taken of them, both sides of the comparison err by
    2 u X and K u A, and the roundings relative to the deviation are not more.

    So ``(1 + sqrt(q)) (2 u X + K u A) + (K + 6) u s`` covers either, with a factor of 1 + 2 K u
    for terms of higher order. A square may underflow, by eta, and so the root mean square by
    sqrt(q eta). If they overflow, there is nothing to say.

    Nothing rounds where all x_i are equal and their sum is exact, and where there are two, with
    ``ddof=0``, whose squares are exact: then the deviation is half their difference. With squares
    for comparing nothing rounds either as long as they, times K, are whole multiples of a unit of
    which the significand counts so many.
    """
    count = len(values)
    if not count:
        return 0.0
    exact = [Fraction(float(value)) for value in values]
    if by_squares:
        exact = [value - exact[0] for value in exact]
    # All are whole multiples of 1 / unit, and so small that so many are counted one by one.
    unit = max(value.denominator for value in exact)
    largest = max(abs(value) for value in exact)
    most = Fraction(2) / Fraction(float(np.finfo(dtype).eps))
    whole = largest * unit * count
    u, eta = roundoff(dtype)
    if by_squares:
        if (2 * whole) ** 2 * count <= most:
            return 0.0
    elif len(set(exact)) == 1:
        if whole <= most:
            return 0.0
    elif count == 2 and ddof == 0 and whole * whole <= most and 8 * eta * unit * unit <= 1:
        return 0.0
    size, divisor = float(largest), count - ddof
    if 4 * count * size * (1 if by_squares else size) >= float(np.finfo(dtype).max):
        return inf
    mean = sum(exact, Fraction(0)) / count
    squares = sum(((value - mean) ** 2 for value in exact), Fraction(0))
    deviation = _root_above(squares / divisor) if divisor > 0 else 0.0
    ratio = count / divisor if divisor > 0 else 0.0
    error = (1 + sqrt(ratio)) * (2 * u * size + count * u * float(sum(map(abs, exact)) / count))
    error += (count + 6) * u * deviation + sqrt(ratio * eta)
    return error * (1 + 2 * count * u) * SLACK


def _root_above(square: Fraction) -> float:
    """Return a float of at least the square root, and hardly more."""
    scale = 1 << 200
    return float(isqrt(ceil(square * scale * scale)) + 1) / scale


def point_area(box: Array, dtype: Any) -> Array:
    """Bound the area of corner boxes (..., 4), a product of two differences."""
    unit = roundoff(computing_dtype(dtype))
    xmin, ymin, xmax, ymax = (exactly(side, unit) for side in np.moveaxis(_wide(box), -1, 0))
    area = (xmax - xmin) * (ymax - ymin)
    return _unless_endless(area, dtype)


def point_distance(distance: Fraction, dtype: Any) -> float:
    """Bound the distance from a point to a side, one difference; infinite where it may overflow."""
    wide = computing_dtype(dtype)
    if abs(distance) >= Fraction(float(np.finfo(wide).max)):
        return inf
    return roundoff(wide).u * abs(float(distance)) * SLACK


def point_room(point: Array, box: Array, stride: Any, radius: float, dtype: Any) -> Array:
    """Bound how far points (..., 2) are inside the square around the centre of a box (..., 4).

    For each axis either ``s - |x - c|`` or ``(c + s) - x`` and ``x - (c - s)`` is compared with 0,
    or its terms with each other, with the centre ``c = (x1 + x2) / 2`` and ``s = radius * stride``:
    the larger of the two differences rounds by more.
    """
    wide = computing_dtype(dtype)
    unit = roundoff(wide)
    low, high = exactly(_wide(box)[..., :2], unit), exactly(_wide(box)[..., 2:], unit)
    x = exactly(_wide(point), unit)
    reach = exactly(float(wide.type(radius)), unit) * exactly(_wide(stride)[..., None], unit)
    # Half the sum, or the sum of halves, which may underflow.
    centre = halved(low) + halved(high)
    off = x - centre
    ends = [centre + reach, centre - reach]
    rounding = np.maximum.reduce(
        [
            off.error - centre.error,
            *(end.error - centre.error - reach.error for end in ends),
        ]
    )
    error = centre.error + reach.error + rounding
    # The comparison's own difference, where one is taken, has the right sign.
    room = Approximate(reach.value - np.abs(off.value), error, unit)
    return np.asarray(_unless_endless(room, dtype).max(-1))


def _wide(array: Any) -> Array:
    return np.asarray(array, np.float64)


def _unless_endless(result: Approximate, dtype: Any) -> Array:
    """Return the error, infinite where the result may overflow."""
    most = float(np.finfo(computing_dtype(dtype)).max)
    with np.errstate(invalid="ignore"):
        finite = np.abs(result.value) + result.error < most
    return np.where(finite, result.error * SLACK, inf)
