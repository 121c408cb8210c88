"""Kernels of the overlaps that look at the box around both boxes, too: GIoU, DIoU and CIoU.

A box is measured once: its low and high coordinates, whichever way round they came, its area, 0 for
a box without extent, and for CIoU its angle. What is computed of a pair is the same both ways
round, in every bit, so vectors run along the set that has more boxes.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from refkernels.bbox.pairs import BLOCK, gather, powers_of_two, spread
from refkernels.jit import jit, lanes_of

__all__ = ["CIOU", "DIOU", "GIOU", "RANGES", "batch_overlaps", "scaled_batch_overlaps"]

GIOU, DIOU, CIOU = 0, 1, 2

TWO_OVER_PI = 2 / math.pi

# The exponent of 0, which is below that of any number.
LOWEST = -(2**20)


class Range(NamedTuple):
    """Between what magnitudes coordinates may lie, so that nothing in a formula leaves the dtype.

    Attributes
    ----------
    least, most : numpy.float32 or numpy.float64
        A coordinate other than 0 is at least `least`: then two that differ do so by `least` times
        the spacing of numbers above 1, or more, and the product of two such differences is a normal
        number. It is at most `most`: the largest number there is, the sum of two squares of
        ``4 * most`` or less, is below 2 ** maxexp.
    goal : int
        Coordinates of other pairs come just below 2 ** goal, so that corners of centre boxes are
        below `most`.
    largest : int
        No power is above 2 ** largest, the last one that is a float: with it all that is not 0 is
        at least 2 ** -51.
    """

    least: Any
    most: Any
    goal: int
    largest: int


def _range(info: Any) -> Range:
    least, most = int(info.minexp) // 2 + int(info.nmant), int(info.maxexp) // 2 - 4
    kind = info.dtype.type
    return Range(kind(2.0**least), kind(2.0**most), most - 1, int(info.maxexp) - 1)


RANGES = {info.dtype: _range(info) for info in (np.finfo(np.float32), np.finfo(np.float64))}


@jit
def _inside(x, least, most):  # type: ignore[no-untyped-def]
    return ((abs(x) >= least) & (abs(x) <= most)) | (x == least - least)


@jit
def _measured(left, top, right, bottom, corner, half, least, most):  # type: ignore[no-untyped-def]
    """Return low x and y, high x and y, and the area of a box, and whether its overlaps are sure.

    They are not where a coordinate is so large or small that something could overflow or underflow,
    or is nan. No coordinate is -0, so that no result is.
    """
    zero = half - half
    if not corner:
        half_width, half_height = right * half, bottom * half
        left, right = left - half_width, left + half_width
        top, bottom = top - half_height, top + half_height
    left, top, right, bottom = left + zero, top + zero, right + zero, bottom + zero
    width, height = right - left, bottom - top
    area = width * height if (width > zero) & (height > zero) else zero
    sure = _inside(left, least, most) & _inside(right, least, most)
    sure &= _inside(top, least, most) & _inside(bottom, least, most)
    return min(left, right), min(top, bottom), max(left, right), max(top, bottom), area, sure


@jit
def _angle(left, top, right, bottom, corner):  # type: ignore[no-untyped-def]
    """Return atan2(width, height) of a box as a share of a right angle, its sides clamped at 0.

    In float64, and of sides as they are given; so float32 rounds once.
    """
    width, height = np.float64(right), np.float64(bottom)
    if corner:
        width, height = width - np.float64(left), height - np.float64(top)
        if math.isinf(width) or math.isinf(height):
            width = np.float64(right) * 0.5 - np.float64(left) * 0.5
            height = np.float64(bottom) * 0.5 - np.float64(top) * 0.5
    if not width > 0:
        return 0.0
    return math.atan(width / height) * TWO_OVER_PI if height > 0 else 1.0


@jit
def _measured_block(block, complete, given):  # type: ignore[no-untyped-def]
    """Measure a block of boxes in its place; return whether all are sure."""
    corner = given[0]
    if complete:
        for i in range(BLOCK):
            left, top, right, bottom, _ = _box(block, i)
            block[5 * BLOCK + i] = _angle(left, top, right, bottom, corner)
    all_sure = True
    for i in range(BLOCK):
        left, top, right, bottom, _ = _box(block, i)
        left, top, right, bottom, area, sure = _measured(left, top, right, bottom, *given)
        block[i] = left
        block[BLOCK + i] = top
        block[2 * BLOCK + i] = right
        block[3 * BLOCK + i] = bottom
        block[4 * BLOCK + i] = area
        all_sure &= sure
    return all_sure


@jit
def _box(block, i):  # type: ignore[no-untyped-def]
    """Return the coordinates and the area of box i of a block."""
    low = block[i], block[BLOCK + i]
    return *low, block[2 * BLOCK + i], block[3 * BLOCK + i], block[4 * BLOCK + i]


@jit
def _parts(box, other, tiny):  # type: ignore[no-untyped-def]
    """Return the IoU of two boxes, their union, and the sides of the box around them.

    A union below `tiny` is 0, and so is the intersection then. An intersection is no larger than
    either area, whose sides are subtracted and multiplied as its own: `min` only sees to boxes
    without extent.
    """
    zero = tiny - tiny
    low_x, low_y, high_x, high_y, area = box
    left, top, right, bottom, own = other
    width = max(min(high_x, right) - max(low_x, left), zero)
    height = max(min(high_y, bottom) - max(low_y, top), zero)
    inter = min(width * height, min(area, own))
    union = area + own - inter
    iou = inter / max(union, tiny)
    return iou, union, max(high_x, right) - min(low_x, left), max(high_y, bottom) - min(low_y, top)


@jit
def _generalized(iou, union, width, height, tiny):  # type: ignore[no-untyped-def]
    hull = width * height
    # Rounding may bring the union above the hull, but no result above the IoU.
    return iou - max(hull - union, tiny - tiny) / max(hull, tiny)


@jit
def _apart(box, other):  # type: ignore[no-untyped-def]
    """Return twice how far apart the centres of two boxes are, along x and y.

    That is the sum of how far low and high coordinates are, of which neither is more than the side
    of the box around both, as computed too. So d / c is at most 1, and errs by a few units of
    roundoff however far from the origin the boxes are.
    """
    return (box[0] - other[0]) + (box[2] - other[2]), (box[1] - other[1]) + (box[3] - other[3])


@jit
def _distant(iou, x, y, width, height, tiny, quarter):  # type: ignore[no-untyped-def]
    diagonal = max(width * width + height * height, tiny)
    return iou - (x * x + y * y) * quarter / diagonal


@jit
def _trade_off(iou, angle, own, tiny, one):  # type: ignore[no-untyped-def]
    v = (angle - own) * (angle - own)
    return v / max(one - iou + v, tiny) * v


@jit
def _overlaps(mode, a, b, corner, limits, out):  # type: ignore[no-untyped-def]
    """Fill `out` (N, M) for `a` (N, 4) and `b` (M, 4); return whether all results are sure."""
    least, most, tiny = limits
    count_a, count_b = a.shape[0], b.shape[0]
    if count_a == 0 or count_b == 0:
        return True
    quarter, unit = out.dtype.type(0.25), out.dtype.type(1)
    given = corner, out.dtype.type(0.5), least, most
    along_b = count_b > count_a
    lanes, others = (b, a) if along_b else (a, b)
    boxes = np.empty((others.shape[0], 6), out.dtype)
    all_sure = True
    for j in range(others.shape[0]):
        left, top, right, bottom = others[j, 0], others[j, 1], others[j, 2], others[j, 3]
        boxes[j, 5] = _angle(left, top, right, bottom, corner) if mode == CIOU else 0.0
        left, top, right, bottom, area, sure = _measured(left, top, right, bottom, *given)
        boxes[j, 0], boxes[j, 1], boxes[j, 2], boxes[j, 3] = left, top, right, bottom
        boxes[j, 4] = area
        all_sure &= sure
    flat_lanes, flat = lanes.reshape(-1), out.reshape(-1)
    block = np.empty(8 * BLOCK, out.dtype)
    columns = 1 if along_b else count_b + lanes_of(out)
    tile = np.zeros(columns * BLOCK, out.dtype)
    for first in range(0, lanes.shape[0], BLOCK):
        rows = min(BLOCK, lanes.shape[0] - first)
        gather(flat_lanes, first, block)
        all_sure &= _measured_block(block, mode == CIOU, given)
        for j in range(others.shape[0]):
            box = boxes[j, 0], boxes[j, 1], boxes[j, 2], boxes[j, 3], boxes[j, 4]
            if not along_b:
                one = tile[j * BLOCK : (j + 1) * BLOCK]
            elif rows == BLOCK:
                one = flat[j * count_b + first : j * count_b + first + BLOCK]
            else:
                one = tile[:BLOCK]
            if mode == GIOU:
                for i in range(BLOCK):
                    iou, union, width, height = _parts(_box(block, i), box, tiny)
                    one[i] = _generalized(iou, union, width, height, tiny)
            elif mode == DIOU:
                for i in range(BLOCK):
                    iou, _, width, height = _parts(_box(block, i), box, tiny)
                    x, y = _apart(_box(block, i), box)
                    one[i] = _distant(iou, x, y, width, height, tiny, quarter)
            else:
                for i in range(BLOCK):
                    iou, _, width, height = _parts(_box(block, i), box, tiny)
                    x, y = _apart(_box(block, i), box)
                    diou = _distant(iou, x, y, width, height, tiny, quarter)
                    angle = block[5 * BLOCK + i]
                    one[i] = diou - _trade_off(iou, angle, boxes[j, 5], tiny, unit)
            if along_b and rows < BLOCK:
                for i in range(rows):
                    out[j, first + i] = one[i]
        if not along_b:
            spread(tile, rows, first, count_b, flat)
    return all_sure


@jit
def batch_overlaps(mode, a, b, corner, limits, out):  # type: ignore[no-untyped-def]
    """Fill `out` (B, N, M) for `a` (B or 1, N, 4) and `b` (B or 1, M, 4).

    Parameters
    ----------
    mode : int
        GIOU, DIOU or CIOU.
    corner : bool
        Whether boxes come in the corner form.
    limits : tuple of 3
        The least and the most of `RANGES`, and the smallest normal number.

    Returns
    -------
    bool
        Whether all results are sure to be right.
    """
    all_sure = True
    for image in range(out.shape[0]):
        one = a[min(image, a.shape[0] - 1)]
        other = b[min(image, b.shape[0] - 1)]
        all_sure &= _overlaps(mode, one, other, corner, limits, out[image])
    return all_sure


@jit
def _alike(width, height, x, y, shift_x, shift_y):  # type: ignore[no-untyped-def]
    """Return lengths along x and y, which were shifted by powers of two, by one that suits all."""
    exponent_x = math.frexp(width)[1] - shift_x if width else LOWEST
    exponent_y = math.frexp(height)[1] - shift_y if height else LOWEST
    common = max(exponent_x, exponent_y)
    if common == LOWEST:
        return 0.0, 0.0, 0.0, 0.0
    shift_x, shift_y = int(-shift_x - common), int(-shift_y - common)
    return (
        math.ldexp(np.float64(width), shift_x),
        math.ldexp(np.float64(height), shift_y),
        math.ldexp(np.float64(x), shift_x),
        math.ldexp(np.float64(y), shift_y),
    )


@jit
def _scaled(mode, a, b, corner, limits, shift_x, shift_y, powers):  # type: ignore[no-untyped-def]
    """Return the overlap of two boxes, computed with x and y multiplied by powers of two."""
    least, most, tiny = limits
    half = a.dtype.type(0.5)
    power_x, power_y = (
        powers[shift_x + powers.shape[0] // 2],
        powers[shift_y + powers.shape[0] // 2],
    )
    given = corner, half, least, most
    one = _measured(a[0] * power_x, a[1] * power_y, a[2] * power_x, a[3] * power_y, *given)[:5]
    other = _measured(b[0] * power_x, b[1] * power_y, b[2] * power_x, b[3] * power_y, *given)[:5]
    iou, union, width, height = _parts(one, other, tiny)
    if mode == GIOU:
        return _generalized(iou, union, width, height, tiny)
    x, y = _apart(one, other)
    wide, high, far_x, far_y = _alike(width, height, x, y, shift_x, shift_y)
    width, height = a.dtype.type(wide), a.dtype.type(high)
    x, y = a.dtype.type(far_x), a.dtype.type(far_y)
    diou = _distant(iou, x, y, width, height, tiny, a.dtype.type(0.25))
    if mode == DIOU:
        return diou
    angle = a.dtype.type(_angle(a[0], a[1], a[2], a[3], corner))
    own = a.dtype.type(_angle(b[0], b[1], b[2], b[3], corner))
    return diou - _trade_off(iou, angle, own, tiny, a.dtype.type(1))


@jit
def scaled_batch_overlaps(mode, a, b, corner, limits, goal, largest, out):  # type: ignore[no-untyped-def]
    """Compute those of `out` (B, N, M) again that are not sure to be right.

    Each with the powers of two that its own two boxes need; the other arguments are those of
    `batch_overlaps`, and `goal` and `largest` of `RANGES`.
    """
    powers = powers_of_two(largest, out)
    given = corner, out.dtype.type(0.5), limits[0], limits[1]
    sure_b = np.empty(out.shape[2], np.bool_)
    exponents = np.empty((out.shape[2], 2), np.int64)
    for image in range(out.shape[0]):
        rows = a[min(image, a.shape[0] - 1)]
        others = b[min(image, b.shape[0] - 1)]
        for j in range(others.shape[0]):
            exponents[j, 0] = _exponent(others[j, 0], others[j, 2])
            exponents[j, 1] = _exponent(others[j, 1], others[j, 3])
            sure_b[j] = _is_sure(others[j], given)
        for i in range(rows.shape[0]):
            sure = _is_sure(rows[i], given)
            own_x, own_y = _exponent(rows[i, 0], rows[i, 2]), _exponent(rows[i, 1], rows[i, 3])
            for j in range(others.shape[0]):
                if not (sure and sure_b[j]):
                    shift_x = min(goal - max(own_x, exponents[j, 0]), largest)
                    shift_y = min(goal - max(own_y, exponents[j, 1]), largest)
                    out[image, i, j] = _scaled(
                        mode, rows[i], others[j], corner, limits, shift_x, shift_y, powers
                    )


@jit
def _exponent(low, high):  # type: ignore[no-untyped-def]
    """Return the exponent of the larger magnitude: coordinates of 0 leave it to the other box."""
    largest = max(abs(low), abs(high))
    return math.frexp(largest)[1] if largest else LOWEST


@jit
def _is_sure(box, given):  # type: ignore[no-untyped-def]
    return _measured(box[0], box[1], box[2], box[3], *given)[5]
