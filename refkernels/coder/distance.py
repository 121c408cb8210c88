"""Operators that encode a box as the distances of a point from its sides, and decode these."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from refkernels.arrays import (
    Array,
    as_boxes,
    as_real,
    check_flag,
    common_real,
    keep,
    require,
    to_computing,
)
from refkernels.coder.assignment import with_batch
from refkernels.jit import jit

__all__ = ["DistanceDecoder", "DistanceEncoder"]


@dataclass(frozen=True)
class DistanceEncoder:
    """Encode boxes as the distances of points from their four sides.

    With the point (x, y) and its box (xmin, ymin, xmax, ymax), they are ``x - xmin``, ``y - ymin``,
    ``xmax - x`` and ``ymax - y``: none is negative where the point is in the box.

    Parameters
    ----------
    normalize : bool, default False
        Whether each is divided by the size that belongs to its point, along its axis.

    Raises
    ------
    TypeError
        If `normalize` or an input has the wrong type or dtype.
    ValueError
        If shapes do not go together, an input holds nan or infinity, sizes are not over 0, are
        missing, or are given though nothing is normalised.

    References
    ----------
    SPEC section 6; Tian et al., "FCOS: Fully convolutional one-stage object detection", 2019,
    equation 1.

    Examples
    --------
    >>> import numpy as np
    >>> points, boxes = np.array([[4.0, 6.0]]), np.array([[1.0, 2.0, 9.0, 8.0]])
    >>> DistanceEncoder()(points, boxes)
    array([[3., 4., 5., 2.]])
    >>> DistanceEncoder(normalize=True)(points, boxes, np.array([[2.0, 4.0]]))
    array([[1.5, 1. , 2.5, 0.5]])
    """

    normalize: bool = False

    def __post_init__(self) -> None:
        keep(self, normalize=check_flag("normalize", self.normalize))

    def __call__(
        self, points: npt.ArrayLike, boxes: npt.ArrayLike, sizes: npt.ArrayLike | None = None
    ) -> Array:
        """Encode `boxes`.

        Parameters
        ----------
        points : array_like, real, (N, 2)
            The x and y of each point; of all images the same.
        boxes : array_like, real, (B, N, 4) or (N, 4)
            Corner boxes: of each point, the one that it is to find.
        sizes : array_like, real, (N, 2), optional
            What distances along x, and what those along y, are divided by, such as a stride. Over
            0; there exactly if `normalize`.

        Returns
        -------
        numpy.ndarray, (B, N, 4) or (N, 4)
            The distances left, top, right and bottom, in the common dtype of the inputs.
        """
        return _coded(self.normalize, _encode, points, ("boxes", boxes), sizes)


@dataclass(frozen=True)
class DistanceDecoder:
    """Decode the distances of points from four sides into boxes: `DistanceEncoder` backwards.

    With the point (x, y) and its distances (l, t, r, b), the box is ``(x - l, y - t, x + r,
    y + b)``.

    Parameters
    ----------
    normalize : bool, default False
        Whether each distance is multiplied by the size that belongs to its point, along its axis.

    Raises
    ------
    TypeError
        If `normalize` or an input has the wrong type or dtype.
    ValueError
        As `DistanceEncoder`.

    References
    ----------
    SPEC section 6; Tian et al., "FCOS: Fully convolutional one-stage object detection", 2019,
    equation 1.

    Examples
    --------
    >>> import numpy as np
    >>> DistanceDecoder()(np.array([[4.0, 6.0]]), np.array([[3.0, 4.0, 5.0, 2.0]]))
    array([[1., 2., 9., 8.]])
    """

    normalize: bool = False

    def __post_init__(self) -> None:
        keep(self, normalize=check_flag("normalize", self.normalize))

    def __call__(
        self, points: npt.ArrayLike, distances: npt.ArrayLike, sizes: npt.ArrayLike | None = None
    ) -> Array:
        """Decode `distances`.

        Parameters
        ----------
        points : array_like, real, (N, 2)
            The x and y of each point; of all images the same.
        distances : array_like, real, (B, N, 4) or (N, 4)
            Left, top, right and bottom.
        sizes : array_like, real, (N, 2), optional
            What distances along x, and what those along y, are multiplied by. Over 0; there exactly
            if `normalize`.

        Returns
        -------
        numpy.ndarray, (B, N, 4) or (N, 4)
            Corner boxes, in the common dtype of the inputs.
        """
        return _coded(self.normalize, _decode, points, ("distances", distances), sizes)


def _coded(
    normalize: bool,
    kernel: Callable[..., None],
    points: npt.ArrayLike,
    rows: tuple[str, npt.ArrayLike],
    sizes: npt.ArrayLike | None,
) -> Array:
    """Check the inputs, and run a kernel on them: what is common to both ways."""
    name, given = rows
    centers = as_real("points", points)
    batch, batched = with_batch(name, as_boxes(name, given), "(N, 4)")
    count = batch.shape[1]
    require(
        centers.ndim == 2 and centers.shape[1] == 2,
        f"points: expected (N, 2), got shape {centers.shape}",
    )
    require(
        len(centers) == count,
        f"points: expected one for each of {count} {name}, got shape {centers.shape}",
    )
    reals = [centers, batch]
    if normalize:
        require(sizes is not None, "sizes: expected (N, 2), since normalize is set, got None")
        reals.append(_as_sizes(sizes, count))
    else:
        require(sizes is None, "sizes: expected None, since normalize is not set, got an array")
    dtype = common_real(*reals)
    inputs = [to_computing(real, dtype) for real in reals]
    if not normalize:
        inputs.append(np.ones((1, 2), inputs[0].dtype))  # which changes nothing
    out = np.empty(batch.shape, inputs[0].dtype)
    with np.errstate(all="ignore"):
        kernel(*inputs, out)
        coded = out.astype(dtype, copy=False)
    return coded if batched else coded[0]


def _as_sizes(sizes: npt.ArrayLike | None, count: int) -> Array:
    scales = as_real("sizes", sizes)
    require(
        scales.shape == (count, 2),
        f"sizes: expected ({count}, 2), one for each of points, got shape {scales.shape}",
    )
    if not (scales > 0).all():
        where = [int(i) for i in np.argwhere(~(scales > 0))[0]]
        value = scales[tuple(where)]
        raise ValueError(f"sizes{where} is {value}, expected numbers over 0")
    return scales


@jit
def _encode(points, boxes, sizes, out):  # type: ignore[no-untyped-def]
    """Fill `out` (B, N, 4) with distances in `sizes`, (N, 2), or one for all points."""
    for image in range(boxes.shape[0]):
        for i in range(boxes.shape[1]):
            size = sizes[min(i, sizes.shape[0] - 1)]
            out[image, i, 0] = (points[i, 0] - boxes[image, i, 0]) / size[0]
            out[image, i, 1] = (points[i, 1] - boxes[image, i, 1]) / size[1]
            out[image, i, 2] = (boxes[image, i, 2] - points[i, 0]) / size[0]
            out[image, i, 3] = (boxes[image, i, 3] - points[i, 1]) / size[1]


@jit
def _decode(points, distances, sizes, out):  # type: ignore[no-untyped-def]
    """Fill `out` (B, N, 4) with boxes, of distances in `sizes`, (N, 2), or one for all points."""
    for image in range(distances.shape[0]):
        for i in range(distances.shape[1]):
            size = sizes[min(i, sizes.shape[0] - 1)]
            out[image, i, 0] = points[i, 0] - distances[image, i, 0] * size[0]
            out[image, i, 1] = points[i, 1] - distances[image, i, 1] * size[1]
            out[image, i, 2] = points[i, 0] + distances[image, i, 2] * size[0]
            out[image, i, 3] = points[i, 1] + distances[image, i, 3] * size[1]
