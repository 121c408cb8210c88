"""Forward error bounds, derived and never tuned: how far a correct evaluation may be off.

Every bound is a running one: it follows the formula of SPEC step by step for the actual inputs,
with u the unit roundoff of the computing dtype (float32 for float16). The standard model says that
one operation gives ``fl(x op y) = (x op y)(1 + d)`` with ``|d| <= u``, or misses by at most half
the smallest subnormal, eta, where it underflows (Higham, "Accuracy and Stability of Numerical
Algorithms", 2002, section 2.2). Sums of operands with errors ea and eb therefore err by at most
``ea + eb + u|s|``, products by ``ea|b| + eb|a| + ea eb + u|p| + eta``, where s and p are results
before rounding, of magnitude at most that of the exact ones plus the error so far.

A result that is rounded to float16 at the end adds half a unit in the last place of float16.

The bounds themselves are evaluated in float64, whose own rounding the factor `SLACK` covers: each
takes fewer than 100 operations on non-negative numbers, so less than 100 * 2**-52 relative.
"""

from typing import Any, NamedTuple

import numpy as np

from refkernels.arrays import Array, common_real, computing_dtype, rounded_to_computing
from refkernels.conformance.model.operator import Case

__all__ = [
    "Approximate",
    "box_area",
    "box_batch_iou",
    "center_to_corner",
    "corner_to_center",
    "final_rounding",
    "mining_score",
]

SLACK = 1 + 1e-10


class Roundoff(NamedTuple):
    """Unit roundoff and half the smallest subnormal of a dtype, or what float64 has above these."""

    u: float
    eta: float


def roundoff(dtype: Any) -> Roundoff:
    """Return the constants of the dtype itself."""
    info = np.finfo(dtype)
    smallest = float(info.smallest_subnormal)
    return Roundoff(float(info.eps) / 2, smallest / 2 or smallest)  # half of float64's is 0


class Approximate:
    """A value with a bound on its error, carried through a formula.

    Parameters
    ----------
    value : array_like
        The exact value, as near as float64 has it.
    error : array_like
        A bound on the absolute error of what is computed for it.
    unit : Roundoff
        Of the computing dtype.
    """

    def __init__(self, value: Any, error: Any, unit: Roundoff) -> None:
        self.value = np.asarray(value, np.float64)
        self.error = np.asarray(error, np.float64)
        self.unit = unit

    def _rounded(self, value: Array, error: Array, underflow: bool = False) -> "Approximate":
        u, eta = self.unit
        rounding = u * (np.abs(value) + error) + (eta if underflow else 0)
        return Approximate(value, error + rounding, self.unit)

    def __add__(self, other: "Approximate") -> "Approximate":
        return self._rounded(self.value + other.value, self.error + other.error)

    def __sub__(self, other: "Approximate") -> "Approximate":
        return self._rounded(self.value - other.value, self.error + other.error)

    def __mul__(self, other: "Approximate") -> "Approximate":
        error = (
            self.error * np.abs(other.value)
            + other.error * np.abs(self.value)
            + self.error * other.error
        )
        return self._rounded(self.value * other.value, error, underflow=True)

    def __truediv__(self, other: "Approximate") -> "Approximate":
        """Divide; where the divisor's error reaches the divisor, the bound is infinite."""
        least = np.abs(other.value) - other.error
        with np.errstate(divide="ignore", invalid="ignore"):
            value = np.where(other.value == 0, 0.0, self.value / other.value)
            error = np.where(least > 0, (self.error + np.abs(value) * other.error) / least, np.inf)
        return self._rounded(value, error, underflow=True)

    def positive_part(self) -> "Approximate":
        """Clamp below at 0, which does not lengthen any distance."""
        return Approximate(np.maximum(self.value, 0), self.error, self.unit)


def exactly(value: Any, unit: Roundoff) -> Approximate:
    """Return inputs, which are exact."""
    return Approximate(value, np.zeros(np.shape(value)), unit)


def final_rounding(value: Array, error: Array, dtype: Any) -> Array:
    """Add the one rounding from the computing dtype to a narrower `dtype`."""
    if np.dtype(dtype) == computing_dtype(dtype):
        return np.asarray(error) * SLACK
    u, eta = roundoff(dtype)
    return np.asarray((error + u * (np.abs(value) + error) + eta) * SLACK)


def _finish(result: Approximate, dtype: Any) -> Array:
    return final_rounding(result.value, result.error, dtype)


def _columns(case: Case, name: str, dtype: Any) -> list[Approximate]:
    boxes = np.moveaxis(case.inputs[name].astype(np.float64), case.config.get("axis", -1), -1)
    unit = roundoff(computing_dtype(dtype))
    return [exactly(boxes[..., i], unit) for i in range(4)]


def _halved(side: Approximate) -> Approximate:
    # Halving is exact unless it underflows.
    return Approximate(side.value / 2, side.error / 2 + side.unit.eta, side.unit)


def _corners_of(columns: list[Approximate], fmt: str) -> list[Approximate]:
    if fmt == "corner":
        return columns
    x, y, width, height = columns
    half_width, half_height = _halved(width), _halved(height)
    return [x - half_width, y - half_height, x + half_width, y + half_height]


def corner_to_center(case: Case, column: int | None = None) -> Array:
    """Bound BBoxCornerToCenter: a width rounds once, a centre also with half the width's error."""
    dtype = common_real(*case.inputs.values())
    xmin, ymin, xmax, ymax = _columns(case, "x", dtype)
    width, height = xmax - xmin, ymax - ymin
    results = [xmin + _halved(width), ymin + _halved(height), width, height]
    return _assembled(results, case, dtype, column)


def center_to_corner(case: Case, column: int | None = None) -> Array:
    """Bound BBoxCenterToCorner: one rounding each, since halving is exact."""
    dtype = common_real(*case.inputs.values())
    return _assembled(_corners_of(_columns(case, "x", dtype), "center"), case, dtype, column)


def _assembled(results: list[Approximate], case: Case, dtype: Any, column: int | None) -> Array:
    axis = case.config.get("axis", -1)
    bounds = [_finish(result, dtype) for result in results]
    if column is not None:
        return np.asarray(np.moveaxis(bounds[column][..., None], -1, axis))
    return np.asarray(np.moveaxis(np.stack(bounds, -1), -1, axis))


def box_area(case: Case) -> Array:
    """Bound BBoxArea: both sides and the product round once, so about 3 u of the area."""
    dtype = common_real(*case.inputs.values())
    xmin, ymin, xmax, ymax = _columns(case, "x", dtype)
    if case.config.get("fmt", "corner") == "corner":
        width, height = xmax - xmin, ymax - ymin
    else:
        width, height = xmax, ymax
    area = width.positive_part() * height.positive_part()
    return np.asarray(np.moveaxis(_finish(area, dtype)[..., None], -1, case.config.get("axis", -1)))


def box_batch_iou(case: Case) -> Array:
    """Bound BBoxBatchIOU.

    For corner boxes without an offset each side is one subtraction of inputs, so relative to the
    exact values: sides 1 u, areas and intersection 3 u, and since the intersection is at most the
    smaller area, the sum of areas is at most twice the union, whose error is then at most
    2 * 4 u + 3 u + 1 u, and 1 u more for eps. With the division's own rounding the quotient is
    within about 17 u, whatever the boxes. Centre boxes round their corners first, and an offset
    rounds the sides again, so there the error depends on coordinate / size; the running bound
    covers all of it. No result leaves [0, 1], so no error exceeds 1.
    """
    dtype = common_real(*case.inputs.values())
    computing = computing_dtype(dtype)
    unit = roundoff(computing)
    fmt = case.config.get("fmt", "corner")
    offset = float(rounded_to_computing(case.config.get("offset", 0), dtype))
    eps = exactly(float(rounded_to_computing(case.config.get("eps", 1e-15), dtype)), unit)

    def side(high: Approximate, low: Approximate) -> Approximate:
        return high - low if offset == 0 else (high - low) + exactly(offset, unit)

    def expanded(name: str, axis: int) -> list[Approximate]:
        return [
            Approximate(np.expand_dims(c.value, axis), np.expand_dims(c.error, axis), unit)
            for c in _corners_of(_columns(case, name, dtype), fmt)
        ]

    def overlap(pick: Any, one: Approximate, other: Approximate) -> Approximate:
        # min and max of two numbers with errors err by no more than the larger error.
        error = np.maximum(one.error, other.error)
        return Approximate(pick(one.value, other.value), error, unit)

    left_a, top_a, right_a, bottom_a = expanded("a", -1)
    left_b, top_b, right_b, bottom_b = expanded("b", -2)
    width_a, height_a = side(right_a, left_a), side(bottom_a, top_a)
    width_b, height_b = side(right_b, left_b), side(bottom_b, top_b)
    width = side(overlap(np.minimum, right_a, right_b), overlap(np.maximum, left_a, left_b))
    height = side(overlap(np.minimum, bottom_a, bottom_b), overlap(np.maximum, top_a, top_b))
    inter = width.positive_part() * height.positive_part()
    union = (width_a * height_a + width_b * height_b) - inter + eps
    quotient = inter / union
    # Where a box is empty in exact arithmetic it is empty as computed too: corners are rounded
    # monotonically, so a side that is not positive stays so. Then the intersection is exactly 0.
    empty = _certainly_empty(width_a, height_a, offset) | _certainly_empty(
        width_b, height_b, offset
    )
    error = np.where(empty, 0, np.minimum(quotient.error, 1))
    return final_rounding(np.where(empty, 0, np.clip(quotient.value, 0, 1)), error, dtype)


def mining_score(case: Case) -> Array:
    """Bound the score of OHEMSampler, computed stably in whichever of the usual ways.

    With m the largest logit and d = logit - m: a difference errs by u|d|, its exponential by that
    and 3 units in the last place, relative (NumPy states up to 2.52 of its own); the sum of C terms
    by the weighted mean of these and C u; its logarithm by the sum's relative error and 1 unit; and
    the sums with m and the background by u of their results and operands.
    """
    unit = roundoff(computing_dtype(case.inputs["logits"].dtype))
    logits = case.inputs["logits"].astype(np.float64)
    largest = logits.max(-1, keepdims=True)
    low = logits - largest
    weights = np.exp(low)
    total = weights.sum(-1)
    relative = (weights * (unit.u * np.abs(low) + 6 * unit.u)).sum(-1) / total
    log_total = np.log(total)
    m, background = largest[..., 0], logits[..., 0]
    score = m - background + log_total
    size = 2 * np.abs(log_total) + np.abs(m) + np.abs(background) + np.abs(log_total)
    error = relative + logits.shape[-1] * unit.u + unit.u * (size + 2 * np.abs(score))
    return np.asarray(error * SLACK)


def _certainly_empty(width: Approximate, height: Approximate, offset: float) -> Array:
    if offset != 0:
        # An offset that cancels a side may round either way.
        return np.asarray((width.value + width.error <= 0) | (height.value + height.error <= 0))
    return np.asarray((width.value <= 0) | (height.value <= 0))
