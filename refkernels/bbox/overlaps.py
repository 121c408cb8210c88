"""IoU and more, of every pair of boxes: the generalized, the distance and the complete IoU."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from refkernels.arrays import Array, check_choice, check_integer, keep
from refkernels.bbox.base import FORMATS
from refkernels.bbox.enclosing import (
    CIOU,
    DIOU,
    GIOU,
    RANGES,
    batch_overlaps,
    scaled_batch_overlaps,
)
from refkernels.bbox.pairs import Pairs

__all__ = ["BBoxBatchCIOU", "BBoxBatchDIOU", "BBoxBatchGIOU"]


@dataclass(frozen=True)
class _BatchOverlap:
    """What the three have in common; the mode is that of the kernel."""

    axis: int = -1
    fmt: str = "corner"

    _mode: ClassVar[int]

    def __post_init__(self) -> None:
        keep(
            self,
            axis=check_integer("axis", self.axis),
            fmt=check_choice("fmt", self.fmt, FORMATS),
        )

    def __call__(self, a: npt.ArrayLike, b: npt.ArrayLike, *, out: Array | None = None) -> Array:
        """Compute the overlap of every pair.

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
            Overlaps, in the common dtype of `a` and `b`.
        """
        pairs = Pairs.of(a, b, self.axis)
        rows, columns, overlaps = pairs.prepared(out)
        least, most, goal, largest = RANGES[overlaps.dtype]
        limits = least, most, np.finfo(overlaps.dtype).tiny
        given = self._mode, rows, columns, self.fmt == "corner", limits
        if not batch_overlaps(*given, overlaps) or not overlaps.size:
            pairs.check_finite()
            scaled_batch_overlaps(*given, goal, largest, overlaps)
        return pairs.finished(overlaps, out)


class BBoxBatchGIOU(_BatchOverlap):
    """Compute the generalized IoU of every box of one set with every box of another.

    ``iou - (hull - union) / hull``, where ``hull`` is the area of the smallest box that encloses
    both; the fraction is 0 where that is 0. The result is in [-1, 1]: the IoU where the two fill
    the box around them, and the lower, the more of it is in neither.

    Parameters
    ----------
    axis : int, default -1
        The axis of length 4 that holds a box.
    fmt : {'corner', 'center'}, default 'corner'
        The form of the boxes.

    Raises
    ------
    TypeError
        If a parameter or an input has the wrong type or dtype.
    ValueError
        If `fmt` is unknown, `axis` is out of range or not of length 4, the shapes do not go
        together, an input holds nan or infinity, or `out` does not fit.

    Notes
    -----
    A box without extent has area 0 and IoU 0. It is enclosed all the same, by both of the corners
    that it is given by, whichever way round they are: of an inverted box too no corner is outside.
    So a row of -1 that pads a batch is a point at (-1, -1), and its overlaps are never above 0.

    Where a coordinate is so large or small that an area could overflow or underflow, x and y are
    scaled by a power of two each, which changes no quotient; so every finite input has a finite
    result, and that of a pair depends on its two boxes alone.

    References
    ----------
    SPEC section 6; Rezatofighi et al., "Generalized Intersection over Union", 2019, algorithm 1.

    Examples
    --------
    >>> import numpy as np
    >>> anchors = np.array([[0.0, 0.0, 2.0, 2.0], [3.0, 0.0, 4.0, 2.0]])
    >>> truths = np.array([[0.0, 0.0, 2.0, 4.0]])
    >>> BBoxBatchGIOU()(anchors, truths)
    array([[ 0.5  ],
           [-0.375]])
    """

    _mode = GIOU


class BBoxBatchDIOU(_BatchOverlap):
    """Compute the distance IoU of every box of one set with every box of another.

    ``iou - d**2 / c**2``, where ``d`` is the distance of the centres, and ``c`` the diagonal of the
    smallest box that encloses both; the fraction is 0 where that is 0. The result is in [-1, 1].

    Parameters
    ----------
    axis : int, default -1
        The axis of length 4 that holds a box.
    fmt : {'corner', 'center'}, default 'corner'
        The form of the boxes.

    Raises
    ------
    TypeError
        If a parameter or an input has the wrong type or dtype.
    ValueError
        If `fmt` is unknown, `axis` is out of range or not of length 4, the shapes do not go
        together, an input holds nan or infinity, or `out` does not fit.

    Notes
    -----
    Boxes without extent, inverted ones, and coordinates of every magnitude are taken as by
    `BBoxBatchGIOU`: an inverted box has its centre between its corners, and both are enclosed.
    Centres are nowhere subtracted as such, so that no digits are lost far from the origin.

    References
    ----------
    SPEC section 6; Zheng et al., "Distance-IoU Loss", 2020, equation 7.

    Examples
    --------
    >>> import numpy as np
    >>> anchors = np.array([[0.0, 0.0, 2.0, 2.0], [3.0, 0.0, 4.0, 2.0]])
    >>> truths = np.array([[0.0, 0.0, 2.0, 4.0]])
    >>> BBoxBatchDIOU()(anchors, truths)
    array([[ 0.45     ],
           [-0.2265625]])
    """

    _mode = DIOU


class BBoxBatchCIOU(_BatchOverlap):
    """Compute the complete IoU of every box of one set with every box of another.

    The distance IoU less ``alpha * v``, where ``v = 4 / pi**2 * (atan2(w_a, h_a) - atan2(w_b,
    h_b))**2`` says how far the two are from the same shape, and ``alpha = v / (1 - iou + v)``; that
    product is 0 where ``v`` is 0. Sides are clamped below at 0. The result is in [-1.5, 1].

    Parameters
    ----------
    axis : int, default -1
        The axis of length 4 that holds a box.
    fmt : {'corner', 'center'}, default 'corner'
        The form of the boxes.

    Raises
    ------
    TypeError
        If a parameter or an input has the wrong type or dtype.
    ValueError
        If `fmt` is unknown, `axis` is out of range or not of length 4, the shapes do not go
        together, an input holds nan or infinity, or `out` does not fit.

    Notes
    -----
    Boxes without extent, inverted ones, and coordinates of every magnitude are taken as by
    `BBoxBatchDIOU`. The angle of a box is computed once, in float64; that of a box without width is
    0, whatever its height.

    References
    ----------
    SPEC section 6; Zheng et al., "Distance-IoU Loss", 2020, equations 8 to 11.

    Examples
    --------
    >>> import numpy as np
    >>> anchors = np.array([[0.0, 0.0, 2.0, 2.0], [3.0, 0.0, 4.0, 2.0]])
    >>> truths = np.array([[0.0, 0.0, 2.0, 4.0]])
    >>> BBoxBatchCIOU()(anchors, truths).round(6)
    array([[ 0.446752],
           [-0.226562]])
    """

    _mode = CIOU
