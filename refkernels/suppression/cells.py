"""Boxes in a grid of cells: what stays is compared with the boxes near it, and with no others."""

import math

import numpy as np

from refkernels.jit import jit

__all__ = ["measured", "reach", "suppress_near"]

# Boxes lie in a grid of cells by their centres: so many rows of it, for n boxes, as sqrt(n) over
# this, and so many columns to a row. Fewer rows leave more boxes to look at, more of them make
# stretches too short for the vector units; a stretch is cut to columns, which cost nothing.
PER_ROW, COLUMNS = 6.0, 4

# Centres closer together than this are not told apart by cells, of which there would be more to a
# unit of length than a float64 holds.
NEAREST = 1e-150


def reach(threshold: float) -> float:
    """Return how far apart centres may be for an IoU over the threshold, in sides of either box.

    The IoU of two boxes is at most that of their sides a and b along an axis. For this to be over t
    with centres d apart, where (a + b) / 2 - d or less of the sides is shared, d has to be below
    (a + b) (1 - t) / (2 (1 + t)); and b below a / t: so d is below (1 - t) a / (2 t).

    IoUs as computed are over t from a little below on: 17 roundings, and more where the overlap is
    subnormal, at most 2**-24 / t in float32. Far less than a share of 2**-9 if t is no less itself;
    below, overlap alone bounds the distance.
    """
    if threshold < 2.0**-9:
        return math.inf
    least = threshold * (1 - 2.0**-9)
    return (1 - least) / (2 * least)


@jit
def measured(box):  # type: ignore[no-untyped-def]
    """Return the area of a box, and whether it has extent."""
    return (box[2] - box[0]) * (box[3] - box[1]), box[2] > box[0] and box[3] > box[1]


@jit
def _axis_of_grid(boxes, ranked, low, cells):  # type: ignore[no-untyped-def]
    """Return what finds the cells of centres along an axis, whose coordinates are `low` and + 2.

    That is the centres (n,) in order of rank, the least of them, how many cells there are to a unit
    of length, the longest side, and a margin for the rounding of distances.
    """
    centres = np.empty(ranked.size)
    longest, largest = np.float64(0), np.float64(0)
    for k in range(ranked.size):
        box = boxes[ranked[k]]
        first, second = np.float64(box[low]), np.float64(box[low + 2])
        centres[k] = 0.5 * first + 0.5 * second
        longest = max(longest, second - first)
        largest = max(largest, abs(first), abs(second))
    least = centres.min()
    span = centres.max() - least
    # Where the span is no number, there is one cell.
    scale = cells / span if span > NEAREST else 0.0
    # Centres, sides, and sums of the two are rounded: in all by less than 32 units.
    return centres, least, scale, longest, largest * 2.0**-48


@jit
def _cell(centre, least, scale, cells):  # type: ignore[no-untyped-def]
    """Return the cell of a centre, which does not fall as that grows; the last ones go on."""
    if scale == 0:
        return 0
    return int(min(max((centre - least) * scale, 0.0), cells - 1.0))


@jit
def suppress_near(boxes, ranked, threshold, within, stays):  # type: ignore[no-untyped-def]
    """Set `stays` to False for those that are suppressed, of `ranked` (n,) by score.

    No area overflows or underflows; `within` is what `reach` says of the threshold.
    """
    count = ranked.size
    rows = max(1, int(math.sqrt(count) / PER_ROW))
    columns = rows * COLUMNS
    xs, least_x, scale_x, widest, margin_x = _axis_of_grid(boxes, ranked, 0, columns)
    ys, least_y, scale_y, highest, margin_y = _axis_of_grid(boxes, ranked, 1, rows)

    # The places of boxes: cell by cell along the rows, so that a stretch of columns is one of them.
    starts = np.zeros(rows * columns + 1, np.int64)
    places = np.empty(count, np.int64)
    for k in range(count):
        row = _cell(ys[k], least_y, scale_y, rows)
        places[k] = row * columns + _cell(xs[k], least_x, scale_x, columns)
        starts[places[k] + 1] += 1
    for cell in range(rows * columns):
        starts[cell + 1] += starts[cell]
    free = starts[:-1].copy()
    zero, one = boxes.dtype.type(0), boxes.dtype.type(1)
    xmin, ymin = np.empty(count, boxes.dtype), np.empty(count, boxes.dtype)
    xmax, ymax = np.empty(count, boxes.dtype), np.empty(count, boxes.dtype)
    area, gone = np.empty(count, boxes.dtype), np.zeros(count, boxes.dtype)
    for k in range(count):
        cell, box = places[k], boxes[ranked[k]]
        place = places[k] = free[cell]
        free[cell] += 1
        xmin[place], ymin[place], xmax[place], ymax[place] = box[0], box[1], box[2], box[3]
        area[place] = measured(box)[0]

    for k in range(count):
        place = places[k]
        if gone[place] != zero:
            stays[ranked[k]] = False
            continue
        # What stays before this one does not overlap it too much, or it would be gone: so there is
        # no need to tell earlier boxes from later ones.
        left, top, right, bottom = xmin[place], ymin[place], xmax[place], ymax[place]
        own = area[place]
        width, height = np.float64(right) - left, np.float64(bottom) - top
        far_x = min(width * within, 0.5 * (width + widest)) + margin_x
        far_y = min(height * within, 0.5 * (height + highest)) + margin_y
        first_column = _cell(xs[k] - far_x, least_x, scale_x, columns)
        last_column = _cell(xs[k] + far_x, least_x, scale_x, columns)
        first_row = _cell(ys[k] - far_y, least_y, scale_y, rows)
        last_row = _cell(ys[k] + far_y, least_y, scale_y, rows)
        for row in range(first_row, last_row + 1):
            start = starts[row * columns + first_column]
            stop = starts[row * columns + last_column + 1]
            # Slices, over which the loop goes along vectors: see `_iou` in bbox/iou.py.
            lefts, tops, areas = xmin[start:stop], ymin[start:stop], area[start:stop]
            rights, bottoms, flags = xmax[start:stop], ymax[start:stop], gone[start:stop]
            for i in range(stop - start):
                overlap_x = max(min(right, rights[i]) - max(left, lefts[i]), zero)
                overlap_y = max(min(bottom, bottoms[i]) - max(top, tops[i]), zero)
                inter = overlap_x * overlap_y
                flags[i] = one if inter / (own + areas[i] - inter) > threshold else flags[i]
