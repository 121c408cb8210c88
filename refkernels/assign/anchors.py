"""Anchor boxes as published detectors lay them out.

All generators return corner boxes (xmin, ymin, xmax, ymax) in pixels of the network's input, as
float64, in the order of the networks' outputs: level by level from fine to coarse, row by row, cell
by cell, and the anchors of a cell one after the other. Boxes are not clipped to the image.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from refkernels.arrays import Array, check_choice

__all__ = ["grid_anchors", "ssd300_anchors"]


def grid_anchors(cell: Array, rows: int, columns: int, step: tuple[float, float]) -> Array:
    """Lay the anchors of one cell over a feature map.

    Parameters
    ----------
    cell : numpy.ndarray, (A, 4)
        Corner boxes relative to the first cell's centre, or to its corner where that is what the
        boxes are placed around.
    rows, columns : int
        The feature map's size.
    step : (float, float)
        The distance of neighbouring cells in pixels, along x and y.

    Returns
    -------
    numpy.ndarray, float64, (rows * columns * A, 4)
    """
    x = np.arange(columns, dtype=np.float64) * step[0]
    y = np.arange(rows, dtype=np.float64) * step[1]
    shift = np.empty((rows, columns, 1, 4))
    shift[..., 0] = shift[..., 2] = x[None, :, None]
    shift[..., 1] = shift[..., 3] = y[:, None, None]
    return np.ascontiguousarray((shift + cell).reshape(-1, 4))


_SSD300_SIZES = {
    "voc": (30, 60, 111, 162, 213, 264, 315),
    "coco": (21, 45, 99, 153, 207, 261, 315),
}


def ssd300_anchors(dataset: str = "voc") -> Array:
    """Generate the 8,732 default boxes of SSD300, for input images of 300 x 300 pixels.

    Parameters
    ----------
    dataset : {'voc', 'coco'}
        Which of the two published scales: boxes for COCO start smaller.

    Returns
    -------
    numpy.ndarray, float64, (8732, 4)
        Corner boxes in pixels. Those near the border reach beyond the image.

    References
    ----------
    Liu et al., "SSD: Single Shot MultiBox Detector", 2016, sections 2.2, 3.1 and 3.4; the exact
    sizes are those of the authors' code (`ssd_pascal.py`, `ssd_coco.py`), where they come from the
    scales by integer division.

    Examples
    --------
    >>> anchors = ssd300_anchors()
    >>> anchors.shape, anchors[0]
    ((8732, 4), array([-11., -11.,  19.,  19.]))
    """
    dataset = check_choice("dataset", dataset, tuple(_SSD300_SIZES))
    few, many = (2.0,), (2.0, 3.0)
    return _ssd_anchors(
        maps=(38, 19, 10, 5, 3, 1),
        steps=(8, 16, 32, 64, 100, 300),
        sizes=_SSD300_SIZES[dataset],
        aspects=(few, many, many, many, few, few),
    )


def _ssd_anchors(
    maps: Sequence[int],
    steps: Sequence[float],
    sizes: Sequence[float],
    aspects: Sequence[Sequence[float]],
) -> Array:
    """In each cell: the square of the level's size, that of the geometric mean with the next
    level's, then for each aspect ratio the box of that ratio and the one of its inverse.
    """
    levels = []
    for count, step, (size, larger), ratios in zip(
        maps, steps, pairwise(sizes), aspects, strict=True
    ):
        shapes = [(size, size), ((size * larger) ** 0.5,) * 2]
        for ratio in ratios:
            wide, narrow = size * ratio**0.5, size / ratio**0.5
            shapes += [(wide, narrow), (narrow, wide)]
        half = np.array(shapes) / 2
        centre = step / 2
        cell = np.concatenate([centre - half, centre + half], axis=1)
        levels.append(grid_anchors(cell, count, count, (step, step)))
    return np.concatenate(levels)
