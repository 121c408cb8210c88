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

from refkernels.arrays import Array, computing_dtype

__all__ = [
    "SLACK",
    "Approximate",
    "Roundoff",
    "exactly",
    "final_rounding",
    "halved",
    "roundoff",
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

    def smaller(self, other: "Approximate") -> "Approximate":
        """Take the smaller of two."""
        error = self._error_of(other, self.value < other.value)
        return Approximate(np.minimum(self.value, other.value), error, self.unit)

    def larger(self, other: "Approximate") -> "Approximate":
        """Take the larger of two."""
        error = self._error_of(other, self.value > other.value)
        return Approximate(np.maximum(self.value, other.value), error, self.unit)

    def _error_of(self, other: "Approximate", is_own: Array) -> Array:
        """Return the error of one of two, or the larger one where either may be the one.

        Twice what both may be off by leaves room for float64's own rounding of the values.
        """
        with np.errstate(invalid="ignore"):
            apart = np.abs(self.value - other.value) > 2 * (self.error + other.error)
        taken = np.where(is_own, self.error, other.error)
        return np.where(apart, taken, np.maximum(self.error, other.error))

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


def halved(side: Approximate) -> Approximate:
    """Halve, which is exact unless it underflows."""
    return Approximate(side.value / 2, side.error / 2 + side.unit.eta, side.unit)
