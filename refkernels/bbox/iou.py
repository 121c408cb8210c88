"""The intersection over union of boxes."""

import math
from dataclasses import dataclass
from typing import Any

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

# Between what magnitudes the largest coordinate has to lie to make them so. A side is 0 or, freaks
# apart, no less than that times the square of the unit roundoff; a corner is at most 1.5 x, a side
# with the offset at most 4 x, so two areas at most 2 (4 x)^2.
SAFE_COORDINATES = {
    dtype: (float(tiny) ** 0.5 / float(np.finfo(dtype).eps) ** 2, float(huge) ** 0.5 / 4)
    for dtype, (tiny, huge) in SAFE_AREAS.items()
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
    Boxes so large that an area could overflow the computing dtype, or all so small that it could
    underflow, are scaled by a power of two first, which changes no quotient; so every finite input
    has a result. Beside coordinates beyond the square root of the largest float, though, a box that
    is as far below 1 as they are above it counts as empty.

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
        check_integer("axis", self.axis)
        object.__setattr__(self, "fmt", check_choice("fmt", self.fmt, FORMATS))
        check_number("offset", self.offset)
        check_number("eps", self.eps, low=0)

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
        offset = rounded_to_computing(self.offset, dtype)
        if not math.isfinite(offset):
            raise ValueError(f"offset: {self.offset} does not fit {offset.dtype}")
        batch_a, batch_b = as_batch("a", boxes_a), as_batch("b", boxes_b)
        size = check_batch(a=len(batch_a), b=len(batch_b))
        out = np.empty((size, batch_a.shape[1], batch_b.shape[1]), offset.dtype)
        rows_a, rows_b = to_computing(batch_a, dtype), to_computing(batch_b, dtype)
        if not self._fill(rows_a, rows_b, 1.0, out):
            largest = max(check_finite("a", boxes_a), check_finite("b", boxes_b))
            scale = _safe_scale(max(largest, abs(float(offset))), out.dtype)
            self._fill(_scaled(rows_a, scale), _scaled(rows_b, scale), scale, out)
        ious = out.astype(dtype, copy=False)
        return ious if max(boxes_a.ndim, boxes_b.ndim) == 3 else ious[0]

    def _fill(self, a: Array, b: Array, scale: float, out: Array) -> bool:
        """Compute the IoUs of scaled boxes; return whether all of them are sure to be right."""
        dtype = out.dtype
        usual: bool = _batch_iou(
            a,
            b,
            self.fmt == "corner",
            rounded_to_computing(self.offset, dtype) * dtype.type(scale),
            rounded_to_computing(self.eps * scale * scale, dtype),
            *SAFE_AREAS[dtype],
            CHUNK_BYTES // out.itemsize,
            out,
        )
        return usual and out.size > 0


def _safe_scale(largest: float, dtype: np.dtype[Any]) -> float:
    """Return a power of two by which no area overflows or all underflow; 1 for usual boxes."""
    low, high = SAFE_COORDINATES[dtype]
    if low <= largest <= high or largest == 0:
        return 1.0
    # Up to 1 and no further: so eps overflows only where the IoUs underflow.
    goal = math.frexp(high)[1] - 1 if largest > high else 0
    # For subnormal coordinates the power itself would overflow.
    return math.ldexp(1.0, min(goal - math.frexp(largest)[1], np.finfo(dtype).maxexp - 1))


def _scaled(boxes: Array, scale: float) -> Array:
    return boxes if scale == 1 else to_computing(boxes * boxes.dtype.type(scale), boxes.dtype)


@jit
def _corners(box, corner, offset, tiny, huge):  # type: ignore[no-untyped-def]
    """Return xmin, ymin, xmax, ymax and the area of a box, and whether the area is a safe one.

    It is not if a coordinate is nan or infinite. An empty box meets nothing, so its area only has
    to keep 0 / union from being 0 / 0, and is returned as 1.
    """
    left, top, right, bottom = box[0], box[1], box[2], box[3]
    if not corner:
        half_width = right * box.dtype.type(0.5)
        half_height = bottom * box.dtype.type(0.5)
        left, right = left - half_width, left + half_width
        top, bottom = top - half_height, top + half_height
    width, height = right - left + offset, bottom - top + offset
    area = width * height
    safe = abs(area) <= huge and (abs(area) >= tiny or width == 0 or height == 0)
    return left, top, right, bottom, area if area > 0 else box.dtype.type(1), safe


@jit
def _iou(a, b, corner, offset, eps, tiny, huge, chunk, out):  # type: ignore[no-untyped-def]
    """Fill `out` (N, M) with the IoUs of `a` (N, 4) and `b` (M, 4); return whether all are safe.

    The inner loop runs over the columns of `b`, padded to whole chunks so that it needs no scalar
    remainder. What it writes past the end of a row is the start of the next row, which is computed
    after; only the last rows must stop at M.
    """
    count_a, count_b = a.shape[0], b.shape[0]
    if count_a == 0 or count_b == 0:
        return False
    zero = out.dtype.type(0)
    padded = (count_b + chunk - 1) // chunk * chunk
    xmin, ymin = np.zeros(padded, out.dtype), np.zeros(padded, out.dtype)
    xmax, ymax = np.zeros(padded, out.dtype), np.zeros(padded, out.dtype)
    area = np.ones(padded, out.dtype)
    all_safe = True
    for j in range(count_b):
        left, top, right, bottom, own, safe = _corners(b[j], corner, offset, tiny, huge)
        xmin[j], ymin[j], xmax[j], ymax[j], area[j] = left, top, right, bottom, own + eps
        all_safe &= safe
    flat = out.reshape(-1)
    whole = max(0, count_a - (padded - 1) // count_b)
    for i in range(whole):
        left, top, right, bottom, own, safe = _corners(a[i], corner, offset, tiny, huge)
        all_safe &= safe
        # A slice, since an index that is a sum may be negative for all LLVM knows, and costs a
        # scatter instead of a store.
        row = flat[i * count_b : i * count_b + padded]
        for j in range(padded):
            width = max(min(right, xmax[j]) - max(left, xmin[j]) + offset, zero)
            height = max(min(bottom, ymax[j]) - max(top, ymin[j]) + offset, zero)
            inter = width * height
            row[j] = inter / (own + area[j] - inter)
    for i in range(whole, count_a):
        left, top, right, bottom, own, safe = _corners(a[i], corner, offset, tiny, huge)
        all_safe &= safe
        for j in range(count_b):
            width = max(min(right, xmax[j]) - max(left, xmin[j]) + offset, zero)
            height = max(min(bottom, ymax[j]) - max(top, ymin[j]) + offset, zero)
            inter = width * height
            out[i, j] = inter / (own + area[j] - inter)
    return all_safe


@jit
def _batch_iou(a, b, corner, offset, eps, tiny, huge, chunk, out):  # type: ignore[no-untyped-def]
    """Fill `out` (B, N, M) with the IoUs of `a` (B or 1, N, 4) and `b` (B or 1, M, 4).

    Returns whether no area of any box overflows, underflows or is nan, so that all are right.
    """
    all_safe = True
    for image in range(out.shape[0]):
        one = a[min(image, a.shape[0] - 1)]
        other = b[min(image, b.shape[0] - 1)]
        all_safe &= _iou(one, other, corner, offset, eps, tiny, huge, chunk, out[image])
    return all_safe
