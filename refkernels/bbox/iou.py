"""The intersection over union of boxes."""

import math
from dataclasses import dataclass
from typing import NamedTuple

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

__all__ = ["BBoxBatchIOU"]

# A row of up to so many bytes is narrow: vectors that run along it are too few, and too empty.
NARROW_BYTES = 160


class Target(NamedTuple):
    """Where the numbers of a pair are brought to by powers of two.

    Attributes
    ----------
    goal : int
        Coordinates and the offset come just below 2 ** goal. A corner is at most 1.5 x, a side with
        the offset at most 4 x, so two areas are at most 2 (4 x)^2, and with eps they have a finite
        sum. What underflows next to that is so far below a side of the other box that the IoU
        underflows as well.
    highest : int
        The eps comes below 2 ** highest.
    largest : int
        No power is above 2 ** largest, the last one that is a float: with it all that is not 0 is
        at least 2 ** -51.
    """

    goal: int
    highest: int
    largest: int


TARGETS = {
    info.dtype: Target(int(info.maxexp) // 2 - 4, int(info.maxexp) - 3, int(info.maxexp) - 1)
    for info in (np.finfo(np.float32), np.finfo(np.float64))
}


@dataclass(frozen=True)
class BBoxBatchIOU:
    """Compute the intersection over union of every box of one set with every box of another.

    The overlap's sides are ``r - l + offset`` and ``b - t + offset``, clamped below at 0; areas
    are ``(xmax - xmin + offset) * (ymax - ymin + offset)``; the result is
    ``inter / (area_a + area_b - inter + eps)``, and exactly 0 where the intersection is 0. No
    result leaves [0, 1]. An empty or inverted box, such as a row of -1 that pads a batch, has IoU
    0 with everything.

    Parameters
    ----------
    axis : int, default -1
        The axis of length 4 that holds a box.
    fmt : {'corner', 'center'}, default 'corner'
        The form of the boxes.
    offset : float, default 0
        What is added to a width or a height: 1 where coordinates count pixels. With an offset, a
        box is empty when its width or height *with* the offset is not positive.
    eps : float, default 1e-15
        What is added to the union. Not negative.

    Raises
    ------
    TypeError
        If a parameter or an input has the wrong type or dtype.
    ValueError
        If `fmt` is unknown, `axis` is out of range or not of length 4, the shapes do not go
        together, or an input holds nan or infinity.

    Notes
    -----
    Where the area of a box overflows the computing dtype, or underflows, the IoUs of that box are
    computed with x and y scaled by a power of two each, which changes no quotient; so every finite
    input has a result. The powers depend on the pair's two boxes alone, and so does the IoU: what
    else is in a batch, or in an image, makes no difference to it.

    References
    ----------
    SPEC section 1; Everingham et al., "The PASCAL Visual Object Classes Challenge", 2010, eq. 4.

    Examples
    --------
    >>> import numpy as np
    >>> anchors = np.array([[0.0, 0.0, 2.0, 2.0], [1.0, 1.0, 3.0, 3.0]])
    >>> truths = np.array([[0.0, 0.0, 2.0, 4.0]])
    >>> BBoxBatchIOU()(anchors, truths)
    array([[0.5],
           [0.2]])
    """

    axis: int = -1
    fmt: str = "corner"
    offset: float = 0
    eps: float = 1e-15

    def __post_init__(self) -> None:
        keep(
            self,
            axis=check_integer("axis", self.axis),
            fmt=check_choice("fmt", self.fmt, FORMATS),
            offset=check_number("offset", self.offset),
            eps=check_number("eps", self.eps, low=0),
        )

    def __call__(self, a: npt.ArrayLike, b: npt.ArrayLike, *, out: Array | None = None) -> Array:
        """Compute the IoU of every pair.

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
            IoUs in [0, 1], in the common dtype of `a` and `b`.
        """
        pairs = Pairs.of(a, b, self.axis)
        offset, eps = (
            rounded_to_computing(value, pairs.dtype) for value in (self.offset, self.eps)
        )
        for name, value in (("offset", offset), ("eps", eps)):
            if not math.isfinite(value):
                raise ValueError(f"{name}: {getattr(self, name)} does not fit {value.dtype}")
        rows, columns, ious = pairs.prepared(out)
        given = rows, columns, self.fmt == "corner", offset, eps, *SAFE_AREAS[ious.dtype]
        if not _batch_iou(*given, ious) or not ious.size:
            pairs.check_finite()
            _scaled_batch_iou(*given, *TARGETS[ious.dtype], ious)
        return pairs.finished(ious, out)


@jit
def _quotient(width, height, own, area):  # type: ignore[no-untyped-def]
    """Return the IoU for the sides of the overlap and the areas of both boxes, one with the eps."""
    zero = own - own
    inter = max(width, zero) * max(height, zero)
    return inter / (own + area - inter)


@jit
def _iou(a, b, corner, offset, eps, tiny, huge, out):  # type: ignore[no-untyped-def]
    """Fill `out` (N, M) with the IoUs of `a` (N, 4) and `b` (M, 4); return whether all are sure.

    Vectors run along `a` if rows are narrow. Else the inner loop runs over the columns of `b`,
    padded to whole vectors so that it needs no scalar remainder. What it writes past the end of a
    row is the start of the next row, which is computed after; only the last rows must stop at M.
    """
    count_a, count_b = a.shape[0], b.shape[0]
    if count_a == 0 or count_b == 0:
        return True
    chunk = lanes_of(out)
    padded = (count_b + chunk - 1) // chunk * chunk
    given = corner, out.dtype.type(0.5), offset, offset, eps, tiny, huge
    xmin, ymin = np.zeros(padded, out.dtype), np.zeros(padded, out.dtype)
    xmax, ymax = np.zeros(padded, out.dtype), np.zeros(padded, out.dtype)
    area = np.ones(padded, out.dtype)
    all_sure = True
    for j in range(count_b):
        left, top, right, bottom, own, sure = measured(b[j, 0], b[j, 1], b[j, 2], b[j, 3], *given)
        xmin[j], ymin[j], xmax[j], ymax[j], area[j] = left, top, right, bottom, own + eps
        all_sure &= sure
    flat_a, flat = a.reshape(-1), out.reshape(-1)
    narrow = count_b * out.itemsize <= NARROW_BYTES and count_a >= BLOCK
    whole = max(0, count_a - (padded - 1) // count_b)
    block = np.empty(8 * BLOCK, out.dtype)
    tile = np.zeros(padded * BLOCK if narrow else 0, out.dtype)
    for first in range(0, count_a, BLOCK):
        rows = min(BLOCK, count_a - first)
        gather(flat_a, first, block)
        all_sure &= measured_block(block, given)
        for j in range(count_b if narrow else 0):
            box, other = (xmin[j], ymin[j], xmax[j], ymax[j]), area[j]
            column = tile[j * BLOCK : (j + 1) * BLOCK]
            if offset == 0:
                for i in range(BLOCK):
                    width, height = overlap(corners(block, i), box)
                    column[i] = _quotient(width, height, block[4 * BLOCK + i], other)
            else:
                for i in range(BLOCK):
                    width, height = overlap(corners(block, i), box)
                    width, height = width + offset, height + offset
                    column[i] = _quotient(width, height, block[4 * BLOCK + i], other)
        if narrow:
            spread(tile, rows, first, count_b, flat)
            continue
        for k in range(rows):
            start = (first + k) * count_b
            box, own = corners(block, k), block[4 * BLOCK + k]
            # A slice, since an index that is a sum may be negative for all LLVM knows, and costs a
            # scatter instead of a store.
            row = flat[start : start + (padded if first + k < whole else count_b)]
            if offset == 0:
                for j in range(row.shape[0]):
                    width, height = overlap(box, (xmin[j], ymin[j], xmax[j], ymax[j]))
                    row[j] = _quotient(width, height, own, area[j])
            else:
                for j in range(row.shape[0]):
                    width, height = overlap(box, (xmin[j], ymin[j], xmax[j], ymax[j]))
                    row[j] = _quotient(width + offset, height + offset, own, area[j])
    return all_sure


@jit
def _batch_iou(a, b, corner, offset, eps, tiny, huge, out):  # type: ignore[no-untyped-def]
    """Fill `out` (B, N, M) with the IoUs of `a` (B or 1, N, 4) and `b` (B or 1, M, 4).

    Returns whether all of them are sure to be right.
    """
    all_sure = True
    for image in range(out.shape[0]):
        one = a[min(image, a.shape[0] - 1)]
        other = b[min(image, b.shape[0] - 1)]
        all_sure &= _iou(one, other, corner, offset, eps, tiny, huge, out[image])
    return all_sure


@jit
def _scaled_iou(a, b, corner, power_x, power_y, offset, eps):  # type: ignore[no-untyped-def]
    """Return the IoU of two boxes with x and y multiplied by powers of two; eps is so already."""
    zero, half = a.dtype.type(0), a.dtype.type(0.5)
    offset_x, offset_y = offset * power_x, offset * power_y
    one = a[0] * power_x, a[1] * power_y, a[2] * power_x, a[3] * power_y
    other = b[0] * power_x, b[1] * power_y, b[2] * power_x, b[3] * power_y
    given = corner, half, offset_x, offset_y, eps, zero, zero
    left_a, top_a, right_a, bottom_a, area_a, _ = measured(*one, *given)
    left_b, top_b, right_b, bottom_b, area_b, _ = measured(*other, *given)
    corners = (left_a, top_a, right_a, bottom_a), (left_b, top_b, right_b, bottom_b)
    width, height = overlap(*corners)
    return _quotient(width + offset_x, height + offset_y, area_a, area_b + eps)


@jit
def _scaled_batch_iou(  # type: ignore[no-untyped-def]
    a, b, corner, offset, eps, tiny, huge, goal, highest, largest, out
):
    """Compute those of `out` (B, N, M) again that are not sure to be right.

    Each with the powers of two that its own two boxes need.
    """
    given = corner, out.dtype.type(0.5), offset, offset, eps, tiny, huge
    powers = powers_of_two(largest, out)
    scale_of_eps = math.frexp(eps)[1] if eps > 0 else -4 * largest
    columns = np.empty(out.shape[2], np.int64)
    exponents = np.empty((2, out.shape[2]), np.int64)
    for image in range(out.shape[0]):
        rows = a[min(image, a.shape[0] - 1)]
        others = b[min(image, b.shape[0] - 1)]
        count = 0
        for j in range(others.shape[0]):
            for k in range(2):
                exponents[k, j] = exponent(others[j, k], others[j, k + 2], offset)
            if not measured(others[j, 0], others[j, 1], others[j, 2], others[j, 3], *given)[5]:
                columns[count] = j
                count += 1
        for i in range(rows.shape[0]):
            sure = measured(rows[i, 0], rows[i, 1], rows[i, 2], rows[i, 3], *given)[5]
            if sure and count == 0:
                continue
            own_x = exponent(rows[i, 0], rows[i, 2], offset)
            own_y = exponent(rows[i, 1], rows[i, 3], offset)
            for k in range(count if sure else others.shape[0]):
                j = columns[k] if sure else k
                shift_x = min(goal - max(own_x, exponents[0, j]), largest)
                shift_y = min(goal - max(own_y, exponents[1, j]), largest)
                excess = max(scale_of_eps + shift_x + shift_y - highest + 1, 0) // 2
                shift_x -= excess
                shift_y -= excess
                power_x, power_y = powers[shift_x + largest], powers[shift_y + largest]
                # The smaller power first, so that the product overflows only if eps does.
                scaled_eps = eps * min(power_x, power_y) * max(power_x, power_y)
                out[image, i, j] = _scaled_iou(
                    rows[i], others[j], corner, power_x, power_y, offset, scaled_eps
                )
