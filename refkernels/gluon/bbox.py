"""Gluon blocks on bounding boxes (SPEC section 1); see `refkernels.bbox` for their meaning."""

from typing import Any

from refkernels.arrays import check_choice, check_flag, check_integer, check_number
from refkernels.gluon.block import RealBlock
from refkernels.gluon.precision import common_like, constant_like, narrow, widen

__all__ = [
    "BBoxArea",
    "BBoxBatchIOU",
    "BBoxCenterToCorner",
    "BBoxClipToImage",
    "BBoxCornerToCenter",
    "BBoxSplit",
    "NumPyBBoxCornerToCenter",
    "center_columns",
    "columns",
    "corner_columns",
]

FORMATS = ("corner", "center")


class BBoxCornerToCenter(RealBlock):
    """Convert corner boxes to centre boxes: `refkernels.BBoxCornerToCenter` as a block.

    Parameters
    ----------
    axis : int, default -1
        The axis of length 4 that holds a box.
    split : bool, default False
        Return the four columns as separate arrays, with `axis` kept at length 1.

    References
    ----------
    SPEC section 1.
    """

    def __init__(self, axis: int = -1, split: bool = False) -> None:
        super().__init__()
        self._axis = check_integer("axis", axis)
        self._split = check_flag("split", split)

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        """Convert `x`, real, of any shape with 4 along `axis`."""
        return _joined(F, center_columns(F, widen(F, x), self._axis), x, self._axis, self._split)


class NumPyBBoxCornerToCenter(BBoxCornerToCenter):
    """The same block as `BBoxCornerToCenter`, under the other name of the gluoncv API."""


class BBoxCenterToCorner(RealBlock):
    """Convert centre boxes to corner boxes: `refkernels.BBoxCenterToCorner` as a block.

    Parameters
    ----------
    axis : int, default -1
        The axis of length 4 that holds a box.
    split : bool, default False
        Return the four columns as separate arrays, with `axis` kept at length 1.

    References
    ----------
    SPEC section 1.
    """

    def __init__(self, axis: int = -1, split: bool = False) -> None:
        super().__init__()
        self._axis = check_integer("axis", axis)
        self._split = check_flag("split", split)

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        """Convert `x`, real, of any shape with 4 along `axis`."""
        return _joined(F, corner_columns(F, widen(F, x), self._axis), x, self._axis, self._split)


class BBoxSplit(RealBlock):
    """Split boxes into their four columns: `refkernels.BBoxSplit` as a block.

    Parameters
    ----------
    axis : int
        The axis of length 4 that holds a box.
    squeeze_axis : bool, default False
        Drop `axis` from the columns instead of keeping it at length 1.

    References
    ----------
    SPEC section 1.
    """

    def __init__(self, axis: int, squeeze_axis: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._axis = check_integer("axis", axis)
        self._squeeze_axis = check_flag("squeeze_axis", squeeze_axis)

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        """Split `x`, of any shape with 4 along `axis`; gradients flow through."""
        return tuple(columns(F, x, self._axis, self._squeeze_axis))


class BBoxArea(RealBlock):
    """Compute the area of boxes: `refkernels.BBoxArea` as a block.

    Parameters
    ----------
    axis : int, default -1
        The axis of length 4 that holds a box.
    fmt : {'corner', 'center'}, default 'corner'
        The form of the boxes.

    References
    ----------
    SPEC section 1.
    """

    def __init__(self, axis: int = -1, fmt: str = "corner", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._axis = check_integer("axis", axis)
        self._fmt = check_choice("fmt", fmt, FORMATS)

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        """Compute the areas of `x`, real, of any shape with 4 along `axis`."""
        boxes = widen(F, x)
        if self._fmt == "corner":
            _, _, width, height = center_columns(F, boxes, self._axis)
        else:
            _, _, width, height = columns(F, boxes, self._axis)
        area = F.where((width > 0) * (height > 0), width * height, F.zeros_like(width))
        return narrow(F, area, common_like(F, x))


class BBoxBatchIOU(RealBlock):
    """Compute the IoU of every pair of boxes: `refkernels.BBoxBatchIOU` as a block.

    Parameters
    ----------
    axis : int, default -1
        The axis of length 4 that holds a box.
    fmt : {'corner', 'center'}, default 'corner'
        The form of the boxes.
    offset : float, default 0
        What is added to a width or a height: 1 where coordinates count pixels.
    eps : float, default 1e-15
        What is added to the union. Not negative.

    Notes
    -----
    Areas are expected to be within the range of the computing dtype, so that sides in float32 lie
    between 1e-18 and 1e18; the NumPy operator has no such limit.

    References
    ----------
    SPEC section 1.
    """

    reals = ("a", "b")

    def __init__(
        self,
        axis: int = -1,
        fmt: str = "corner",
        offset: float = 0,
        eps: float = 1e-15,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._axis = check_integer("axis", axis)
        self._fmt = check_choice("fmt", fmt, FORMATS)
        self._offset = check_number("offset", offset)
        self._eps = check_number("eps", eps, low=0)

    def hybrid_forward(self, F: Any, a: Any, b: Any) -> Any:
        """Compute the IoUs (B, N, M) of `a` (B, N, 4) and `b` (B, M, 4); B may be absent, or 1."""
        boxes_a, boxes_b = widen(F, a, b)
        left_a, top_a, right_a, bottom_a, area_a = self._corners(F, boxes_a, -1)
        left_b, top_b, right_b, bottom_b, area_b = self._corners(F, boxes_b, -2)
        right = F.broadcast_minimum(right_a, right_b)
        left = F.broadcast_maximum(left_a, left_b)
        bottom = F.broadcast_minimum(bottom_a, bottom_b)
        top = F.broadcast_maximum(top_a, top_b)
        inter = F.relu(self._side(F, left, right)) * F.relu(self._side(F, top, bottom))
        area_b = F.broadcast_add(area_b, constant_like(F, self._eps, boxes_b))
        return narrow(F, inter / (F.broadcast_add(area_a, area_b) - inter), common_like(F, a, b))

    def _corners(self, F: Any, boxes: Any, expand: int) -> list[Any]:
        if self._fmt == "center":
            corners = corner_columns(F, boxes, self._axis)
            corners = [F.squeeze(column, axis=self._axis) for column in corners]
        else:
            corners = columns(F, boxes, self._axis, squeeze_axis=True)
        left, top, right, bottom = corners
        area = self._side(F, left, right) * self._side(F, top, bottom)
        # An empty box meets nothing; 1 for its area keeps 0 / union from being 0 / 0.
        area = F.where(area > 0, area, F.ones_like(area))
        return [F.expand_dims(column, axis=expand) for column in (*corners, area)]

    def _side(self, F: Any, low: Any, high: Any) -> Any:
        side = high - low
        if self._offset == 0:
            return side
        return F.broadcast_add(side, constant_like(F, self._offset, side))


class BBoxClipToImage(RealBlock):
    """Clip corner boxes to the image: `refkernels.BBoxClipToImage` as a block.

    References
    ----------
    SPEC section 1.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)

    def hybrid_forward(self, F: Any, x: Any, img: Any, sizes: Any = None) -> Any:
        """Clip `x` (B, N, 4) to the last two axes of `img`, or to `sizes` (B, 2) = (H, W)."""
        if sizes is None:
            sizes = F.slice_axis(F.shape_array(img), axis=0, begin=-2, end=None)
        boxes, limits = widen(F, x, sizes)
        height = F.slice_axis(limits, axis=-1, begin=0, end=1)
        width = F.slice_axis(limits, axis=-1, begin=1, end=2)
        # (B, 2) -> (B, 1, 4), and without a batch (2,) -> (1, 4).
        limits = F.expand_dims(F.concat(width, height, width, height, dim=-1), axis=-2)
        return narrow(F, F.broadcast_minimum(F.relu(boxes), limits), common_like(F, x))


def columns(F: Any, boxes: Any, axis: int = -1, squeeze_axis: bool = False) -> list[Any]:
    """Return the four columns of boxes; an axis that does not have length 4 is an error.

    Not by ``split``: where a gradient ends behind one, MXNet's imperative backward pass crashes.
    """
    parts = [F.slice_axis(boxes, axis=axis, begin=i, end=i + 1) for i in range(3)]
    rest = F.slice_axis(boxes, axis=axis, begin=3, end=None)
    parts.append(F.reshape_like(rest, parts[0]))
    return [F.squeeze(part, axis=axis) for part in parts] if squeeze_axis else parts


def center_columns(F: Any, boxes: Any, axis: int = -1) -> list[Any]:
    """Return cx, cy, w and h of corner boxes, with `axis` kept at length 1."""
    xmin, ymin, xmax, ymax = columns(F, boxes, axis)
    width, height = xmax - xmin, ymax - ymin
    return [xmin + width * 0.5, ymin + height * 0.5, width, height]


def corner_columns(F: Any, boxes: Any, axis: int = -1) -> list[Any]:
    """Return xmin, ymin, xmax and ymax of centre boxes, with `axis` kept at length 1."""
    x, y, width, height = columns(F, boxes, axis)
    half_width, half_height = width * 0.5, height * 0.5
    return [x - half_width, y - half_height, x + half_width, y + half_height]


def _joined(F: Any, parts: list[Any], like: Any, axis: int, split: bool) -> Any:
    """Round columns to the dtype of `like`, as one array or as a tuple of four."""
    like = common_like(F, like)
    if split:
        return tuple(narrow(F, part, like) for part in parts)
    return narrow(F, F.concat(*parts, dim=axis), like)
