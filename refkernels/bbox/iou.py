"""The intersection over union of boxes."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from refkernels.arrays import (
    Array,
    as_boxes,
    check_batch,
    check_choice,
    check_finite,
    check_integer,
    check_number,
    common_real,
    keep,
    rounded_to_computing,
    to_computing,
)
from refkernels.bbox.base import FORMATS, as_batch
from refkernels.jit import jit

__all__ = ["BBoxBatchIOU"]

# IoU rows are computed in whole chunks of this many bytes: one AVX2 register, which is what LLVM
# picks on today's servers. Wider chunks waste more on small M, narrower ones leave lanes idle.
CHUNK_BYTES = 32

# Between what magnitudes an area that is not 0 may lie: two of the largest still have a finite sum,
# and the smallest has lost no digits.
SAFE_AREAS = {
    info.dtype: (info.dtype.type(info.tiny), info.dtype.type(info.max / 4))
    for info in (np.finfo(np.float32), np.finfo(np.float64))
}


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

    def __call__(self, a: npt.ArrayLike, b: npt.ArrayLike) -> Array:
        """Compute the IoU of every pair.

        Parameters
        ----------
        a : array_like, real, (B, N, 4) or (N, 4)
            Boxes; with ``axis=1`` of shape (B, 4, N), and so on.
        b : array_like, real, (B, M, 4) or (M, 4)
            Boxes. A batch of 1, on either side, goes with any batch.

        Returns
        -------
        numpy.ndarray, (B, N, M), or (N, M) if both come without a batch
            IoUs in [0, 1], in the common dtype of `a` and `b`.
        """
        boxes_a = as_boxes("a", a, self.axis, finite=False)
        boxes_b = as_boxes("b", b, self.axis, finite=False)
        dtype = common_real(boxes_a, boxes_b)
        offset, eps = (rounded_to_computing(value, dtype) for value in (self.offset, self.eps))
        for name, value in (("offset", offset), ("eps", eps)):
            if not math.isfinite(value):
                raise ValueError(f"{name}: {getattr(self, name)} does not fit {value.dtype}")
        batch_a, batch_b = as_batch("a", boxes_a), as_batch("b", boxes_b)
        size = check_batch(a=len(batch_a), b=len(batch_b))
        out = np.empty((size, batch_a.shape[1], batch_b.shape[1]), offset.dtype)
        rows = to_computing(batch_a, dtype), to_computing(batch_b, dtype)
        given = (*rows, self.fmt == "corner", offset, eps, *SAFE_AREAS[out.dtype])
        sure = _batch_iou(*given, CHUNK_BYTES // out.itemsize, out)
        if not sure or not out.size:
            for name, boxes in (("a", boxes_a), ("b", boxes_b)):
                check_finite(name, np.moveaxis(boxes, -1, self.axis))
            _scaled_batch_iou(*given, *TARGETS[out.dtype], out)
        ious = out.astype(dtype, copy=False)
        return ious if max(boxes_a.ndim, boxes_b.ndim) == 3 else ious[0]


@jit
def _measured(box, corner, half, offset_x, offset_y, eps, tiny, huge):  # type: ignore[no-untyped-def]
    """Return xmin, ymin, xmax, ymax and the area of a box, and whether its IoUs are sure.

    They are not where the area overflows or underflows, as far as it is one, or where a coordinate
    is nan or infinite. An empty box meets nothing, so its area only has to keep 0 / union from
    being 0 / 0, and is returned as 1.
    """
    left, top, right, bottom = box[0], box[1], box[2], box[3]
    if not corner:
        half_width, half_height = right * half, bottom * half
        left, right = left - half_width, left + half_width
        top, bottom = top - half_height, top + half_height
    width, height = right - left + offset_x, bottom - top + offset_y
    area = width * height
    sure = abs(area) + eps <= huge and (area >= tiny or width <= 0 or height <= 0)
    return left, top, right, bottom, area if area > 0 else half + half, sure


@jit
def _iou(a, b, corner, offset, eps, tiny, huge, chunk, out):  # type: ignore[no-untyped-def]
    """Fill `out` (N, M) with the IoUs of `a` (N, 4) and `b` (M, 4); return whether all are sure.

    The inner loop runs over the columns of `b`, padded to whole chunks so that it needs no scalar
    remainder. What it writes past the end of a row is the start of the next row, which is computed
    after; only the last rows must stop at M.
    """
    count_a, count_b = a.shape[0], b.shape[0]
    if count_a == 0 or count_b == 0:
        return True
    zero, half = out.dtype.type(0), out.dtype.type(0.5)
    padded = (count_b + chunk - 1) // chunk * chunk
    xmin, ymin = np.zeros(padded, out.dtype), np.zeros(padded, out.dtype)
    xmax, ymax = np.zeros(padded, out.dtype), np.zeros(padded, out.dtype)
    area = np.ones(padded, out.dtype)
    given = corner, half, offset, offset, eps, tiny, huge
    all_sure = True
    for j in range(count_b):
        left, top, right, bottom, own, sure = _measured(b[j], *given)
        xmin[j], ymin[j], xmax[j], ymax[j], area[j] = left, top, right, bottom, own + eps
        all_sure &= sure
    flat = out.reshape(-1)
    whole = max(0, count_a - (padded - 1) // count_b)
    for i in range(whole):
        left, top, right, bottom, own, sure = _measured(a[i], *given)
        all_sure &= sure
        # A slice, since an index that is a sum may be negative for all LLVM knows, and costs a
        # scatter instead of a store.
        row = flat[i * count_b : i * count_b + padded]
        for j in range(padded):
            width = max(min(right, xmax[j]) - max(left, xmin[j]) + offset, zero)
            height = max(min(bottom, ymax[j]) - max(top, ymin[j]) + offset, zero)
            inter = width * height
            row[j] = inter / (own + area[j] - inter)
    for i in range(whole, count_a):
        left, top, right, bottom, own, sure = _measured(a[i], *given)
        all_sure &= sure
        for j in range(count_b):
            width = max(min(right, xmax[j]) - max(left, xmin[j]) + offset, zero)
            height = max(min(bottom, ymax[j]) - max(top, ymin[j]) + offset, zero)
            inter = width * height
            out[i, j] = inter / (own + area[j] - inter)
    return all_sure


@jit
def _batch_iou(a, b, corner, offset, eps, tiny, huge, chunk, out):  # type: ignore[no-untyped-def]
    """Fill `out` (B, N, M) with the IoUs of `a` (B or 1, N, 4) and `b` (B or 1, M, 4).

    Returns whether all of them are sure to be right.
    """
    all_sure = True
    for image in range(out.shape[0]):
        one = a[min(image, a.shape[0] - 1)]
        other = b[min(image, b.shape[0] - 1)]
        all_sure &= _iou(one, other, corner, offset, eps, tiny, huge, chunk, out[image])
    return all_sure


@jit
def _exponent(x, y, z):  # type: ignore[no-untyped-def]
    """Return the exponent of the power of two that is just above the largest magnitude."""
    return math.frexp(max(abs(x), abs(y), abs(z)))[1]


@jit
def _scaled_iou(a, b, corner, power_x, power_y, offset, eps):  # type: ignore[no-untyped-def]
    """Return the IoU of two boxes with x and y multiplied by powers of two; eps is so already."""
    zero, half = a.dtype.type(0), a.dtype.type(0.5)
    offset_x, offset_y = offset * power_x, offset * power_y
    one = (a[0] * power_x, a[1] * power_y, a[2] * power_x, a[3] * power_y)
    other = (b[0] * power_x, b[1] * power_y, b[2] * power_x, b[3] * power_y)
    given = corner, half, offset_x, offset_y, eps, zero, zero
    left_a, top_a, right_a, bottom_a, area_a, _ = _measured(one, *given)
    left_b, top_b, right_b, bottom_b, area_b, _ = _measured(other, *given)
    width = max(min(right_a, right_b) - max(left_a, left_b) + offset_x, zero)
    height = max(min(bottom_a, bottom_b) - max(top_a, top_b) + offset_y, zero)
    inter = width * height
    return inter / (area_a + (area_b + eps) - inter)


@jit
def _scaled_batch_iou(  # type: ignore[no-untyped-def]
    a, b, corner, offset, eps, tiny, huge, goal, highest, largest, out
):
    """Compute those of `out` (B, N, M) again that are not sure to be right.

    Each with the powers of two that its own two boxes need.
    """
    given = corner, out.dtype.type(0.5), offset, offset, eps, tiny, huge
    powers = np.array([math.ldexp(1.0, k) for k in range(-largest, largest + 1)]).astype(out.dtype)
    scale_of_eps = math.frexp(eps)[1] if eps > 0 else -4 * largest
    columns = np.empty(out.shape[2], np.int64)
    exponents = np.empty((2, out.shape[2]), np.int64)
    for image in range(out.shape[0]):
        rows = a[min(image, a.shape[0] - 1)]
        others = b[min(image, b.shape[0] - 1)]
        count = 0
        for j in range(others.shape[0]):
            for k in range(2):
                exponents[k, j] = _exponent(others[j, k], others[j, k + 2], offset)
            if not _measured(others[j], *given)[5]:
                columns[count] = j
                count += 1
        for i in range(rows.shape[0]):
            sure = _measured(rows[i], *given)[5]
            if sure and count == 0:
                continue
            own_x = _exponent(rows[i, 0], rows[i, 2], offset)
            own_y = _exponent(rows[i, 1], rows[i, 3], offset)
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
