"""The matcher of DETR: a one-to-one matching whose total cost is least."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from refkernels.arrays import Array, as_real, check_finite
from refkernels.jit import jit
from refkernels.matcher.base import UNMATCHED, Matcher, as_matrices
from refkernels.matcher.selection import all_finite

__all__ = ["HungarianMatcher"]

# Costs beyond this are divided by 2 ** 24, so that no sum of a few of them overflows.
HUGE = 2.0**1000
SMALLER = 2.0**-24

# A block of so many rows and columns is transposed at a time.
TILE = 16

# So many columns are looked through at a time.
STRETCH = 64

# How often, for each row, columns are bid for before paths are searched.
BIDS = 4


@dataclass(frozen=True)
class HungarianMatcher(Matcher):
    """Match anchors and ground truths one to one, at the least total cost there is.

    As many pairs are matched as there can be, ``min(N, M)``: every ground truth is matched if there
    are no more of them than anchors. Where several matchings have the least total, it is one of
    them.

    Raises
    ------
    TypeError
        If the input has the wrong type or dtype.
    ValueError
        If `cost` has fewer than two axes, or holds nan or infinity.

    Notes
    -----
    Computed in double precision, whatever the dtype of the costs: by bids for the cheapest column,
    then by shortest augmenting paths. The total is the least but for rounding, and exactly the
    least where costs are whole multiples of a unit that double precision counts so many of. The
    time is that of O(min(N, M) ** 2 * max(N, M)) at worst.

    Every pair is matched whatever it costs, so what pads a batch has to be left out, or to cost
    more than all else.

    References
    ----------
    SPEC section 6; Kuhn, "The Hungarian method for the assignment problem", 1955; Jonker and
    Volgenant, "A shortest augmenting path algorithm for dense and sparse linear assignment
    problems", 1987; Carion et al., "End-to-end object detection with transformers", 2020, section
    3.1.

    Examples
    --------
    >>> import numpy as np
    >>> cost = np.array([[4.0, 1.0], [2.0, 0.0], [5.0, 2.0]])

    The total is 1 + 2. With the cheapest pair of all it would be 0 + 4.

    >>> HungarianMatcher()(cost)
    array([ 1,  0, -1])
    >>> HungarianMatcher()(cost.T)
    array([1, 0])
    """

    def __call__(self, cost: npt.ArrayLike) -> Array:
        """Match the rows of `cost`.

        Parameters
        ----------
        cost : array_like, real, (..., N, M)
            What it costs to match each anchor with each ground truth; may be negative.

        Returns
        -------
        numpy.ndarray of int64, (..., N)
            The matched column in [0, M), or -1.
        """
        costs = as_real("cost", cost, min_ndim=2, finite=False)
        matrices = as_matrices(costs)
        out = np.full(matrices.shape[:-1], UNMATCHED, np.int64)
        if not _hungarian(matrices, out):
            check_finite("cost", costs)
        return out.reshape(costs.shape[:-1])


@jit
def _hungarian(cost, out):  # type: ignore[no-untyped-def]
    """Fill `out` (B, N), which comes as UNMATCHED, with the matches of `cost` (B, N, M).

    Returns whether all of `cost` is finite; if not, `out` is of no use.
    """
    if cost.size == 0:
        return True
    count, columns = cost.shape[1:]
    few, many = min(count, columns), max(count, columns)
    own = np.empty((few, many), np.float64)
    column_of, row_of = np.empty(few, np.int64), np.empty(many, np.int64)
    for image in range(cost.shape[0]):
        if not all_finite(cost[image]):
            return False
        if columns < count:
            _transpose(cost[image], own)
        else:
            own[:] = cost[image]
        _shrink(own)
        _solve(own, column_of, row_of)
        out[image] = row_of if columns < count else column_of
    return True


@jit
def _transpose(x, out):  # type: ignore[no-untyped-def]
    count, columns = x.shape
    for top in range(0, count, TILE):
        for left in range(0, columns, TILE):
            for c in range(left, min(left + TILE, columns)):
                for r in range(top, min(top + TILE, count)):
                    out[c, r] = x[r, c]


@jit
def _shrink(cost):  # type: ignore[no-untyped-def]
    """Divide huge costs, all of a matrix, by a power of two."""
    largest = 0.0
    flat = cost.reshape(-1)
    for i in range(len(flat)):
        largest = abs(flat[i]) if abs(flat[i]) > largest else largest
    if largest > HUGE:
        cost *= SMALLER


# In the kernels below rows are the fewer. With a price for each column, which is 0 for those that
# are free and never above, each matched row has the column whose cost less its price is least: a
# matching that has this property is the cheapest of all of its rows, and every step keeps it.


@jit
def _solve(cost, column_of, row_of):  # type: ignore[no-untyped-def]
    """Match all rows of `cost` (n, m), n <= m; `row_of` is UNMATCHED for columns that are left."""
    rows, columns = cost.shape
    column_of[:] = UNMATCHED
    row_of[:] = UNMATCHED
    price = np.zeros(columns, np.float64)
    left = np.empty(rows, np.int64)
    count = _bid(cost, price, column_of, row_of, left)
    if count == 0:
        return
    lengths = np.empty((2, columns), np.float64)
    before = np.empty((2, columns), np.int64)
    hidden = np.empty(columns, np.float64)
    reached, reached_at = np.empty(rows, np.int64), np.empty(rows, np.float64)
    for k in range(count):
        end, before_it = _search(
            cost, left[k], price, column_of, row_of, lengths, before, hidden, reached, reached_at
        )
        _turn_over(left[k], end, before_it, column_of, row_of)


@jit
def _bid(cost, price, column_of, row_of, left):  # type: ignore[no-untyped-def]
    """Let rows bid for columns: each takes its best one, and outbids whoever has it.

    A bid lowers the column's price to where the row's second best is as good, so the row that loses
    it bids in turn. Rows that cannot outbid another are written to `left`; returns how many.
    """
    count, bids = 0, BIDS * len(cost)
    for first in range(len(cost)):
        row = first
        while row >= 0:
            least, best, second, other = _best_two(cost[row], price)
            if least == second and row_of[best] >= 0 and row_of[other] < 0:
                best = other
            holder = row_of[best]
            if holder >= 0:
                lower = price[best] - (second - least)
                # Where prices hardly move, bids may go on for long.
                if bids == 0 or not lower < price[best]:
                    left[count] = row
                    count += 1
                    break
                price[best] = lower
                column_of[holder] = UNMATCHED
                bids -= 1
            column_of[row], row_of[best] = best, row
            row = holder
    return count


@jit
def _best_two(cost, price):  # type: ignore[no-untyped-def]
    """Return the least cost less its price, and its column; and the same of the second least."""
    least, second = np.inf, np.inf
    best, other = 0, 0
    for c in range(len(cost)):
        own = cost[c] - price[c]
        if own < second:
            if own < least:
                second, other = least, best
                least, best = own, c
            else:
                second, other = own, c
    return least, best, second, other


@jit
def _search(  # type: ignore[no-untyped-def]
    cost, start, price, column_of, row_of, lengths, before, hidden, reached, reached_at
):
    """Search for the shortest path from a row that is left to a free column (Dijkstra).

    A path goes from a row to a column, and on to the row that has it. Prices are lowered such that
    all pairs along the path are best ones. Returns the column at the path's end, and for each
    column the row before it.
    """
    columns = cost.shape[1]
    now = 0
    least = _least(cost[start], price)
    for c in range(columns):
        lengths[now, c] = (cost[start, c] - price[c]) - least
        before[now, c] = start
        hidden[c] = price[c]
    count = 0
    column = _nearest(lengths[now], row_of)
    while row_of[column] >= 0:
        length, row = lengths[now, column], row_of[column]
        reached[count], reached_at[count] = column, length
        count += 1
        # Costs less this price are infinite, so no path leads there again.
        hidden[column], lengths[now, column] = -np.inf, np.inf
        least = cost[row, column] - price[column]
        then = 1 - now
        _go_on(
            cost[row], hidden, least, length, row,
            lengths[now], before[now], lengths[then], before[then],
        )  # fmt: skip
        now = then
        column = _nearest(lengths[now], row_of)
    for k in range(count):
        price[reached[k]] -= lengths[now, column] - reached_at[k]
    return column, before[now]


@jit
def _least(cost, price):  # type: ignore[no-untyped-def]
    least = np.inf
    for c in range(len(cost)):
        reduced = cost[c] - price[c]
        least = reduced if reduced < least else least
    return least


@jit
def _go_on(cost, price, least, length, row, lengths, before, shorter, shorter_before):  # type: ignore[no-untyped-def]
    """Write where paths that go on from a row are shorter; in place it does not vectorise."""
    for c in range(len(cost)):
        more = (cost[c] - price[c]) - least
        own = length + (more if more > 0 else 0.0)
        is_shorter = own < lengths[c]
        shorter[c] = own if is_shorter else lengths[c]
        shorter_before[c] = row if is_shorter else before[c]


@jit
def _nearest(lengths, row_of):  # type: ignore[no-untyped-def]
    """Return the first column at the least length, of several a free one if there is any.

    Lengths are not negative, so that their bits are in their order; and minima of whole numbers
    vectorise.
    """
    bits = lengths.view(np.int64)
    least = bits[0]
    for c in range(len(bits)):
        least = min(least, bits[c])
    nearest = -1
    for first in range(0, len(bits), STRETCH):
        stretch = bits[first : first + STRETCH]
        hit = False
        for k in range(len(stretch)):
            hit |= stretch[k] == least
        if not hit:
            continue
        for k in range(len(stretch)):
            if stretch[k] == least:
                if row_of[first + k] < 0:
                    return first + k
                if nearest < 0:
                    nearest = first + k
    return nearest


@jit
def _turn_over(start, end, before, column_of, row_of):  # type: ignore[no-untyped-def]
    """Match each column on the path with the row before it."""
    column = end
    while True:
        row = before[column]
        row_of[column] = row
        column, column_of[row] = column_of[row], column
        if row == start:
            break
