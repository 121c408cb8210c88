"""How far the IoU may be off by which boxes are suppressed (SPEC section 6)."""

from typing import Any

import numpy as np

from refkernels.arrays import Array, computing_dtype
from refkernels.bounds.arithmetic import SLACK, roundoff

__all__ = ["suppressing_iou"]


def suppressing_iou(iou: Array, union: Array, dtype: Any) -> Array:
    """Bound the IoU of corner boxes with extent, as any correct evaluation computes it.

    Relative to the exact values, and to first order: a side is one subtraction of inputs, 1 u; an
    area and the intersection are products of two, 3 u; the sum of areas is at most twice the union,
    4 u of it are 8 u; less the intersection, which is at most the union, 3 u more, and 1 u for the
    difference: 12 u. The quotient rounds once: 3 u + 12 u + 1 u = 16 u, and terms of second order
    are below 16**2 u**2, far less than another u. Dividing, or multiplying the threshold by the
    union, is one rounding either way.

    Where they underflow, products are off by eta each: the intersection by one, the union by three.
    """
    u, eta = roundoff(computing_dtype(dtype))
    lost = np.asarray(eta, union.dtype) / union
    return np.asarray((17 * u * iou + lost * (1 + 3 * iou) + eta) * SLACK)
