"""Forward error bounds of the layout of anchors (SPEC section 6)."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from refkernels.arrays import Array, computing_dtype, rounded_to_computing
from refkernels.bounds.arithmetic import SLACK, Approximate, exactly, final_rounding, roundoff

__all__ = ["anchor_grid", "half_sides"]


def half_sides(
    *,
    sizes: Sequence[float],
    ratios: Sequence[float],
    order: str = "ratio",
    dtype: Any = "float32",
) -> tuple[Array, Array]:
    """Return half the sides of a cell's anchors (A, 2), as near as float64 has them, and a bound.

    A square root rounds once, and s / sqrt(r) and s * sqrt(r) once more; code that multiplies by
    1 / sqrt(r) rounds that too: 3 u, relative. Where sqrt(r) is a power of two nothing is rounded,
    in whatever order.
    """
    size, ratio = _rounded(sizes, dtype), _rounded(ratios, dtype)
    if order == "ratio":
        size, ratio = np.tile(size, len(ratio)), np.repeat(ratio, len(size))
    else:
        size, ratio = np.repeat(size, len(ratio)), np.tile(ratio, len(size))
    root = np.sqrt(ratio)
    halves = np.stack([size / root, size * root], -1) / 2
    unit = roundoff(computing_dtype(dtype))
    mantissa, exponent = np.frexp(ratio)
    is_exact = (mantissa == 0.5) & (exponent % 2 == 1)
    error = np.where(is_exact[:, None], 0, 3 * unit.u * halves + unit.eta)
    return halves, error * SLACK


def anchor_grid(
    height: Array,
    width: Array,
    *,
    sizes: Sequence[float],
    ratios: Sequence[float],
    stride: float | Sequence[float],
    offset: float = 0.5,
    rounded: bool = False,
    order: str = "ratio",
    dtype: Any = "float32",
) -> Array:
    """Bound AnchorGrid: a sum and a product for the centre, half a side, and the sum of the two.

    Half sides that are rounded are whole, and have no error but that of their decision.
    """
    unit = roundoff(computing_dtype(dtype))
    halves, error = half_sides(sizes=sizes, ratios=ratios, order=order, dtype=dtype)
    shape = (int(height), int(width), len(halves))
    strides = _rounded(np.broadcast_to(stride, 2), dtype)
    shift = exactly(_rounded([offset], dtype), unit)

    def centre(count: int, step: float) -> Approximate:
        """Return the centres of so many cells along an axis, with their errors."""
        cells = np.arange(count, dtype=np.float64)
        number = Approximate(cells, np.where(cells > 1 / unit.u, unit.u * cells, 0), unit)
        return (number + shift) * exactly(step, unit)

    def ends(middle: Approximate, along: int, side: int) -> Array:
        """Bound where anchors begin and end along an axis, (height, width, shapes, 2)."""
        lift = (slice(None), None, None) if along == 0 else (None, slice(None), None)
        own = Approximate(middle.value[lift], middle.error[lift], unit)
        half = Approximate(
            np.rint(halves[:, side]) if rounded else halves[:, side],
            0 * error[:, side] if rounded else error[:, side],
            unit,
        )
        bounds = [final_rounding(end.value, end.error, dtype) for end in (own - half, own + half)]
        return np.stack([np.broadcast_to(bound, shape) for bound in bounds], -1)

    vertical = ends(centre(shape[0], strides[0]), 0, 1)
    horizontal = ends(centre(shape[1], strides[1]), 1, 0)
    return np.stack([horizontal, vertical], -1).reshape(-1, 4)


def _rounded(values: Any, dtype: Any) -> Array:
    return np.array([float(rounded_to_computing(value, dtype)) for value in values])
