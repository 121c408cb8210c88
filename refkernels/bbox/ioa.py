"""The intersection over the area of one of the boxes."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from refkernels.arrays import (
    Array,
    check_choice,
    check_integer,
    check_number,
    keep,
    rounded_to_computing,
)
from refkernels.bbox.base import FORMATS
from refkernels.bbox.measured import SAFE_AREAS, corners, measured, measured_block, overlap
from refkernels.bbox.pairs import BLOCK, Pairs, exponent, gather, powers_of_two, spread
from refkernels.jit import jit, lanes_of

__all__ = ["BBoxBatchIOA"]

# Coordinates of a box whose area overflows or underflows, and the offset, come just below the first
# power of two, by none above the second: a side with the offset is at most four times as much.
POWERS = {
    info.dtype: (int(info.maxexp) // 2 - 4, int(info.maxexp) - 1)
    for info in (np.finfo(np.float32), np.finfo(np.float64))
}


@dataclass(frozen=True)
class BBoxBatchIOA:
    """Compute how much of every box of one set is covered by every box of another.

    The intersection over the area of `a`: sides ``r - l + offset`` and ``b - t + offset``, clamped
    below at 0, over ``(xmax - xmin + offset) * (ymax - ymin + offset)``; exactly 0 where the
    intersection is 0. No result leaves [0, 1]. An empty or inverted box covers nothing, and is
    covered by none.

    Parameters
    ----------
    axis : int, default -1
        The axis of length 4 that holds a box.
    fmt : {'corner', 'center'}, default 'corner'
        The form of the boxes.
    offset : float, default 0
        What is added to a width or a height: 1 where coordinates count pixels. With an offset, a
        box is empty when its width or height *with* the offset is not positive.

    Raises
    ------
    TypeError
        If a parameter or an input has the wrong type or dtype.
    ValueError
        If `fmt` is unknown, `axis` is out of range or not of length 4, the shapes do not go
        together, an input holds nan or infinity, or `out` does not fit.

    Notes
    -----
    Where the area of a box of `a` overflows the computing dtype, or underflows, it is computed with
    x and y scaled by a power of two each, which changes no quotient; so every finite input has a
    result. The powers depend on that box alone.

    References
    ----------
    SPEC section 6; the "iscrowd" overlap of Lin et al., "Microsoft COCO", 2014.

    Examples
    --------
    >>> import numpy as np
    >>> anchors = np.array([[0.0, 0.0, 2.0, 2.0], [1.0, 1.0, 3.0, 3.0]])
    >>> crowd = np.array([[0.0, 0.0, 2.0, 4.0]])
    >>> BBoxBatchIOA()(anchors, crowd)
    array([[1. ],
           [0.5]])
    """

    axis: int = -1
    fmt: str = "corner"
    offset: float = 0

    def __post_init__(self) -> None:
        keep(
            self,
            axis=check_integer("axis", self.axis),
            fmt=check_choice("fmt", self.fmt, FORMATS),
            offset=check_number("offset", self.offset),
        )

    def __call__(self, a: npt.ArrayLike, b: npt.ArrayLike, *, out: Array | None = None) -> Array:
        """Compute the share of every box of `a` that every box of `b` covers.

        Parameters
        ----------
        a : array_like, real, (B, N, 4) or (N, 4)
            Boxes; with ``axis=1`` of shape (B, 4, N), and so on.
        b : array_like, real, (B, M, 4) or (M, 4)
            Boxes. A batch of 1, on either side, goes with any batch.
        out : numpy.ndarray, optional
            A C-contiguous array of the shape and dtype of the result, which is written to it and
            returned. It has no memory in common with `a` or `b`.

        Returns
        -------
        numpy.ndarray, (B, N, M), or (N, M) if both come without a batch
            Shares in [0, 1], in the common dtype of `a` and `b`.
        """
        pairs = Pairs.of(a, b, self.axis)
        offset = rounded_to_computing(self.offset, pairs.dtype)
        if not math.isfinite(offset):
            raise ValueError(f"offset: {self.offset} does not fit {offset.dtype}")
        rows, columns, shares = pairs.prepared(out)
        given = rows, columns, self.fmt == "corner", offset, *SAFE_AREAS[shares.dtype]
        if not _batch_ioa(*given, shares) or not shares.size:
            pairs.check_finite()
            _scaled_batch_ioa(*given, *POWERS[shares.dtype], shares)
        return pairs.finished(shares, out)


@jit
def _share(width, height, area):  # type: ignore[no-untyped-def]
    zero = area - area
    return max(width, zero) * max(height, zero) / area


@jit
def _ioa(a, b, corner, offset, tiny, huge, out):  # type: ignore[no-untyped-def]
    """Fill `out` (N, M) for `a` (N, 4) and `b` (M, 4); return whether all results are sure.

    Vectors run along the set that has more boxes.
    """
    count_a, count_b = a.shape[0], b.shape[0]
    if count_a == 0 or count_b == 0:
        return True
    given = corner, out.dtype.type(0.5), offset, offset, out.dtype.type(0), tiny, huge
    along_b = count_b > count_a
    lanes, others = (b, a) if along_b else (a, b)
    all_sure = True
    boxes = np.empty((others.shape[0], 5), out.dtype)
    for j in range(others.shape[0]):
        left, top, right, bottom, area, sure = measured(
            others[j, 0], others[j, 1], others[j, 2], others[j, 3], *given
        )
        boxes[j, 0], boxes[j, 1], boxes[j, 2], boxes[j, 3] = left, top, right, bottom
        boxes[j, 4] = area
        all_sure &= sure if along_b else _is_finite((left, top, right, bottom))
    flat_lanes, flat = lanes.reshape(-1), out.reshape(-1)
    block = np.empty(8 * BLOCK, out.dtype)
    columns = 1 if along_b else count_b + lanes_of(out)
    tile = np.zeros(columns * BLOCK, out.dtype)
    for first in range(0, lanes.shape[0], BLOCK):
        rows = min(BLOCK, lanes.shape[0] - first)
        gather(flat_lanes, first, block)
        sure = measured_block(block, given)
        if along_b:
            sure = True
            for i in range(BLOCK):
                sure &= _is_finite(corners(block, i))
        all_sure &= sure
        for j in range(others.shape[0]):
            box, own = (boxes[j, 0], boxes[j, 1], boxes[j, 2], boxes[j, 3]), boxes[j, 4]
            if not along_b:
                one = tile[j * BLOCK : (j + 1) * BLOCK]
                for i in range(BLOCK):
                    width, height = overlap(corners(block, i), box)
                    one[i] = _share(width + offset, height + offset, block[4 * BLOCK + i])
                continue
            one = tile[:BLOCK]
            if rows == BLOCK:
                one = flat[j * count_b + first : j * count_b + first + BLOCK]
            for i in range(BLOCK):
                width, height = overlap(box, corners(block, i))
                one[i] = _share(width + offset, height + offset, own)
            for i in range(rows if rows < BLOCK else 0):
                out[j, first + i] = one[i]
        if not along_b:
            spread(tile, rows, first, count_b, flat)
    return all_sure


@jit
def _is_finite(box):  # type: ignore[no-untyped-def]
    x, y = (box[0] - box[0]) + (box[2] - box[2]), (box[1] - box[1]) + (box[3] - box[3])
    return x + y == x - x  # where a coordinate is not, both sides are nan


@jit
def _batch_ioa(a, b, corner, offset, tiny, huge, out):  # type: ignore[no-untyped-def]
    """Fill `out` (B, N, M) for `a` (B or 1, N, 4) and `b` (B or 1, M, 4).

    Returns whether all results are sure to be right.
    """
    all_sure = True
    for image in range(out.shape[0]):
        one = a[min(image, a.shape[0] - 1)]
        other = b[min(image, b.shape[0] - 1)]
        all_sure &= _ioa(one, other, corner, offset, tiny, huge, out[image])
    return all_sure


@jit
def _ends(first, second, corner, power, half):  # type: ignore[no-untyped-def]
    """Return the ends of a box along one axis, multiplied by a power of two."""
    if corner:
        return first * power, second * power
    half_side = second * half
    low, high = first * power - half_side * power, first * power + half_side * power
    # Both are infinite, with a power above 1, so that the ends themselves lose no digits.
    if math.isnan(low):
        low = (first - half_side) * power
    if math.isnan(high):
        high = (first + half_side) * power
    return low, high


@jit
def _scaled_batch_ioa(  # type: ignore[no-untyped-def]
    a, b, corner, offset, tiny, huge, goal, largest, out
):
    """Compute those rows of `out` (B, N, M) again that are not sure to be right.

    Each with the powers of two that its own box needs; what overflows of others is beyond that box.
    """
    zero, half = out.dtype.type(0), out.dtype.type(0.5)
    powers = powers_of_two(largest, out)
    given = corner, half, offset, offset, zero, tiny, huge
    for image in range(out.shape[0]):
        others = b[min(image, b.shape[0] - 1)]
        for i in range(out.shape[1]):
            box = a[min(image, a.shape[0] - 1), i]
            if measured(box[0], box[1], box[2], box[3], *given)[5]:
                continue
            shift_x = min(goal - exponent(box[0], box[2], offset), largest)
            shift_y = min(goal - exponent(box[1], box[3], offset), largest)
            power_x, power_y = powers[shift_x + largest], powers[shift_y + largest]
            offset_x, offset_y = offset * power_x, offset * power_y
            left, top, right, bottom, area, _ = measured(
                box[0] * power_x,
                box[1] * power_y,
                box[2] * power_x,
                box[3] * power_y,
                corner,
                half,
                offset_x,
                offset_y,
                zero,
                zero,
                zero,
            )
            for j in range(others.shape[0]):
                low_x, high_x = _ends(others[j, 0], others[j, 2], corner, power_x, half)
                low_y, high_y = _ends(others[j, 1], others[j, 3], corner, power_y, half)
                width, height = overlap((left, top, right, bottom), (low_x, low_y, high_x, high_y))
                out[image, i, j] = _share(width + offset_x, height + offset_y, area)
