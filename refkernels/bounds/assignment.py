"""How far rounding may move the sums that two matchers decide by (SPEC section 6).

`SimOTAMatcher` decides by sums of IoUs, `HungarianMatcher` by the total cost.

Both bounds are 0 where no step of a correct evaluation rounds: where all numbers are whole
multiples of a unit of which the significand counts as many as any intermediate result has.
"""

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

import numpy as np

from refkernels.arrays import Array, computing_dtype

__all__ = ["sum_of_ious", "total_cost"]


def sum_of_ious(values: Iterable[float], dtype: Any) -> Fraction:
    """Bound the sum of IoUs of a dtype, added in any order.

    K - 1 additions err by at most ``g = (K - 1) u / (1 - (K - 1) u)`` times the sum of magnitudes
    (Higham, "Accuracy and Stability of Numerical Algorithms", 2002, section 4.2); no sum of two
    floats underflows with an error.
    """
    exact = [Fraction(value) for value in values]
    size = sum(map(abs, exact), Fraction(0))
    if size >= Fraction(float(np.finfo(computing_dtype(dtype)).max)):
        return 2 * size  # if sums overflow, there is nothing to say
    additions = max(len(exact) - 1, 0) * _unit_roundoff(dtype)
    if additions == 0 or _is_whole(exact, size, dtype):
        return Fraction(0)
    return additions / (1 - additions) * size


def total_cost(cost: Array) -> Fraction:
    """Bound how far the total of a matching may be above the least, for costs (N, M).

    For a solver by shortest augmenting paths, in the computing dtype. It keeps potentials p of rows
    and q of columns, q never above 0 and 0 for columns that are left. With n = min(N, M) pairs,
    magnitudes of at most C, and R the range of all costs:

    - A free column has q = 0, so a matched pair's ``q = c - p`` is not below -R but after the last
      step, where it is not below -2 R; p is at most C + R, and the length of a path that is gone
      along is at most C. So no sum of a length and a reduced cost c - p - q, in whichever order,
      leaves S = 3 (C + R) on the way.
    - A path's length errs by 4 roundings of u S for each pair. Potentials are set anew after a
      path is found, by differences of lengths, 2 roundings each, such that the reduced cost of a
      pair that was gone along is what its lengths say: at least -(4 + 2) u S whatever it was
      before. Those of other pairs only rise.
    - The reduced cost of a matched pair is taken for 0, and drifts by 2 roundings with each of n
      paths, if its potentials are kept apart: it is at most (6 + 2 n) u S.

    So the total is at most that of the potentials plus n (6 + 2 n) u S, and the least one at least
    that of the potentials less 6 n u S. Terms of higher order are covered by a factor of
    1 + 8 n u. Bids, and reductions of rows and columns, are paths of one pair. No matching of n
    pairs is worse by more than n R, and if S overflows, nothing better is said.
    """
    pairs = min(cost.shape)
    if not pairs:
        return Fraction(0)
    dtype = computing_dtype(cost.dtype)
    exact = [Fraction(value) for value in cost.ravel().tolist()]
    size, low, high = max(map(abs, exact)), min(exact), max(exact)
    most = 3 * (size + high - low)
    worst = pairs * (high - low)  # of any matching
    if most >= Fraction(float(np.finfo(dtype).max)):
        return worst
    if _is_whole(exact, most, dtype):
        return Fraction(0)
    u = _unit_roundoff(dtype)
    return min(worst, pairs * (12 + 2 * pairs) * u * most * (1 + 8 * pairs * u))


def _is_whole(values: Iterable[Fraction], most: Fraction, dtype: Any) -> bool:
    """Return whether sums up to `most` are multiples of a unit that the significand counts."""
    unit = max(value.denominator for value in values)  # all are powers of two
    return most * unit * _unit_roundoff(dtype) <= 1


def _unit_roundoff(dtype: Any) -> Fraction:
    return Fraction(float(np.finfo(computing_dtype(dtype)).eps)) / 2
