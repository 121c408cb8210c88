"""Forward error bounds of the encoder of centre heat maps (SPEC section 6).

Its maps are bounded where its decisions are given: in which cell a centre lies, and how many cells
its Gaussian reaches. How near an exact quantity must be to a whole number for these to be in doubt
is bounded here too.
"""

from typing import Any

import numpy as np

from refkernels.arrays import Array, computing_dtype
from refkernels.bounds.arithmetic import SLACK, final_rounding, roundoff

__all__ = ["center", "gaussian", "offset", "overlap_shift", "side"]

# A bound of first order is not trusted where it is this share of what it bounds.
TOO_MUCH = 0.1


def gaussian(heat: Array, dtype: Any) -> Array:
    """Bound the heat, given itself: v = exp(-a).

    The deviation rounds once, its square has 3 u, and the quotient 4 u, relative, which exp turns
    into 4 u a; it is itself within 2 units in the last place, 4 u. Code that multiplies one factor
    for each axis has the exponents a = a_x + a_y, twice that of exp, and rounds the product: 4 u a
    + 9 u, relative. That grows with v, so it bounds a largest one of several too.
    """
    u = roundoff(computing_dtype(dtype)).u
    value = heat.astype(np.float64)
    with np.errstate(divide="ignore"):
        exponent = np.where(value > 0, -np.log(np.where(value > 0, value, 1)), 0)
    return final_rounding(value, value * u * (4 * np.maximum(exponent, 0) + 9) * SLACK, dtype)


def side(sides: Array, dtype: Any) -> Array:
    """Bound sides in cells, given themselves: a difference and a quotient, 2 u."""
    u, eta = roundoff(computing_dtype(dtype))
    value = np.abs(sides.astype(np.float64))
    return final_rounding(value, (2 * u * value + eta) * (1 + u), dtype)


def center(low: Array, high: Array, scale: float, dtype: Any) -> Array:
    """Bound the coordinates of centres in cells, of boxes from `low` to `high`.

    The sum of both corners rounds by u of itself, or if each is divided by the scale before, by u
    of each; so does the quotient, or the sum. Two halves, which the scale divides if they are taken
    first, or two quotients may underflow, and what comes last.
    """
    u, eta = roundoff(computing_dtype(dtype))
    low, high = low.astype(np.float64), high.astype(np.float64)
    apart = (np.abs(low) + np.abs(high)) / 2 / scale
    lost = (2 * max(1 / scale, 1) + 1) * eta
    return np.asarray((u * (apart + 2 * np.abs((low + high) / 2 / scale)) + lost) * (1 + 4 * u))


def offset(offsets: Array, centers: Array, dtype: Any) -> Array:
    """Bound where in its cell a centre lies, given the bound of the centre itself."""
    u = roundoff(computing_dtype(dtype)).u
    value = offsets.astype(np.float64)
    return final_rounding(value, centers + u * (np.abs(value) + centers), dtype)


def overlap_shift(width: float, height: float, overlap: float, dtype: Any) -> tuple[float, float]:
    """Return the largest shift of both corners, as near as float64 has it, and a bound.

    With s = w + h, p = w h, and m the overlap, the roots are (s - sqrt(s**2 - 4 p (1 - m) / (1 +
    m))) / 2, (s - sqrt(s**2 - 4 p (1 - m))) / 4 and (sqrt(m**2 s**2 + 4 m (1 - m) p) - m s) / 4 m.
    Relative, w and h have 2 u, and so s 3 u, s**2 7 u, p 5 u, and what is subtracted from s**2 at
    most 9 u of at most s**2: with the difference's own rounding 17 u s**2. The first two roots
    subtract sqrt(d) from s, where d is at least k**2 s**2, with k**2 = 2 m / (1 + m) and m; its
    error is at most 17 u s / 2 k, that of s 3 u s, and u s for each of two roundings: (5 + 8.5 / k)
    u s in all, over 2 and 4. In the third, d lies between m**2 s**2 and m s**2, with an error of 9
    u d + u d, and its root of 5 u sqrt(d) + u sqrt(d), at most 6 u s sqrt(m); with 4 u m s, and u s
    m for the difference, that is at most 11 u s, over 4 m, and 2 u of the root for that quotient.

    As evaluated here the roots do not cancel, and their error is a few units of float64, which for
    data of float64 is a share of the bound.
    """
    u = roundoff(computing_dtype(dtype)).u
    total, area, m = width + height, width * height, overlap
    first = (
        2 * area * (1 - m) / (1 + m) / (total + np.sqrt(total**2 - 4 * area * (1 - m) / (1 + m)))
    )
    second = area * (1 - m) / (total + np.sqrt(total**2 - 4 * area * (1 - m)))
    third = (1 - m) * area / (m * total + np.sqrt((m * total) ** 2 + 4 * m * (1 - m) * area))
    shift = float(min(first, second, third))
    k = float(np.sqrt(min(2 * m / (1 + m), m)))
    if 17 * u > TOO_MUCH * k**2:
        return shift, np.inf
    errors = ((5 + 8.5 / k) / 2, 11 / (4 * m))
    return shift, float((u * total * max(errors) + 4 * u * shift) * (1 + TOO_MUCH))
