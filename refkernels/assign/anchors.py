"""Anchor boxes as published detectors lay them out.

All generators return corner boxes (xmin, ymin, xmax, ymax) in pixels of the network's input, as
float64, in the order of the networks' outputs: level by level from fine to coarse, row by row, cell
by cell, and the anchors of a cell one after the other. Boxes are not clipped to the image.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from refkernels.arrays import (
    Array,
    as_boxes,
    check_choice,
    check_flag,
    check_integer,
    check_numbers,
    require,
)
from refkernels.arrays.printing import times

__all__ = [
    "faster_rcnn_anchors",
    "grid_anchors",
    "retinanet_anchors",
    "rpn_fpn_anchors",
    "ssd300_anchors",
    "ssd512_anchors",
    "yolo3_anchors",
]

RATIOS = (0.5, 1.0, 2.0)  # height / width

# No assigner has more.
MOST = 2**31 - 1


def grid_anchors(cell: Array, rows: int, columns: int, step: tuple[float, float]) -> Array:
    """Lay the anchors of one cell over a feature map.

    Parameters
    ----------
    cell : numpy.ndarray, (A, 4)
        Corner boxes of the first cell, that of row 0 and column 0.
    rows, columns : int
        The feature map's size.
    step : (float, float)
        The distance of neighbouring cells in pixels, along x and y.

    Returns
    -------
    numpy.ndarray, float64, (rows * columns * A, 4)
    """
    first = as_boxes("cell", cell).astype(np.float64)
    require(first.ndim == 2, f"cell: expected (A, 4), got shape {first.shape}")
    rows, columns = check_integer("rows", rows, low=0), check_integer("columns", columns, low=0)
    _check_count(rows, columns, len(first))
    step_x, step_y = check_numbers("step", step, 2)
    x = np.arange(columns, dtype=np.float64) * step_x
    y = np.arange(rows, dtype=np.float64) * step_y
    shift = np.empty((rows, columns, 1, 4))
    shift[..., 0] = shift[..., 2] = x[None, :, None]
    shift[..., 1] = shift[..., 3] = y[:, None, None]
    return np.ascontiguousarray((shift + first).reshape(-1, 4))


def _check_count(rows: int, columns: int, each: int) -> None:
    count = rows * columns * each
    require(
        count <= MOST,
        f"expected no more than {MOST} anchors, got {count}: {times(rows, 'row')} and "
        f"{times(columns, 'column')} of "
        f"{each}",
    )


# SSD

_SSD300_SIZES = {
    "voc": (30, 60, 111, 162, 213, 264, 315),
    "coco": (21, 45, 99, 153, 207, 261, 315),
}
_SSD512_SIZES = {
    "voc": (35.84, 76.8, 153.6, 230.4, 307.2, 384.0, 460.8, 537.6),
    "coco": (20.48, 51.2, 133.12, 215.04, 296.96, 378.88, 460.8, 542.72),
}
_FEW, _MANY = (2.0,), (2.0, 3.0)


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
    return _ssd_anchors(
        maps=(38, 19, 10, 5, 3, 1),
        steps=(8, 16, 32, 64, 100, 300),
        sizes=_SSD300_SIZES[check_choice("dataset", dataset, tuple(_SSD300_SIZES))],
        aspects=(_FEW, _MANY, _MANY, _MANY, _FEW, _FEW),
    )


def ssd512_anchors(dataset: str = "voc") -> Array:
    """Generate the 24,564 default boxes of SSD512, for input images of 512 x 512 pixels.

    Parameters
    ----------
    dataset : {'voc', 'coco'}
        Which of the two published scales: boxes for COCO start smaller.

    Returns
    -------
    numpy.ndarray, float64, (24564, 4)
        Corner boxes in pixels. Those near the border reach beyond the image.

    References
    ----------
    Liu et al., "SSD: Single Shot MultiBox Detector", 2016, table 1 counts the boxes; the sizes are
    those of the authors' code (`ssd_pascal_512`, `ssd_coco_512`).

    Examples
    --------
    >>> ssd512_anchors().shape
    (24564, 4)
    """
    return _ssd_anchors(
        maps=(64, 32, 16, 8, 4, 2, 1),
        steps=(8, 16, 32, 64, 128, 256, 512),
        sizes=_SSD512_SIZES[check_choice("dataset", dataset, tuple(_SSD512_SIZES))],
        aspects=(_FEW, _MANY, _MANY, _MANY, _MANY, _FEW, _FEW),
    )


def _ssd_anchors(
    maps: Sequence[int],
    steps: Sequence[float],
    sizes: Sequence[float],
    aspects: Sequence[Sequence[float]],
) -> Array:
    # In each cell: the square of the level's size, that of the geometric mean with the next
    # level's, then for each aspect ratio the box of that ratio and the one of its inverse.
    levels = []
    for count, step, (size, larger), ratios in zip(
        maps, steps, pairwise(sizes), aspects, strict=True
    ):
        shapes = [(size, size), ((size * larger) ** 0.5,) * 2]
        for ratio in ratios:
            wide, narrow = size * ratio**0.5, size / ratio**0.5
            shapes += [(wide, narrow), (narrow, wide)]
        levels.append(grid_anchors(_centred(shapes, step / 2), count, count, (step, step)))
    return np.concatenate(levels)


# Region proposals and RetinaNet


def rpn_fpn_anchors(height: int = 1024, width: int = 1024, *, rounded: bool = False) -> Array:
    """Generate the anchors of a region proposal network on a feature pyramid.

    One size a level, 32 to 512 pixels on strides 4 to 64, and three ratios: 261,888 anchors for
    1024 x 1024 pixels.

    Parameters
    ----------
    height, width : int
        The size of the network's input in pixels; a level has ``ceil(size / stride)`` cells.
    rounded : bool, default False
        Round the corners of each cell's anchors to whole pixels, as torchvision does.

    Returns
    -------
    numpy.ndarray, float64, (N, 4)
        Corner boxes in pixels, centred at whole multiples of the stride, from 0 on; in a cell by
        ascending height / width.

    References
    ----------
    Lin et al., "Feature Pyramid Networks for Object Detection", 2017, section 4.1. Placement and
    order are those of Detectron2 (`DefaultAnchorGenerator`) and, with `rounded`, of torchvision
    (`AnchorGenerator` as `fasterrcnn_resnet50_fpn` sets it up).

    Examples
    --------
    >>> rpn_fpn_anchors().shape
    (261888, 4)
    """
    strides = (4, 8, 16, 32, 64)
    return _pyramid_anchors(height, width, strides, [(8 * stride,) for stride in strides], rounded)


def retinanet_anchors(height: int = 1024, width: int = 1024, *, rounded: bool = False) -> Array:
    """Generate the anchors of RetinaNet.

    Nine a cell: sizes of 4, 5.04 and 6.35 strides, each with three ratios, on strides 8 to 128.

    Parameters
    ----------
    height, width : int
        The size of the network's input in pixels; a level has ``ceil(size / stride)`` cells.
    rounded : bool, default False
        Truncate sizes and round the corners of each cell's anchors to whole pixels, as torchvision
        does.

    Returns
    -------
    numpy.ndarray, float64, (N, 4)
        Corner boxes in pixels, centred at whole multiples of the stride, from 0 on; in a cell by
        ascending height / width, then by size.

    References
    ----------
    Lin et al., "Focal Loss for Dense Object Detection", 2017, section 4, "Anchors". Placement is
    that of Detectron2 and torchvision; the order is torchvision's
    (`AnchorGenerator` as `retinanet_resnet50_fpn` sets it up).

    Examples
    --------
    >>> retinanet_anchors(512, 512).shape
    (49104, 4)
    """
    strides = (8, 16, 32, 64, 128)
    sizes = [tuple(4 * stride * 2 ** (octave / 3) for octave in range(3)) for stride in strides]
    if check_flag("rounded", rounded):
        sizes = [tuple(float(int(size)) for size in level) for level in sizes]
    return _pyramid_anchors(height, width, strides, sizes, rounded)


def _pyramid_anchors(
    height: int,
    width: int,
    strides: Sequence[int],
    sizes: Sequence[Sequence[float]],
    rounded: bool,
) -> Array:
    check_flag("rounded", rounded)
    levels = []
    for stride, level in zip(strides, sizes, strict=True):
        shapes = [(size / ratio**0.5, size * ratio**0.5) for ratio in RATIOS for size in level]
        cell = _centred(shapes, 0.0)
        levels.append(_over_image(cell.round() if rounded else cell, height, width, stride))
    return np.concatenate(levels)


def faster_rcnn_anchors(height: int = 600, width: int = 1000) -> Array:
    """Generate the anchors of Faster R-CNN's region proposals on one feature map of stride 16.

    Nine a cell: about 128, 256 and 512 pixels, each with three ratios, with sides that are whole
    multiples of 8, 16 and 32 pixels.

    Parameters
    ----------
    height, width : int
        The size of the network's input in pixels; the map has ``ceil(size / 16)`` cells.

    Returns
    -------
    numpy.ndarray, float64, (N, 4)
        Corner boxes in pixels, centred in their cells; in a cell by ascending height / width, then
        by size. In the authors' code a box ends at its last pixel; here it ends one further on,
        where that pixel ends.

    References
    ----------
    Ren et al., "Faster R-CNN", 2015, section 3.1.1; the sides are those of the authors' code
    (`generate_anchors.py`), which rounds those of the ratios at 16 pixels, and then scales.

    Examples
    --------
    >>> faster_rcnn_anchors()[0]  # 184 x 96 pixels around (8, 8)
    array([-84., -40., 100.,  56.])
    """
    stride = 16
    shapes = []
    for ratio in RATIOS:
        wide = round((stride * stride / ratio) ** 0.5)
        high = round(wide * ratio)
        shapes += [(wide * scale, high * scale) for scale in (8, 16, 32)]
    return _over_image(_centred(shapes, stride / 2), height, width, stride)


# YOLO

_YOLO3_SHAPES = {
    8: ((10, 13), (16, 30), (33, 23)),
    16: ((30, 61), (62, 45), (59, 119)),
    32: ((116, 90), (156, 198), (373, 326)),
}


def yolo3_anchors(height: int = 416, width: int = 416) -> Array:
    """Generate the bounding box priors of YOLOv3, centred in their cells.

    Three a cell on strides 8, 16 and 32: 10,647 for 416 x 416 pixels.

    Parameters
    ----------
    height, width : int
        The size of the network's input in pixels; a level has ``ceil(size / stride)`` cells.

    Returns
    -------
    numpy.ndarray, float64, (N, 4)
        Corner boxes in pixels, in a cell by ascending size.

    References
    ----------
    Redmon and Farhadi, "YOLOv3: An Incremental Improvement", 2018, section 2.3.

    Examples
    --------
    >>> yolo3_anchors().shape
    (10647, 4)
    """
    return np.concatenate(
        [
            _over_image(_centred(shapes, stride / 2), height, width, stride)
            for stride, shapes in _YOLO3_SHAPES.items()
        ]
    )


def _centred(shapes: Sequence[tuple[float, float]], centre: float) -> Array:
    """Return boxes of these (width, height) around (centre, centre)."""
    half = np.array(shapes, np.float64) / 2
    return np.concatenate([centre - half, centre + half], axis=1)


def _over_image(cell: Array, height: int, width: int, stride: int) -> Array:
    height = check_integer("height", height, low=1)
    width = check_integer("width", width, low=1)
    return grid_anchors(cell, -(-height // stride), -(-width // stride), (stride, stride))
