"""Which points lie inside which boxes."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from refkernels.arrays import (
    Array,
    as_boxes,
    as_real,
    check_axis_length,
    check_batch,
    check_choice,
    check_number,
    common_real,
    keep,
    rounded,
    to_computing,
)
from refkernels.bbox.base import FORMATS
from refkernels.coder.assignment import with_batch
from refkernels.jit import jit

__all__ = ["InsideMask"]


@dataclass(frozen=True)
class InsideMask:
    """Tell of every point and every box whether the point lies inside the box.

    With l, t, r, b the distances from the point to the box's sides, ``x - xmin``, ``y - ymin``,
    ``xmax - x`` and ``ymax - y``, it is inside if all four are greater than `margin`. So no point
    is inside a box without extent, such as one of padding.

    Parameters
    ----------
    margin : float, default 0
        What the distances must exceed, strictly, in the unit of the boxes; not negative. It is
        rounded to the common dtype of the inputs. YOLOX, FCOS and mmdetection's SimOTA take 0,
        mmdetection's ATSS 0.01, and ultralytics 1e-9.
    fmt : {'corner', 'center'}, default 'corner'
        The form of the boxes.

    Raises
    ------
    TypeError
        If a parameter or an input has the wrong type or dtype.
    ValueError
        If `margin` is negative or not finite, `fmt` is unknown, the shapes do not go together, or
        an input holds nan or infinity.

    Notes
    -----
    The distances are computed in the common dtype of the inputs (float32 for float16). In corner
    form and without a margin that decides as exact arithmetic does, since a difference rounds to 0
    only if it is 0; else a point may be on the other side of the margin by a rounding error.

    References
    ----------
    SPEC section 6; Tian et al., "FCOS: Fully convolutional one-stage object detection", 2019,
    section 3.1.

    Examples
    --------
    >>> import numpy as np
    >>> points = np.array([[1.0, 1.0], [2.0, 1.0], [5.0, 5.0]])
    >>> boxes = np.array([[0.0, 0.0, 2.0, 2.0], [0.0, 0.0, 8.0, 8.0]])
    >>> InsideMask()(points, boxes)
    array([[ True,  True],
           [False,  True],
           [False,  True]])
    """

    margin: float = 0.0
    fmt: str = "corner"

    def __post_init__(self) -> None:
        keep(
            self,
            margin=check_number("margin", self.margin, low=0),
            fmt=check_choice("fmt", self.fmt, FORMATS),
        )

    def __call__(self, points: npt.ArrayLike, boxes: npt.ArrayLike) -> Array:
        """Tell it of every pair.

        Parameters
        ----------
        points : array_like, real, (B, N, 2) or (N, 2)
            x and y of each point.
        boxes : array_like, real, (B, M, 4) or (M, 4)
            Boxes in the form `fmt`. A batch of 1, on either side, goes with any batch.

        Returns
        -------
        numpy.ndarray of bool, (B, N, M), or (N, M) if both come without a batch
            Whether the point is inside the box.
        """
        places = as_real("points", points, min_ndim=2)
        check_axis_length("points", places, -1, 2)
        places, points_batched = with_batch("points", places, "(N, 2)")
        corners, boxes_batched = with_batch("boxes", as_boxes("boxes", boxes), "(M, 4)")
        size = check_batch(points=len(places), boxes=len(corners))
        dtype = common_real(places, corners)
        out = np.empty((size, places.shape[1], corners.shape[1]), np.bool_)
        rows, columns = to_computing(places, dtype), to_computing(corners, dtype)
        _inside(rows, columns, self.fmt == "corner", rounded(self.margin, dtype), out)
        return out if points_batched or boxes_batched else out[0]


@jit
def _inside(points, boxes, corner, margin, out):  # type: ignore[no-untyped-def]
    """Fill `out` (B, N, M) for `points` (B or 1, N, 2) and `boxes` (B or 1, M, 4)."""
    half = points.dtype.type(0.5)
    sides = np.empty((4, out.shape[2]), points.dtype)
    for image in range(out.shape[0]):
        rows = points[min(image, points.shape[0] - 1)]
        columns = boxes[min(image, boxes.shape[0] - 1)]
        for j in range(columns.shape[0]):
            for k in range(2):
                low, high = columns[j, k], columns[j, k + 2]
                if not corner:
                    low, high = low - high * half, low + high * half
                sides[k, j], sides[k + 2, j] = low, high
        left, top, right, bottom = sides[0], sides[1], sides[2], sides[3]
        for i in range(rows.shape[0]):
            x, y = rows[i, 0], rows[i, 1]
            row = out[image, i]
            for j in range(row.size):
                row[j] = (
                    (x - left[j] > margin)
                    & (y - top[j] > margin)
                    & (right[j] - x > margin)
                    & (bottom[j] - y > margin)
                )
