"""The area of boxes."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from refkernels.arrays import Array, as_boxes, check_choice, check_integer, keep, to_computing
from refkernels.bbox.base import FORMATS
from refkernels.jit import jit

__all__ = ["BBoxArea"]


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
        keep(
            self,
            axis=check_integer("axis", self.axis),
            fmt=check_choice("fmt", self.fmt, FORMATS),
        )

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
        with np.errstate(all="ignore"):
            _area(rows, self.fmt == "corner", out)
            areas = out.reshape(*boxes.shape[:-1], 1).astype(boxes.dtype, copy=False)
        return np.ascontiguousarray(np.moveaxis(areas, -1, self.axis))


@jit
def _area(boxes, corner, out):  # type: ignore[no-untyped-def]
    zero = boxes.dtype.type(0)
    for i in range(boxes.shape[0]):
        width = boxes[i, 2] - boxes[i, 0] if corner else boxes[i, 2]
        height = boxes[i, 3] - boxes[i, 1] if corner else boxes[i, 3]
        # Not max(width, 0) * max(height, 0): where a width overflows, inf * 0 is nan.
        out[i, 0] = width * height if width > zero and height > zero else zero
