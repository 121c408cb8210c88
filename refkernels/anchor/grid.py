"""The operator that lays the anchors of one cell over a feature map."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, SupportsIndex

import numpy as np
import numpy.typing as npt

from refkernels.arrays import (
    Array,
    as_sequence,
    check_choice,
    check_dtype,
    check_flag,
    check_integer,
    check_number,
    check_numbers,
    computing_dtype,
    keep,
    require,
    rounded_to_computing,
    shown,
)
from refkernels.arrays.printing import times
from refkernels.jit import jit

__all__ = ["AnchorGrid"]

DTYPES = ("float16", "float32", "float64")

# There are no more anchors in a grid, as there are none in an assigner.
MOST = 2**31 - 1


@dataclass(frozen=True)
class AnchorGrid:
    """Lay anchors of every size and ratio over each cell of a feature map.

    The centre of a cell at row y and column x is ``((x + offset) * stride, (y + offset) * stride)``
    and an anchor of size s and ratio r is ``s / sqrt(r)`` wide and ``s * sqrt(r)`` high: all of one
    size have one area.

    Parameters
    ----------
    sizes : sequence of float
        The square roots of areas, in pixels. Over 0.
    ratios : sequence of float
        Heights divided by widths. Over 0.
    stride : float or (float, float)
        The distance of neighbouring cells in pixels, or the vertical and the horizontal one. Over
        0.
    offset : float, default 0.5
        Where in its cell a centre lies, in cells: 0.5 is the middle, 0 the corner.
    rounded : bool, default False
        Whether half the sides are rounded to whole pixels, halves to even.
    order : {'ratio', 'size'}, default 'ratio'
        Within a cell, the anchors come by ratio and those of one ratio by size, or by size and
        those of one size by ratio.
    dtype : {'float32', 'float64', 'float16'}
        That of the anchors.

    Raises
    ------
    TypeError
        If a parameter has the wrong type.
    ValueError
        If a parameter is out of range, in the computing dtype too, there is no size or no ratio, or
        the grid is too large: over 2**31 - 1 anchors, or beyond the numbers of its dtype.

    Notes
    -----
    Sizes, ratios, stride and offset are rounded to the dtype, for float16 to float32, in which the
    grid is computed then; half the sides are computed from these in double precision.

    References
    ----------
    SPEC section 6; Ren et al., "Faster R-CNN", 2015, section 3.1.1; Lin et al., "Focal loss for
    dense object detection", 2017, section 4.

    Examples
    --------
    >>> AnchorGrid(sizes=[8], ratios=[1, 4], stride=16)(1, 2)
    array([[ 4.,  4., 12., 12.],
           [ 6.,  0., 10., 16.],
           [20.,  4., 28., 12.],
           [22.,  0., 26., 16.]], dtype=float32)
    """

    sizes: Sequence[float]
    ratios: Sequence[float]
    stride: float | tuple[float, float]
    offset: float = 0.5
    rounded: bool = False
    order: str = "ratio"
    dtype: npt.DTypeLike = "float32"

    def __post_init__(self) -> None:
        dtype = check_dtype("dtype", self.dtype, DTYPES)
        for name in ("sizes", "ratios"):
            given = as_sequence(name, getattr(self, name), "numbers")
            require(len(given) > 0, f"{name}: expected one number at least, got none")
            _keep_positive(
                self, name, [check_number(f"{name}[{i}]", n) for i, n in enumerate(given)]
            )
        stride = self.stride
        if isinstance(stride, (list, tuple)):
            _keep_positive(self, "stride", check_numbers("stride", stride, 2))
        else:
            number = check_number("stride", stride)
            require(number > 0, f"stride: expected a number over 0, got {number}")
            keep(self, stride=number)
        keep(
            self,
            offset=check_number("offset", self.offset),
            rounded=check_flag("rounded", self.rounded),
            order=check_choice("order", self.order, ("ratio", "size")),
            dtype=dtype,
        )
        for name in ("sizes", "ratios", "stride", "offset"):
            own = _own(getattr(self, name), dtype)
            require(
                bool(np.isfinite(own).all() and (name == "offset" or own.all())),
                f"{name}: {shown(getattr(self, name))} overflows or vanishes in {own.dtype}",
            )

    @property
    def halves(self) -> Array:
        """Half the width and half the height of a cell's anchors, (A, 2), as they are computed."""
        sizes, ratios = (
            _own(own, self.dtype).astype(np.float64) for own in (self.sizes, self.ratios)
        )
        if self.order == "ratio":
            size, root = np.tile(sizes, len(ratios)), np.repeat(np.sqrt(ratios), len(sizes))
        else:
            size, root = np.repeat(sizes, len(ratios)), np.tile(np.sqrt(ratios), len(sizes))
        halves: Array = np.stack([size / root, size * root], axis=1) / 2
        return np.rint(halves) if self.rounded else halves

    def __call__(self, height: SupportsIndex, width: SupportsIndex) -> Array:
        """Lay out the anchors of a feature map.

        Parameters
        ----------
        height, width : int
            The numbers of its rows and columns. At least 0.

        Returns
        -------
        numpy.ndarray, (height * width * A, 4)
            Corner boxes in pixels: row by row, column by column, and the A anchors of a cell one
            after the other. Those near the border reach beyond the image.
        """
        rows = check_integer("height", height, low=0, high=MOST)
        columns = check_integer("width", width, low=0, high=MOST)
        dtype = np.dtype(self.dtype)
        stride, offset = _own(self.stride, dtype), _own(self.offset, dtype)
        with np.errstate(all="ignore"):
            halves = self.halves.astype(stride.dtype)
        count = rows * columns * len(halves)
        require(
            count <= MOST,
            f"height and width: expected no more than {MOST} anchors, got {count}: "
            f"{times(rows, 'row')} and "
            f"{times(columns, 'column')} of {len(halves)}",
        )
        out = np.empty((rows, columns, len(halves), 4), stride.dtype)
        with np.errstate(all="ignore"):
            _lay_out(halves, np.broadcast_to(stride, 2).copy(), offset[()], out)
            anchors = out.reshape(-1, 4).astype(dtype, copy=False)
        # Corners grow along rows and columns.
        ends = anchors[: len(halves)], anchors[count - len(halves) :]
        require(
            count == 0 or all(np.isfinite(end).all() for end in ends),
            f"dtype: {dtype} has no numbers for {times(rows, 'row')} and "
            f"{times(columns, 'column')} of {self!r}",
        )
        return anchors


def _keep_positive(owner: Any, name: str, numbers: Sequence[float]) -> None:
    for i, number in enumerate(numbers):
        require(number > 0, f"{name}[{i}]: expected a number over 0, got {number}")
    keep(owner, **{name: tuple(numbers)})


def _own(value: Any, dtype: npt.DTypeLike) -> Array:
    """Round one parameter, or several, to the computing dtype."""
    if not isinstance(value, tuple):
        return np.asarray(rounded_to_computing(value, dtype))
    return np.array([rounded_to_computing(one, dtype) for one in value], computing_dtype(dtype))


@jit
def _lay_out(halves, stride, offset, out):  # type: ignore[no-untyped-def]
    """Fill `out` (H, W, A, 4); `stride` is the vertical and the horizontal one."""
    real = out.dtype.type
    for row in range(out.shape[0]):
        center_y = (real(row) + offset) * stride[0]
        for column in range(out.shape[1]):
            center_x = (real(column) + offset) * stride[1]
            for k in range(out.shape[2]):
                out[row, column, k, 0] = center_x - halves[k, 0]
                out[row, column, k, 1] = center_y - halves[k, 1]
                out[row, column, k, 2] = center_x + halves[k, 0]
                out[row, column, k, 3] = center_y + halves[k, 1]
