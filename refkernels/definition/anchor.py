"""What the layout of anchors means (SPEC section 6): slow, readable, and derived from it alone.

Sides that are rational are `fractions.Fraction`; others are `mpmath.mpf` of `PRECISION` bits.
Whether half of one is nearer to one whole number or the next is decided exactly, by its square.
"""

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import numpy.typing as npt

__all__ = ["AnchorGrid", "half_squares", "root"]

Array = npt.NDArray[Any]

PRECISION = 300


def AnchorGrid(
    height: Any,
    width: Any,
    *,
    sizes: Sequence[float],
    ratios: Sequence[float],
    stride: float | Sequence[float],
    offset: float = 0.5,
    rounded: bool = False,
    order: str = "ratio",
    dtype: npt.DTypeLike = "float32",
) -> Array:
    """Define `refkernels.AnchorGrid`."""
    strides = [stride, stride] if isinstance(stride, (int, float)) else list(stride)
    stride_y, stride_x = _rounded(strides, dtype)
    (shift,) = _rounded([offset], dtype)
    squares = half_squares(sizes=sizes, ratios=ratios, order=order, dtype=dtype)
    halves = [[_nearest(x) if rounded else root(x) for x in pair] for pair in squares]
    anchors = []
    for y in range(int(height)):
        for x in range(int(width)):
            center_x, center_y = (x + shift) * stride_x, (y + shift) * stride_y
            for half_width, half_height in halves:
                xmin, xmax = _ends(center_x, half_width)
                ymin, ymax = _ends(center_y, half_height)
                anchors.append([xmin, ymin, xmax, ymax])
    out = np.empty((len(anchors), 4), object)
    for i, anchor in enumerate(anchors):
        out[i] = anchor
    return out


def half_squares(
    *, sizes: Sequence[float], ratios: Sequence[float], order: str, dtype: npt.DTypeLike
) -> list[tuple[Fraction, Fraction]]:
    """Return the squares of half the width and half the height of each anchor of a cell."""
    own_sizes, own_ratios = _rounded(sizes, dtype), _rounded(ratios, dtype)
    if order == "ratio":
        pairs = [(size, ratio) for ratio in own_ratios for size in own_sizes]
    else:
        pairs = [(size, ratio) for size in own_sizes for ratio in own_ratios]
    return [(size**2 / ratio / 4, size**2 * ratio / 4) for size, ratio in pairs]


def root(square: Fraction) -> Any:
    """Return a square root: a fraction if it is one."""
    above, below = math.isqrt(square.numerator), math.isqrt(square.denominator)
    if above**2 == square.numerator and below**2 == square.denominator:
        return Fraction(above, below)
    with mpmath.workprec(PRECISION):
        return mpmath.sqrt(mpmath.mpf(square.numerator) / square.denominator)


def _nearest(square: Fraction) -> Fraction:
    """Return the whole number nearest to a square root, of two equally near the even one."""
    below = math.isqrt(square.numerator // square.denominator)
    middle = (below + Fraction(1, 2)) ** 2
    up = square > middle or (square == middle and below % 2 == 1)
    return Fraction(below + up)


def _ends(center: Fraction, half: Any) -> tuple[Any, Any]:
    if isinstance(half, Fraction):
        return center - half, center + half
    with mpmath.workprec(PRECISION):
        middle = mpmath.mpf(center.numerator) / center.denominator
        return middle - half, middle + half


def _rounded(values: Sequence[float], dtype: npt.DTypeLike) -> list[Fraction]:
    """Round parameters to the dtype that anchors of `dtype` are computed in."""
    computing = np.result_type(np.dtype(dtype), np.float32)
    return [Fraction(float(computing.type(value))) for value in values]
