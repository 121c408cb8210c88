"""Anchors sorted into tiles: neighbours of like shape, with bounds on what they can overlap.

A tile holds up to `TILE` anchors as a structure of arrays, so that their IoUs with a box are
computed in one vector loop; a block holds up to 16 tiles. The bounds of either give an upper bound
of the IoU of all its anchors with a box, so most tiles are never looked at.
"""

from typing import NamedTuple

import numpy as np

from refkernels.arrays import Array
from refkernels.jit import jit

__all__ = [
    "BLOCK",
    "TILE",
    "UP",
    "Tiles",
    "box_at",
    "build_tiles",
    "coverage_bound",
    "iou_bounds",
    "reaches",
    "tile_ious",
]

TILE = 64
BLOCK_SIDE = 4  # tiles along each side of a block
BLOCK = BLOCK_SIDE**2  # tiles of a block at most

# A bound is rounded, and so is what it bounds: each by less than 20 units of roundoff, which in
# float32 is 1.2e-6. So a bound times UP is one of the computed IoU too, but for underflow, which
# `smallest_area` keeps out.
UP = 1.00001

# A normal number of float32 and float64.
TINY = 2.0**-126


class Tiles(NamedTuple):
    """The index of a set of anchors; a tuple, since kernels take that.

    Attributes
    ----------
    anchors : numpy.ndarray, (N, 4)
        The anchors in their own order, C-contiguous.
    columns : numpy.ndarray, (T, 5, TILE)
        xmin, ymin, xmax, ymax and area, in the dtype of `anchors`; empty boxes fill the last tile
        of a group. Anchors without extent, which overlap nothing, are in no tile.
    rows : numpy.ndarray, int32, (T, TILE)
        Which anchor each is, ascending within a tile; -1 for those that fill a tile.
    bounds : numpy.ndarray, (8, T)
        Least xmin and ymin, largest xmax and ymax, largest width and height, least and largest
        area.
    blocks : numpy.ndarray, (8, K)
        The same for each block of tiles.
    starts : numpy.ndarray, int64, (K + 1,)
        Block k holds tiles ``starts[k]`` to ``starts[k + 1] - 1``.
    """

    anchors: Array
    columns: Array
    rows: Array
    bounds: Array
    blocks: Array
    starts: Array


@np.errstate(all="ignore")  # anchors so large are left to the composed operators
def build_tiles(anchors: Array) -> Tiles:
    """Sort anchors into tiles.

    Parameters
    ----------
    anchors : numpy.ndarray, float32 or float64, (N, 4)
        Corner boxes, finite.

    Returns
    -------
    Tiles
    """
    anchors = np.array(anchors, order="C")
    sides = anchors[:, 2:] - anchors[:, :2]
    areas = sides[:, 0] * sides[:, 1]
    rows = np.flatnonzero((sides[:, 0] > 0) & (sides[:, 1] > 0))
    group = _groups(sides[rows])
    centres = (anchors[rows, :2].astype(np.float64) + anchors[rows, 2:]) / 2

    # Sort-tile-recurse (Leutenegger, Lopez and Edgington 1997): strips along y, tiles along x.
    sizes = np.bincount(group)
    strip_size = TILE * np.ceil(np.sqrt(np.ceil(sizes / TILE))).astype(np.int64)
    order = _order(group, centres[:, 1], centres[:, 0])
    strip = np.empty(len(rows), np.int32)
    strip[order] = _rank(group[order]) // strip_size[group[order]]
    order = _order(group, strip, centres[:, 0], centres[:, 1])
    place = np.empty(len(rows), np.int32)
    place[order] = _rank(_label(group[order], strip[order])) // TILE

    # Tiles in the order of their blocks; within a tile by anchor, so that the first is the lowest.
    block = _label(group, strip // BLOCK_SIDE, place // BLOCK_SIDE)
    tile = _label(block, strip, place)
    order = _order(tile)  # in which `rows` stay ascending
    count = int(tile.max()) + 1 if len(tile) else 0
    slots = np.full((count, TILE), -1, np.int32)
    slots[tile[order], _rank(tile[order])] = rows[order]
    filled = slots >= 0

    columns = np.zeros((count, 5, TILE), anchors.dtype)
    columns[:, :4] = np.where(filled[:, :, None], anchors[slots], 0).transpose(0, 2, 1)
    # The area of an empty box is 1, so that its IoU is 0 and not 0 / 0.
    area = np.where(filled, areas[slots], 1)
    columns[:, 4] = area

    def extreme(function: np.ufunc, values: Array, beyond: float) -> Array:
        """Return the least or the largest value of each tile, of the places that hold an anchor."""
        result: Array = function.reduce(np.where(filled, values, beyond), axis=1)
        return result

    bounds = np.stack(
        [
            extreme(np.minimum, columns[:, 0], np.inf),
            extreme(np.minimum, columns[:, 1], np.inf),
            extreme(np.maximum, columns[:, 2], -np.inf),
            extreme(np.maximum, columns[:, 3], -np.inf),
            extreme(np.maximum, columns[:, 2] - columns[:, 0], -np.inf),
            extreme(np.maximum, columns[:, 3] - columns[:, 1], -np.inf),
            extreme(np.minimum, area, np.inf),
            extreme(np.maximum, area, -np.inf),
        ]
    ).astype(anchors.dtype)
    first = np.zeros(count, np.int64)
    first[tile] = block
    starts = np.flatnonzero(np.diff(first, prepend=-1, append=-1)) if count else np.zeros(1, int)
    blocks = np.empty((8, len(starts) - 1), anchors.dtype)
    for k, function in enumerate([np.minimum] * 2 + [np.maximum] * 4 + [np.minimum, np.maximum]):
        if count:
            blocks[k] = function.reduceat(bounds[k], starts[:-1])
    return Tiles(anchors, columns, slots, bounds, blocks, starts.astype(np.int64))


def _groups(sides: Array) -> Array:
    """Return a number for the shape of each anchor, as finely as leaves tiles well filled."""
    # The exponent of a float32 and the upper bits of its mantissa are its logarithm, but for a bend
    # between powers of two, and cost a shift.
    with np.errstate(all="ignore"):
        bits = sides.T.astype(np.float32).view(np.int32)
    for fineness in (3, 2, 1, 0):
        shift = 23 - fineness
        group = _label(*((bits + (1 << (shift - 1))) >> shift))
        count = int(group.max()) + 1 if len(group) else 0
        if count <= 64 or 2 * count * TILE <= len(group):
            return group
    return np.zeros(len(sides), np.int32)


def _order(*keys: Array) -> Array:
    """Return the order that sorts by the first key, then by the next; a stable one.

    Keys of integers are none below 0.
    """
    # NumPy sorts 16 bits by radix, several times as quickly.
    narrow = [
        key.astype(np.uint16) if key.dtype.kind == "i" and key.max(initial=0) < 2**16 else key
        for key in keys
    ]
    order: Array = np.lexsort(narrow[::-1])
    return order


def _label(*keys: Array) -> Array:
    """Return the rank of each tuple of `keys` among the distinct ones."""
    order = _order(*keys)
    new = np.zeros(len(order), bool)
    for key in keys:
        ordered = key[order]
        new[1:] |= ordered[1:] != ordered[:-1]
    label = np.empty(len(order), np.int32)
    label[order] = np.cumsum(new, dtype=np.int32)
    return label


def _rank(label: Array) -> Array:
    """Count the earlier entries of the same label, for a sorted sequence of labels."""
    place = np.arange(len(label), dtype=np.int32)
    new = np.ones(len(label), bool)
    new[1:] = label[1:] != label[:-1]
    rank: Array = place - np.maximum.accumulate(np.where(new, place, 0))
    return rank


# In the kernels a box is a tuple: its corners, its area, and its area with the IoU's eps. Arrays
# are indexed and never sliced in inner loops: a slice costs as much as half a tile.


@jit
def box_at(boxes, column):  # type: ignore[no-untyped-def]
    """Return a row of `boxes` (M, 6) as a tuple."""
    return (
        boxes[column, 0],
        boxes[column, 1],
        boxes[column, 2],
        boxes[column, 3],
        boxes[column, 4],
        boxes[column, 5],
    )


@jit
def iou_bounds(bounds, first, last, box, out):  # type: ignore[no-untyped-def]
    """Fill `out` with upper bounds of the IoU of `box` with the anchors of tiles or blocks.

    Those are number `first` to `last` - 1. A bound is 0 only if nothing overlaps, also where the
    quotient underflows.
    """
    zero, tiny = bounds.dtype.type(0), bounds.dtype.type(TINY)
    for i in range(last - first):
        k = np.uint64(first + i)  # one that may be negative keeps the loop from being vectorised
        width = min(min(bounds[2, k], box[2]) - max(bounds[0, k], box[0]), bounds[4, k])
        height = min(min(bounds[3, k], box[3]) - max(bounds[1, k], box[1]), bounds[5, k])
        # An anchor of area A overlaps by no more than `inter`, so inter / (A + box - inter) is
        # largest for the least A that can be overlapped by that much.
        inter = min(min(max(width, zero) * max(height, zero), bounds[7, k]), box[4])
        bound = inter / (max(bounds[6, k], inter) + box[4] - inter)
        out[i] = max(bound, min(inter, tiny))


@jit
def coverage_bound(bounds, k, box):  # type: ignore[no-untyped-def]
    """Return an upper bound of the share of an anchor that `box` covers, in tile or block `k`."""
    zero = bounds.dtype.type(0)
    width = min(min(bounds[2, k], box[2]) - max(bounds[0, k], box[0]), bounds[4, k])
    height = min(min(bounds[3, k], box[3]) - max(bounds[1, k], box[1]), bounds[5, k])
    return max(width, zero) * max(height, zero) / bounds[6, k]


@jit
def tile_ious(columns, tile, box, out):  # type: ignore[no-untyped-def]
    """Fill `out` (TILE,) with IoUs, in the order of operations of `BBoxBatchIOU`."""
    zero = columns.dtype.type(0)
    for i in range(TILE):
        width = max(min(columns[tile, 2, i], box[2]) - max(columns[tile, 0, i], box[0]), zero)
        height = max(min(columns[tile, 3, i], box[3]) - max(columns[tile, 1, i], box[1]), zero)
        inter = width * height
        out[i] = inter / (columns[tile, 4, i] + box[5] - inter)


@jit
def reaches(ious, least):  # type: ignore[no-untyped-def]
    """Return whether some IoU of a tile is at least `least`: branch-free, so vectorised."""
    hits = np.int32(0)
    for i in range(TILE):
        hits |= np.int32(ious[i] >= least)  # a bool would not be
    return hits != 0
