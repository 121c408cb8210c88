"""One square a cell, for detectors that predict from points, and where the points lie."""

from collections.abc import Sequence

import numpy as np

from refkernels.arrays import Array, check_integer
from refkernels.chain.layout import Layout

__all__ = ["FCOS_RANGES", "FCOS_STRIDES", "YOLO_STRIDES", "point_anchors"]

FCOS_STRIDES = (8, 16, 32, 64, 128)
YOLO_STRIDES = (8, 16, 32)

# FCOS 2019, section 3.2: the largest distance that each level is to find.
FCOS_RANGES = ((0.0, 64.0), (64.0, 128.0), (128.0, 256.0), (256.0, 512.0), (512.0, np.inf))


def point_anchors(
    height: int,
    width: int,
    strides: Sequence[int],
    *,
    offset: float = 0.5,
    scale: float = 1.0,
    whole: bool = False,
    ranges: Sequence[tuple[float, float]] | None = None,
) -> tuple[Array, Layout]:
    """Lay a square over each cell of a pyramid, level by level and row by row.

    Parameters
    ----------
    height, width : int
        The size of the network's input in pixels; a level has ``ceil(size / stride)`` cells.
    strides : sequence of int
        Of the levels, in pixels.
    offset : float, default 0.5
        Where in its cell a point lies, in cells: 0.5 is the middle, 0 the corner.
    scale : float, default 1
        The sides of the squares, in strides.
    whole : bool, default False
        Whether the distance of cells is the size of the input over that of the map, rounded down,
        as torchvision has it.
    ranges : sequence of (float, float), optional
        Of the levels: those of the layout.

    Returns
    -------
    anchors : numpy.ndarray, float64, (N, 4)
        Corner boxes in pixels.
    layout : Layout
        Its strides are the levels'.

    Examples
    --------
    >>> anchors, layout = point_anchors(16, 8, [8])
    >>> anchors
    array([[ 0.,  0.,  8.,  8.],
           [ 0.,  8.,  8., 16.]])
    >>> layout.levels
    array([2])
    """
    height, width = check_integer("height", height, low=1), check_integer("width", width, low=1)
    levels, counts = [], []
    for stride in strides:
        rows, columns = -(-height // stride), -(-width // stride)
        apart_y, apart_x = (height // rows, width // columns) if whole else (stride, stride)
        x, y = (np.arange(columns) + offset) * apart_x, (np.arange(rows) + offset) * apart_y
        half = scale * stride / 2
        squares = np.empty((rows, columns, 4))
        squares[..., 0], squares[..., 2] = x - half, x + half
        squares[..., 1], squares[..., 3] = (y - half)[:, None], (y + half)[:, None]
        levels.append(squares.reshape(-1, 4))
        counts.append(rows * columns)
    return np.concatenate(levels), Layout(np.array(counts), np.array(strides), _array(ranges))


def _array(ranges: Sequence[tuple[float, float]] | None) -> Array | None:
    return None if ranges is None else np.array(ranges, np.float64)
