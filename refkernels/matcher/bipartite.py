"""The matcher that gives each ground truth an anchor of its own."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from refkernels.arrays import (
    Array,
    as_real,
    check_finite,
    check_flag,
    check_number,
    keep,
    rounded,
)
from refkernels.jit import jit
from refkernels.matcher.base import BLOCK, UNMATCHED, Matcher, as_matrices

__all__ = ["BipartiteMatcher", "sign_of", "sink"]

PENDING = -2  # unmatched so far, but may yet share a column's best


@dataclass(frozen=True)
class BipartiteMatcher(Matcher):
    """Match each column with one row, greedily, then let rows share that are as good as the best.

    1. A pair (r, c) is a candidate if ``x[r, c] > threshold``. No other pair is ever matched.
    2. The largest remaining candidate is matched, ties by lowest row, then lowest column; its row
       and its column drop out; and so on until no candidate is left.
    3. With ``best[c]`` the largest value of column c over all rows, a row that is still unmatched
       and whose first argmax is a is matched to a if, with `share_max`, some candidate (r, c) has
       ``x[r, c] + eps >= best[c]``; without it, if (r, a) itself is such a candidate.

    Parameters
    ----------
    threshold : float, default 1e-12
        What a value must exceed to be matched; rounded to the dtype of `x`.
    is_ascend : bool, default False
        The exact mirror, for distances: candidates are below `threshold`, the smallest goes first,
        and a row shares by its argmin if ``x[r, c] - eps <= best[c]``, the column's smallest.
    eps : float, default 1e-12
        What a value may fall short of its column's best and still share; not negative, rounded to
        the dtype of `x`, and added in that dtype.
    share_max : bool, default True
        Whether a row may be drawn in by any of its columns. True suits Faster R-CNN, False SSD.

    Raises
    ------
    TypeError
        If a parameter or the input has the wrong type or dtype.
    ValueError
        If `threshold` or `eps` is out of range, `x` has fewer than two axes, or holds nan or
        infinity.

    Notes
    -----
    The cost is one pass over the matrix, and one more over each column whose best row is taken by
    another one. Where all columns want the same rows in the same order, a column is read about
    ``1 + min(N, M) / max(N / M, sqrt(min(N, M)))`` times: it stays linear in N M for N >= M ** 2.

    References
    ----------
    SPEC section 2; Liu et al., "SSD: Single Shot MultiBox Detector", 2016, section 2.2.

    Examples
    --------
    >>> import numpy as np
    >>> ious = np.array([[0.9, 0.8], [0.7, 0.1], [0.0, 0.0], [0.9, 0.2]])
    >>> BipartiteMatcher()(ious)  # row 1 holds no column's best, row 2 no candidate
    array([ 0, -1, -1,  1])
    >>> distances = np.array([[2.0], [5.0], [2.0]])
    >>> BipartiteMatcher(threshold=9, is_ascend=True)(distances)  # row 2 shares what row 0 has
    array([ 0, -1,  0])
    """

    threshold: float = 1e-12
    is_ascend: bool = False
    eps: float = 1e-12
    share_max: bool = True

    def __post_init__(self) -> None:
        keep(
            self,
            threshold=check_number("threshold", self.threshold),
            is_ascend=check_flag("is_ascend", self.is_ascend),
            eps=check_number("eps", self.eps, low=0),
            share_max=check_flag("share_max", self.share_max),
        )

    def __call__(self, x: npt.ArrayLike) -> Array:
        """Match the rows of `x`.

        Parameters
        ----------
        x : array_like, real, (..., N, M)
            IoUs, or with `is_ascend` distances. Matrices of several axes are matched one by one.

        Returns
        -------
        numpy.ndarray of int64, (..., N)
            The matched column in [0, M), or -1.
        """
        values = as_real("x", x, min_ndim=2, finite=False)
        matrices = as_matrices(values)
        eps = rounded(self.eps, values.dtype)
        shifted = matrices
        if values.dtype == np.float16 and eps != 0:
            # Sums with eps are in the dtype of x, and float16 has no arithmetic in Numba.
            with np.errstate(all="ignore"):
                half = np.float16(eps)
                shifted = as_matrices(values - half if self.is_ascend else values + half)
            eps = matrices.dtype.type(0)
        sign = matrices.dtype.type(-1 if self.is_ascend else 1)
        out = np.full(matrices.shape[:-1], UNMATCHED, np.int64)
        threshold = rounded(self.threshold, values.dtype) * sign
        if not _bipartite(matrices, shifted, sign, threshold, eps, self.share_max, out):
            check_finite("x", values)
        return out.reshape(values.shape[:-1])


# In the kernels below `sign` is -1 for a mirrored matrix: multiplying by it is exact, so the
# largest is looked for either way. `threshold` and `eps` come mirrored already.


@jit
def _bipartite(x, shifted, sign, threshold, eps, share_max, out):  # type: ignore[no-untyped-def]
    """Fill `out` (B, N), which comes as UNMATCHED, with the matches of `x` (B, N, M).

    Returns whether all of `x` is finite; if not, `out` is of no use.
    """
    if x.size == 0:
        return True
    for image in range(x.shape[0]):
        best = np.full(x.shape[2], threshold, x.dtype)
        head = np.full(x.shape[2], -1, np.int64)
        if not _find_best(x[image], shifted[image], sign, threshold, eps, best, head, out[image]):
            return False
        _match_greedily(x[image], sign, threshold, best.copy(), head, out[image])
        _share_best(x[image], shifted[image], sign, threshold, eps, share_max, best, out[image])
    return True


@jit
def _reaches(values, sums, sign, threshold, eps, best):  # type: ignore[no-untyped-def]
    """Return whether some candidate of `values` reaches `best`: branch-free, so vectorised."""
    hit = False
    for i in range(len(values)):
        hit |= (values[i] * sign > threshold) & (sums[i] * sign + eps >= best[i])
    return hit


@jit
def _find_best(x, shifted, sign, threshold, eps, best, head, out):  # type: ignore[no-untyped-def]
    """Find each column's largest candidate, `best`, and the first row that holds it, `head`.

    `best` comes as `threshold` and `head` as -1, and that is how columns without candidates stay.
    Rows that reach some column's best as known so far, a superset of those that can share it in the
    end, become PENDING in `out`. They alone can hold a new best, and they are few; so what usually
    happens is the test of a block of whole rows against as many copies of `best`, since single
    rows may be too short for vectors.

    Returns whether all of `x` is finite, which costs nothing here; a check beforehand reads the
    matrix twice more.
    """
    count, columns = x.shape
    height = max(1, BLOCK // columns)
    size = height * columns
    tiled = np.full(size, threshold, x.dtype)
    flat, flat_shifted = x.reshape(-1), shifted.reshape(-1)
    finite, zero = True, x.dtype.type(0)
    for first in range(0, count, height):
        start = first * columns
        values, sums = flat[start : start + size], flat_shifted[start : start + size]
        hit = False
        for i in range(len(values)):
            value = values[i] * sign
            finite &= value - value == zero
            hit |= (value > threshold) & (sums[i] * sign + eps >= tiled[i])
        if not hit:
            continue
        for r in range(first, min(first + height, count)):
            if not _reaches(x[r], shifted[r], sign, threshold, eps, best):
                continue
            out[r] = PENDING
            for c in range(columns):
                value = x[r, c] * sign
                if value > best[c]:
                    best[c] = value
                    head[c] = r
                    for i in range(c, size, columns):
                        tiled[i] = value
    return finite


@jit
def _match_greedily(x, sign, threshold, value, head, out):  # type: ignore[no-untyped-def]
    """Match the largest remaining candidate until none is left.

    `value` and `head` (M,) hold each column's largest remaining candidate and its row, -1 if there
    is none. A column whose row gets taken goes on to its next candidate, from a queue of the best
    few; so a column is read again only when its queue is empty.
    """
    count, columns = x.shape
    rounds = min(count, columns)
    room = min(rounds, max(8, count // columns, int(math.sqrt(rounds))))
    queue = np.empty((columns, room), np.int64)
    at, end = np.zeros(columns, np.int64), np.zeros(columns, np.int64)
    while rounds > 0:
        chosen = -1
        for c in range(columns):
            while head[c] >= 0 and out[head[c]] >= 0:
                if at[c] == end[c]:
                    at[c] = 0
                    end[c] = _best_free(x[:, c], sign, threshold, out, min(room, rounds), queue[c])
                    if end[c] == 0:
                        head[c] = -1
                        break
                head[c] = queue[c, at[c]]
                value[c] = x[head[c], c] * sign
                at[c] += 1
            if head[c] >= 0 and (
                chosen < 0
                or value[c] > value[chosen]
                or (value[c] == value[chosen] and head[c] < head[chosen])
            ):
                chosen = c
        if chosen < 0:
            break
        out[head[chosen]] = chosen
        head[chosen] = -1
        rounds -= 1


@jit
def _best_free(column, sign, threshold, out, room, queue):  # type: ignore[no-untyped-def]
    """Write the rows of the largest candidates of `column` that are not taken to `queue`.

    At most `room` of them, in order, ties by lowest row. Returns how many. They are gathered in a
    heap with the worst of them at its root, where a better one replaces it.
    """
    values = np.empty(room, column.dtype)
    filled = 0
    bar = threshold
    for r in range(len(column)):
        value = column[r] * sign
        if value > bar and out[r] < 0:
            if filled < room:
                values[filled], queue[filled] = value, r
                filled += 1
                if filled == room:
                    _make_heap(values, queue, room)
                    bar = values[0]
            else:
                sink(values, queue, 0, room, value, r)
                bar = values[0]  # rows only go up: a later one with this value is worse
    if filled < room:
        _make_heap(values, queue, filled)
    for end in range(filled - 1, 0, -1):
        value, row = values[end], queue[end]
        values[end], queue[end] = values[0], queue[0]
        sink(values, queue, 0, end, value, row)
    return filled


@jit
def _make_heap(values, rows, size):  # type: ignore[no-untyped-def]
    for place in range(size // 2 - 1, -1, -1):
        sink(values, rows, place, size, values[place], rows[place])


@jit
def sink(values, rows, place, size, value, row):  # type: ignore[no-untyped-def]
    """Put an entry into a heap: at `place`, or below it while a worse one is there."""
    while 2 * place + 1 < size:
        child = 2 * place + 1
        if child + 1 < size and _is_worse(
            values[child + 1], rows[child + 1], values[child], rows[child]
        ):
            child += 1
        if not _is_worse(values[child], rows[child], value, row):
            break
        values[place], rows[place] = values[child], rows[child]
        place = child
    values[place], rows[place] = value, row


@jit
def _is_worse(value, row, other_value, other_row):  # type: ignore[no-untyped-def]
    return value < other_value or (value == other_value and row > other_row)


@jit
def _share_best(x, shifted, sign, threshold, eps, share_max, best, out):  # type: ignore[no-untyped-def]
    """Settle the rows that are PENDING in `out`: matched to their argmax, or UNMATCHED."""
    for r in range(x.shape[0]):
        if out[r] == PENDING:
            out[r] = UNMATCHED
            if _reaches(x[r], shifted[r], sign, threshold, eps, best):
                own = _argmax(x[r], sign)
                if share_max or shifted[r, own] * sign + eps >= best[own]:
                    out[r] = own


@jit
def _argmax(row, sign):  # type: ignore[no-untyped-def]
    own, top = 0, row[0] * sign
    for c in range(1, len(row)):
        value = row[c] * sign
        if value > top:
            own, top = c, value
    return own


def sign_of(matcher: Matcher) -> int:
    """Return 1 for a matcher that looks for the largest, -1 for the smallest."""
    return -1 if type(matcher) is BipartiteMatcher and matcher.is_ascend else 1
