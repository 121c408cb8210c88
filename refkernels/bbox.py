"""Operators on bounding boxes (SPEC section 1).

A corner box is (xmin, ymin, xmax, ymax), a centre box is (cx, cy, w, h); coordinates are
continuous, without the +1 of pixel counting, in whatever unit the caller uses.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from refkernels.arrays import (
    Array,
    as_boxes,
    as_real,
    check_batch,
    check_choice,
    check_finite,
    check_flag,
    check_integer,
    check_number,
    common_real,
    require,
    rounded_to_computing,
    to_computing,
)
from refkernels.jit import jit

__all__ = [
    "BBoxArea",
    "BBoxBatchIOU",
    "BBoxCenterToCorner",
    "BBoxClipToImage",
    "BBoxCornerToCenter",
    "BBoxSplit",
    "NumPyBBoxCornerToCenter",
]

FORMATS = ("corner", "center")

# IoU rows are computed in whole chunks of this many bytes: one AVX2 register, which is what LLVM
# picks on today's servers. Wider chunks waste more on small M, narrower ones leave lanes idle.
CHUNK_BYTES = 32

# Between what magnitudes the largest coordinate may lie. A side is 0 or, freaks apart, no less than
# that times the square of the unit roundoff; a corner is at most 1.5 x, a side with the offset at
# most 4 x, so two areas at most 2 (4 x)^2.
SAFE_COORDINATES = {
    info.dtype: (float(info.tiny) ** 0.5 / float(info.eps) ** 2, float(info.max) ** 0.5 / 8)
    for info in (np.finfo(np.float32), np.finfo(np.float64))
}


@dataclass(frozen=True)
class BBoxCornerToCenter:
    """Convert corner boxes to centre boxes.

    ``w = xmax - xmin``, ``h = ymax - ymin``, ``cx = xmin + w / 2``, ``cy = ymin + h / 2``; an
    inverted box keeps its negative width or height.

    Parameters
    ----------
    axis : int, default -1
        The axis of length 4 that holds a box.
    split : bool, default False
        Return the four columns as separate arrays.

    Raises
    ------
    TypeError
        If a parameter or the input has the wrong type or dtype.
    ValueError
        If `axis` is out of range or not of length 4, or the input holds nan or infinity.

    References
    ----------
    SPEC section 1. The centre form is that of Girshick et al., "Rich feature hierarchies", 2014,
    appendix C.

    Examples
    --------
    >>> import numpy as np
    >>> BBoxCornerToCenter()(np.array([[10.0, 20.0, 30.0, 60.0]]))
    array([[20., 40., 20., 40.]])
    """

    axis: int = -1
    split: bool = False

    def __post_init__(self) -> None:
        check_integer("axis", self.axis)
        check_flag("split", self.split)

    def __call__(self, x: npt.ArrayLike) -> Array | tuple[Array, ...]:
        """Convert `x`.

        Parameters
        ----------
        x : array_like, real, any shape with 4 along `axis`
            Corner boxes.

        Returns
        -------
        numpy.ndarray or tuple of 4 numpy.ndarray
            Centre boxes of the shape and dtype of `x`; with `split`, cx, cy, w and h with `axis`
            kept at length 1.
        """
        boxes = as_boxes("x", x, self.axis)
        return _columns(_convert(_corner_to_center, boxes), boxes.dtype, self.axis, self.split)


class NumPyBBoxCornerToCenter(BBoxCornerToCenter):
    """The same operator as `BBoxCornerToCenter`, under the name that the gluoncv API gives it."""


@dataclass(frozen=True)
class BBoxCenterToCorner:
    """Convert centre boxes to corner boxes.

    ``(cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2)``.

    Parameters
    ----------
    axis : int, default -1
        The axis of length 4 that holds a box.
    split : bool, default False
        Return the four columns as separate arrays.

    Raises
    ------
    TypeError
        If a parameter or the input has the wrong type or dtype.
    ValueError
        If `axis` is out of range or not of length 4, or the input holds nan or infinity.

    References
    ----------
    SPEC section 1.

    Examples
    --------
    >>> import numpy as np
    >>> BBoxCenterToCorner()(np.array([[20.0, 40.0, 20.0, 40.0]]))
    array([[10., 20., 30., 60.]])
    """

    axis: int = -1
    split: bool = False

    def __post_init__(self) -> None:
        check_integer("axis", self.axis)
        check_flag("split", self.split)

    def __call__(self, x: npt.ArrayLike) -> Array | tuple[Array, ...]:
        """Convert `x`.

        Parameters
        ----------
        x : array_like, real, any shape with 4 along `axis`
            Centre boxes.

        Returns
        -------
        numpy.ndarray or tuple of 4 numpy.ndarray
            Corner boxes of the shape and dtype of `x`; with `split`, xmin, ymin, xmax and ymax
            with `axis` kept at length 1.
        """
        boxes = as_boxes("x", x, self.axis)
        return _columns(_convert(_center_to_corner, boxes), boxes.dtype, self.axis, self.split)


@dataclass(frozen=True)
class BBoxSplit:
    """Split boxes into their four columns.

    Parameters
    ----------
    axis : int
        The axis of length 4 that holds a box.
    squeeze_axis : bool, default False
        Drop `axis` from the columns instead of keeping it at length 1.

    Raises
    ------
    TypeError
        If a parameter or the input has the wrong type or dtype.
    ValueError
        If `axis` is out of range or not of length 4, or the input holds nan or infinity.

    References
    ----------
    SPEC section 1.

    Examples
    --------
    >>> import numpy as np
    >>> xmin, ymin, xmax, ymax = BBoxSplit(axis=-1, squeeze_axis=True)(np.array([[1.0, 2, 3, 4]]))
    >>> ymax
    array([4.])
    """

    axis: int
    squeeze_axis: bool = False

    def __post_init__(self) -> None:
        check_integer("axis", self.axis)
        check_flag("squeeze_axis", self.squeeze_axis)

    def __call__(self, x: npt.ArrayLike) -> tuple[Array, ...]:
        """Split `x`.

        Parameters
        ----------
        x : array_like, real, any shape with 4 along `axis`
            Boxes in either form.

        Returns
        -------
        tuple of 4 numpy.ndarray
            The columns, copied, in the dtype of `x`.
        """
        boxes = as_boxes("x", x, self.axis)
        if self.squeeze_axis:
            return tuple(boxes[..., i].copy() for i in range(4))
        return tuple(_columns(boxes, boxes.dtype, self.axis, split=True))


@dataclass(frozen=True)
class BBoxArea:
    """Compute the area of boxes, 0 for empty and inverted ones.

    ``max(w, 0) * max(h, 0)``.

    Parameters
    ----------
    axis : int, default -1
        The axis of length 4 that holds a box.
    fmt : {'corner', 'center'}, default 'corner'
        The form of the boxes.

    Raises
    ------
    TypeError
        If a parameter or the input has the wrong type or dtype.
    ValueError
        If `fmt` is unknown, `axis` is out of range or not of length 4, or the input holds nan or
        infinity.

    Notes
    -----
    An area beyond the largest finite number of the dtype is inf: 300 by 300 in float16.

    References
    ----------
    SPEC section 1.

    Examples
    --------
    >>> import numpy as np
    >>> BBoxArea()(np.array([[10.0, 20.0, 30.0, 60.0], [5.0, 5.0, 4.0, 9.0]]))
    array([[800.],
           [  0.]])
    """

    axis: int = -1
    fmt: str = "corner"

    def __post_init__(self) -> None:
        check_integer("axis", self.axis)
        object.__setattr__(self, "fmt", check_choice("fmt", self.fmt, FORMATS))

    def __call__(self, x: npt.ArrayLike) -> Array:
        """Compute the areas of `x`.

        Parameters
        ----------
        x : array_like, real, any shape with 4 along `axis`
            Boxes in the form `fmt`.

        Returns
        -------
        numpy.ndarray
            Areas in the dtype of `x`, in its squared unit, with `axis` kept at length 1.
        """
        boxes = as_boxes("x", x, self.axis)
        rows = to_computing(boxes, boxes.dtype).reshape(-1, 4)
        out = np.empty((rows.shape[0], 1), rows.dtype)
        with np.errstate(over="ignore"):
            _area(rows, self.fmt == "corner", out)
            areas = out.reshape(*boxes.shape[:-1], 1).astype(boxes.dtype, copy=False)
        return np.ascontiguousarray(np.moveaxis(areas, -1, self.axis))


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
        largest = max(check_finite("a", boxes_a), check_finite("b", boxes_b))
        dtype = common_real(boxes_a, boxes_b)
        offset = rounded_to_computing(self.offset, dtype)
        require(bool(np.isfinite(offset)), f"offset: {self.offset} does not fit {offset.dtype}")
        scale = _safe_scale(max(largest, float(abs(offset))), offset.dtype)
        batch_a, batch_b = _batch("a", boxes_a), _batch("b", boxes_b)
        size = check_batch(a=len(batch_a), b=len(batch_b))
        out = np.empty((size, batch_a.shape[1], batch_b.shape[1]), offset.dtype)
        _batch_iou(
            _scaled(to_computing(batch_a, dtype), scale),
            _scaled(to_computing(batch_b, dtype), scale),
            self.fmt == "corner",
            offset * scale,
            rounded_to_computing(self.eps * float(scale) * float(scale), dtype),
            CHUNK_BYTES // out.itemsize,
            out,
        )
        ious = out.astype(dtype, copy=False)
        return ious if max(boxes_a.ndim, boxes_b.ndim) == 3 else ious[0]


@dataclass(frozen=True)
class BBoxClipToImage:
    """Clip corner boxes to the image: x to [0, W], y to [0, H].

    Raises
    ------
    TypeError
        If an input has the wrong dtype.
    ValueError
        If shapes do not go together, or `x` or `sizes` holds nan, infinity or a negative size.

    References
    ----------
    SPEC section 1.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.zeros((1, 3, 100, 200))
    >>> BBoxClipToImage()(np.array([[[-5.0, 10.0, 250.0, 120.0]]]), image)
    array([[[  0.,  10., 200., 100.]]])
    """

    def __call__(
        self, x: npt.ArrayLike, img: npt.ArrayLike, sizes: npt.ArrayLike | None = None
    ) -> Array:
        """Clip `x`.

        Parameters
        ----------
        x : array_like, real, (B, N, 4) or (N, 4)
            Corner boxes, in pixels.
        img : array_like, (..., H, W)
            The images; only the shape is looked at.
        sizes : array_like, real, (B, 2) or (2,), optional
            The true (H, W) of each image, in pixels, where images are padded to a common shape.

        Returns
        -------
        numpy.ndarray
            Clipped boxes of the shape and dtype of `x`.
        """
        boxes = as_boxes("x", x)
        batch = _batch("x", boxes)
        shape = np.shape(img)
        require(len(shape) >= 2, f"img: expected (..., H, W), got shape {shape}")
        if sizes is None:
            extents = np.array([shape[-2:]], np.float64)
        else:
            given = as_real("sizes", sizes)
            require(
                given.ndim in (1, 2) and given.shape[-1] == 2,
                f"sizes: expected (B, 2) or (2,), got shape {given.shape}",
            )
            require(bool((given >= 0).all()), "sizes: expected heights and widths of at least 0")
            extents = given.reshape(-1, 2).astype(np.float64)
        require(
            len(extents) in (1, len(batch)),
            f"sizes: expected one row for each of {len(batch)} images, got {len(extents)}",
        )
        rows = to_computing(batch, boxes.dtype)
        out = np.empty_like(rows)
        with np.errstate(over="ignore"):
            limits = np.broadcast_to(extents, (len(batch), 2)).astype(rows.dtype)
            _clip(rows, limits, out)
            return out.reshape(boxes.shape).astype(boxes.dtype, copy=False)


def warmup() -> None:
    """Compile the kernels of this module for float32 and float64, or load them from the cache."""
    for dtype in (np.float32, np.float64):
        boxes = np.ones((1, 1, 4), dtype)
        for operator in (BBoxCornerToCenter(), BBoxCenterToCorner(), BBoxArea()):
            operator(boxes)
        BBoxBatchIOU()(boxes, boxes)
        BBoxClipToImage()(boxes, boxes)


def _batch(name: str, boxes: Array) -> Array:
    """Return (N, 4) or (B, N, 4) boxes as a batch."""
    require(
        boxes.ndim in (2, 3),
        f"{name}: expected a set of boxes, (N, 4), or a batch of sets, (B, N, 4), got "
        f"{boxes.ndim} axes",
    )
    return boxes if boxes.ndim == 3 else boxes[np.newaxis]


def _convert(kernel: Any, boxes: Array) -> Array:
    rows = to_computing(boxes, boxes.dtype).reshape(-1, 4)
    out = np.empty_like(rows)
    with np.errstate(over="ignore"):
        kernel(rows, out)
    return out.reshape(boxes.shape)


def _columns(
    boxes: Array, dtype: np.dtype[Any], axis: int, split: bool
) -> Array | tuple[Array, ...]:
    """Round boxes, whose axis is the last, to `dtype`, and move that axis back to its place."""
    with np.errstate(over="ignore"):
        moved = np.moveaxis(boxes.astype(dtype, copy=False), -1, axis)
    if split:
        return tuple(column.copy() for column in np.split(moved, 4, axis=axis))
    return np.ascontiguousarray(moved)


def _safe_scale(largest: float, dtype: np.dtype[Any]) -> Any:
    """Return a power of two by which no area overflows or all underflow; 1 for usual boxes."""
    low, high = SAFE_COORDINATES[dtype]
    if low <= largest <= high or largest == 0:
        return dtype.type(1)
    # Up to 1 and no further: so eps overflows only where the IoUs underflow.
    goal = math.frexp(high)[1] - 1 if largest > high else 0
    # For subnormal coordinates the power itself would overflow.
    return dtype.type(2.0 ** min(goal - math.frexp(largest)[1], np.finfo(dtype).maxexp - 1))


def _scaled(boxes: Array, scale: Any) -> Array:
    return boxes if scale == 1 else to_computing(boxes * scale, boxes.dtype)


@jit
def _corner_to_center(boxes, out):  # type: ignore[no-untyped-def]
    half = boxes.dtype.type(0.5)
    for i in range(boxes.shape[0]):
        width = boxes[i, 2] - boxes[i, 0]
        height = boxes[i, 3] - boxes[i, 1]
        out[i, 0] = boxes[i, 0] + width * half
        out[i, 1] = boxes[i, 1] + height * half
        out[i, 2] = width
        out[i, 3] = height


@jit
def _center_to_corner(boxes, out):  # type: ignore[no-untyped-def]
    half = boxes.dtype.type(0.5)
    for i in range(boxes.shape[0]):
        half_width = boxes[i, 2] * half
        half_height = boxes[i, 3] * half
        out[i, 0] = boxes[i, 0] - half_width
        out[i, 1] = boxes[i, 1] - half_height
        out[i, 2] = boxes[i, 0] + half_width
        out[i, 3] = boxes[i, 1] + half_height


@jit
def _area(boxes, corner, out):  # type: ignore[no-untyped-def]
    zero = boxes.dtype.type(0)
    for i in range(boxes.shape[0]):
        width = boxes[i, 2] - boxes[i, 0] if corner else boxes[i, 2]
        height = boxes[i, 3] - boxes[i, 1] if corner else boxes[i, 3]
        # Not max(width, 0) * max(height, 0): where a width overflows, inf * 0 is nan.
        out[i, 0] = width * height if width > zero and height > zero else zero


@jit
def _clip(boxes, limits, out):  # type: ignore[no-untyped-def]
    zero = boxes.dtype.type(0)
    for image in range(boxes.shape[0]):
        height, width = limits[image, 0], limits[image, 1]
        for i in range(boxes.shape[1]):
            out[image, i, 0] = min(max(boxes[image, i, 0], zero), width)
            out[image, i, 1] = min(max(boxes[image, i, 1], zero), height)
            out[image, i, 2] = min(max(boxes[image, i, 2], zero), width)
            out[image, i, 3] = min(max(boxes[image, i, 3], zero), height)


@jit
def _corners(box, corner, offset):  # type: ignore[no-untyped-def]
    """Return xmin, ymin, xmax, ymax and the area of a box, 1 for the area of an empty one.

    An empty box meets nothing, so its area only has to keep 0 / union from being 0 / 0.
    """
    left, top, right, bottom = box[0], box[1], box[2], box[3]
    if not corner:
        half_width = right * box.dtype.type(0.5)
        half_height = bottom * box.dtype.type(0.5)
        left, right = left - half_width, left + half_width
        top, bottom = top - half_height, top + half_height
    area = (right - left + offset) * (bottom - top + offset)
    return left, top, right, bottom, area if area > 0 else box.dtype.type(1)


@jit
def _iou(a, b, corner, offset, eps, chunk, out):  # type: ignore[no-untyped-def]
    """Fill `out` (N, M) with the IoUs of `a` (N, 4) and `b` (M, 4).

    The inner loop runs over the columns of `b`, padded to whole chunks so that it needs no scalar
    remainder. What it writes past the end of a row is the start of the next row, which is computed
    after; only the last rows must stop at M.
    """
    count_a, count_b = a.shape[0], b.shape[0]
    if count_a == 0 or count_b == 0:
        return
    zero = out.dtype.type(0)
    padded = (count_b + chunk - 1) // chunk * chunk
    xmin, ymin = np.zeros(padded, out.dtype), np.zeros(padded, out.dtype)
    xmax, ymax = np.zeros(padded, out.dtype), np.zeros(padded, out.dtype)
    area = np.ones(padded, out.dtype)
    for j in range(count_b):
        xmin[j], ymin[j], xmax[j], ymax[j], area[j] = _corners(b[j], corner, offset)
        area[j] += eps
    flat = out.reshape(-1)
    whole = max(0, count_a - (padded - 1) // count_b)
    for i in range(whole):
        left, top, right, bottom, own = _corners(a[i], corner, offset)
        # A slice, since an index that is a sum may be negative for all LLVM knows, and costs a
        # scatter instead of a store.
        row = flat[i * count_b : i * count_b + padded]
        for j in range(padded):
            width = max(min(right, xmax[j]) - max(left, xmin[j]) + offset, zero)
            height = max(min(bottom, ymax[j]) - max(top, ymin[j]) + offset, zero)
            inter = width * height
            row[j] = inter / (own + area[j] - inter)
    for i in range(whole, count_a):
        left, top, right, bottom, own = _corners(a[i], corner, offset)
        for j in range(count_b):
            width = max(min(right, xmax[j]) - max(left, xmin[j]) + offset, zero)
            height = max(min(bottom, ymax[j]) - max(top, ymin[j]) + offset, zero)
            inter = width * height
            out[i, j] = inter / (own + area[j] - inter)


@jit
def _batch_iou(a, b, corner, offset, eps, chunk, out):  # type: ignore[no-untyped-def]
    """Fill `out` (B, N, M) with the IoUs of `a` (B or 1, N, 4) and `b` (B or 1, M, 4)."""
    for image in range(out.shape[0]):
        _iou(
            a[min(image, a.shape[0] - 1)],
            b[min(image, b.shape[0] - 1)],
            corner,
            offset,
            eps,
            chunk,
            out[image],
        )
