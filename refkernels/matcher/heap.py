"""A heap of the columns of a matrix, by the best that is left in each, for greedy rounds."""

from refkernels.jit import jit

__all__ = ["sink_column"]


@jit
def sink_column(heap, size, i, value, row):  # type: ignore[no-untyped-def]
    """Move the column at `i` of a heap down to its place: to the top comes the largest value.

    Of equal values the one in the smaller row goes first, and in one row the smaller column.

    Parameters
    ----------
    heap : int64, (K,)
        Numbers of columns.
    size : int
        How many of these are in the heap, as the rest are not.
    i : int
    value, row : (M,)
        Of each column its best value, and in which row that is.
    """
    while True:
        first = i
        for child in range(2 * i + 1, min(2 * i + 3, size)):
            a, b = heap[child], heap[first]
            if value[a] > value[b] or (
                value[a] == value[b] and (row[a] < row[b] or (row[a] == row[b] and a < b))
            ):
                first = child
        if first == i:
            return
        heap[i], heap[first] = heap[first], heap[i]
        i = first
