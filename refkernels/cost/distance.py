"""The distance of the centres of boxes."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from refkernels.arrays import (
    Array,
    as_boxes,
    check_batch,
    check_choice,
    check_finite,
    check_integer,
    common_real,
    keep,
    to_computing,
)
from refkernels.bbox.base import FORMATS, as_batch
from refkernels.jit import jit

# Target assignment measures with the same kernels.
__all__ = ["RANGES", "CenterDistance", "center_of", "scaled_distance"]


class Range(NamedTuple):
    """Between which squares a distance is computed as it stands.

    Attributes
    ----------
    least, most : float
        What underflows next to a square of at least `least` is below its last digit, and none of at
        most `most` has overflowed.
    up, down : float
        The powers of two by which sides are multiplied where the square of the distance is less, or
        more.
    """

    least: Any
    most: Any
    up: Any
    down: Any


def _range(dtype: Any, up: int, down: int) -> Range:
    info, number = np.finfo(dtype), np.dtype(dtype).type
    least = number(info.tiny / info.eps)
    return Range(least, number(info.max), number(2.0**up), number(2.0**down))


RANGES = {
    np.dtype(np.float32): _range(np.float32, 100, -70),
    np.dtype(np.float64): _range(np.float64, 600, -600),
}


@dataclass(frozen=True)
class CenterDistance:
    """Compute the Euclidean distance of the centres of every two boxes of two sets.

    The centre of a corner box is ``((xmin + xmax) / 2, (ymin + ymax) / 2)``, whatever its extent;
    the distance is ``sqrt(dx**2 + dy**2)``.

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
        together, or an input holds nan or infinity.

    Notes
    -----
    Where a square overflows, or loses digits, the pair is computed with its sides multiplied by a
    power of two; so every finite input has its distance, and infinity stands only where that is
    beyond the dtype. A distance depends on its two boxes alone.

    References
    ----------
    SPEC section 6; Zhang et al., "Bridging the gap between anchor-based and anchor-free detection
    via adaptive training sample selection", 2020, algorithm 1 (`ATSSMatcher` takes the distances).

    Examples
    --------
    >>> import numpy as np
    >>> anchors = np.array([[0.0, 0.0, 2.0, 2.0], [4.0, 4.0, 6.0, 6.0]])
    >>> truths = np.array([[3.0, 4.0, 5.0, 6.0]])
    >>> CenterDistance()(anchors, truths)
    array([[5.],
           [1.]])
    """

    axis: int = -1
    fmt: str = "corner"

    def __post_init__(self) -> None:
        keep(
            self,
            axis=check_integer("axis", self.axis),
            fmt=check_choice("fmt", self.fmt, FORMATS),
        )

    def __call__(self, a: npt.ArrayLike, b: npt.ArrayLike) -> Array:
        """Compute the distance of every pair.

        Parameters
        ----------
        a : array_like, real, (B, N, 4) or (N, 4)
            Boxes; with ``axis=1`` of shape (B, 4, N), and so on.
        b : array_like, real, (B, M, 4) or (M, 4)
            Boxes. A batch of 1, on either side, goes with any batch.

        Returns
        -------
        numpy.ndarray, (B, N, M), or (N, M) if both come without a batch
            Distances, in the unit of the boxes and the common dtype of `a` and `b`.
        """
        boxes_a = as_boxes("a", a, self.axis, finite=False)
        boxes_b = as_boxes("b", b, self.axis, finite=False)
        dtype = common_real(boxes_a, boxes_b)
        batch_a, batch_b = as_batch("a", boxes_a), as_batch("b", boxes_b)
        size = check_batch(a=len(batch_a), b=len(batch_b))
        rows, columns = to_computing(batch_a, dtype), to_computing(batch_b, dtype)
        out = np.empty((size, rows.shape[1], columns.shape[1]), rows.dtype)
        sure = _distances(rows, columns, self.fmt == "corner", *RANGES[out.dtype], out)
        # Of boxes in centre form the kernel sees the centres alone.
        if not sure or not out.size or self.fmt == "center":
            for name, boxes in (("a", boxes_a), ("b", boxes_b)):
                check_finite(name, np.moveaxis(boxes, -1, self.axis))
        with np.errstate(all="ignore"):
            distances = out.astype(dtype, copy=False)
        return distances if max(boxes_a.ndim, boxes_b.ndim) == 3 else distances[0]


@jit
def center_of(low, high, half, corner):  # type: ignore[no-untyped-def]
    """Return the middle of a side, halved before it is added up: so it cannot overflow."""
    return low * half + high * half if corner else low


@jit
def _distances(a, b, corner, least, most, up, down, out):  # type: ignore[no-untyped-def]
    """Fill `out` (B, N, M) with the distances of `a` (B or 1, N, 4) and `b` (B or 1, M, 4).

    Returns whether all squares were in range; else an input may be nan or infinite.
    """
    half = out.dtype.type(0.5)
    x, y = np.empty(out.shape[2], out.dtype), np.empty(out.shape[2], out.dtype)
    all_sure = True
    for image in range(out.shape[0]):
        rows = a[min(image, a.shape[0] - 1)]
        columns = b[min(image, b.shape[0] - 1)]
        for j in range(columns.shape[0]):
            x[j] = center_of(columns[j, 0], columns[j, 2], half, corner)
            y[j] = center_of(columns[j, 1], columns[j, 3], half, corner)
        for i in range(rows.shape[0]):
            own_x = center_of(rows[i, 0], rows[i, 2], half, corner)
            own_y = center_of(rows[i, 1], rows[i, 3], half, corner)
            row = out[image, i]
            sure = True
            for j in range(row.size):
                dx, dy = own_x - x[j], own_y - y[j]
                square = dx * dx + dy * dy
                row[j] = np.sqrt(square)
                sure &= (square >= least) & (square <= most)
            if sure:
                continue
            all_sure = False
            for j in range(row.size):
                row[j] = scaled_distance(own_x - x[j], own_y - y[j], least, most, up, down)
    return all_sure


@jit
def scaled_distance(dx, dy, least, most, up, down):  # type: ignore[no-untyped-def]
    """Return the distance, with the sides multiplied by a power of two where that is needed."""
    square = dx * dx + dy * dy
    if least <= square <= most:
        return np.sqrt(square)
    power = up if square < least else down
    # A power of two and its reciprocal are exact.
    dx, dy = dx * power, dy * power
    return np.sqrt(dx * dx + dy * dy) / power
