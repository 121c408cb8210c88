"""The forms of a box, corner and centre, and its columns."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from refkernels.arrays import Array, as_boxes, check_flag, check_integer, keep, to_computing
from refkernels.jit import jit

__all__ = ["BBoxCenterToCorner", "BBoxCornerToCenter", "BBoxSplit", "NumPyBBoxCornerToCenter"]


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
        keep(
            self,
            axis=check_integer("axis", self.axis),
            split=check_flag("split", self.split),
        )

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
        keep(
            self,
            axis=check_integer("axis", self.axis),
            split=check_flag("split", self.split),
        )

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
        keep(
            self,
            axis=check_integer("axis", self.axis),
            squeeze_axis=check_flag("squeeze_axis", self.squeeze_axis),
        )

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


def _convert(kernel: Any, boxes: Array) -> Array:
    rows = to_computing(boxes, boxes.dtype).reshape(-1, 4)
    out = np.empty_like(rows)
    with np.errstate(all="ignore"):
        kernel(rows, out)
    return out.reshape(boxes.shape)


def _columns(
    boxes: Array, dtype: np.dtype[Any], axis: int, split: bool
) -> Array | tuple[Array, ...]:
    """Round boxes, whose axis is the last, to `dtype`, and move that axis back to its place."""
    with np.errstate(all="ignore"):
        moved = np.moveaxis(boxes.astype(dtype, copy=False), -1, axis)
    if split:
        return tuple(column.copy() for column in np.split(moved, 4, axis=axis))
    return np.ascontiguousarray(moved)


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
