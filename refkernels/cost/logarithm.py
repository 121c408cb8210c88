"""The logarithm, as operations that go along vectors; a mathematical library's does not.

A positive number is ``m * 2**e`` with m about 1, so that its logarithm is ``e log(2) + log(m)``.
With f = m - 1, which is exact, and s = f / (2 + f), ``log(m) = log((1 + s) / (1 - s))`` is
``2 s + 2 s**3 / 3 + 2 s**5 / 5 ...``. As ``2 s = f - s f``, that is ``f - (h - s (h + r))`` with
``h = f**2 / 2`` and r the rest of the series over s: an exact number and a correction that is small
next to it, so that the sum is right to a unit in the last place.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from refkernels.jit import jit, split

__all__ = ["LOGARITHMS", "Logarithm", "logarithm"]

# log(2) to more digits than float64 has: this and what is left of it.
LOG2, LOG2_REST = 0.6931471805599453, 2.3190468138462996e-17


class Logarithm(NamedTuple):
    """Numbers that `logarithm` needs, in the computing dtype.

    Attributes
    ----------
    high, low : float
        log(2) is their sum; `high` times an exponent is exact.
    half : float
    series : tuple of float
        ``2 / (2 k + 1)``, the last first, up to where it is below the last digit.
    """

    high: Any
    low: Any
    half: Any
    series: tuple[Any, ...]


def _logarithm(dtype: Any, digits: int, terms: int) -> Logarithm:
    number = np.dtype(dtype).type
    high = math.floor(math.ldexp(LOG2, digits)) / 2.0**digits
    rest = (LOG2 - high) + LOG2_REST
    series = tuple(number(2 / (2 * k + 1)) for k in range(terms, 0, -1))
    return Logarithm(number(high), number(rest), number(0.5), series)


# s**2 is at most 0.0295: terms that are left out are below 2**-28 and 2**-57 of the first.
LOGARITHMS = {
    np.dtype(np.float32): _logarithm(np.float32, 12, 4),
    np.dtype(np.float64): _logarithm(np.float64, 32, 11),
}


@jit
def logarithm(x, power, own):  # type: ignore[no-untyped-def]
    """Return ``log(x * 2**power)`` of a positive, normal x and a whole `power` of x's dtype.

    `own` is the dtype's `Logarithm`.
    """
    one = own.half + own.half
    mantissa, exponent = split(x)
    exponent += power
    f = mantissa - one
    h = own.half * f * f
    s = f / (f + (one + one))
    square = s * s
    rest = own.series[0]
    for k in range(1, len(own.series)):
        rest = rest * square + own.series[k]
    rest = rest * square
    return exponent * own.high + (f - (h - (s * (h + rest) + exponent * own.low)))
