"""Anchors bit for bit as torchvision, detectron2 and mmdetection lay them out.

They differ in little and everywhere: what is rounded, in which precision, in which order the
anchors of a cell come, and how far apart cells are where a map does not divide its image. As those
of `refkernels.assign.anchors` they are corner boxes in pixels of the network's input, level by
level, row by row; in float32, which is what these packages compute them in.
"""

from collections.abc import Sequence

import numpy as np

from refkernels.anchor import AnchorGrid
from refkernels.arrays import Array, check_integer
from refkernels.assign.anchors import RATIOS

__all__ = [
    "detectron2_retinanet_anchors",
    "detectron2_rpn_anchors",
    "mmdet_retinanet_anchors",
    "mmdet_rpn_anchors",
    "mmdet_ssd300_anchors",
    "torchvision_retinanet_anchors",
    "torchvision_rpn_anchors",
    "torchvision_ssd300_anchors",
    "torchvision_ssdlite320_anchors",
]

RPN_STRIDES = (4, 8, 16, 32, 64)
RETINANET_STRIDES = (8, 16, 32, 64, 128)


def _maps(height: int, width: int, strides: Sequence[int]) -> list[tuple[int, int]]:
    """Return the sizes of a pyramid's maps: each convolution of stride 2 rounds up."""
    height, width = check_integer("height", height, low=1), check_integer("width", width, low=1)
    return [(-(-height // stride), -(-width // stride)) for stride in strides]


# torchvision


def torchvision_rpn_anchors(height: int = 800, width: int = 1344) -> Array:
    """Lay out the anchors of ``fasterrcnn_resnet50_fpn`` for a batch of this size.

    Parameters
    ----------
    height, width : int
        The size of the padded batch in pixels; torchvision pads to multiples of 32.

    Returns
    -------
    numpy.ndarray, float32, (N, 4)

    Notes
    -----
    Corners of a cell's anchors are whole pixels, and so is the distance of cells: the size of the
    image over that of the map, rounded down. At 800 x 1344 pixels the coarsest map has 13 rows of
    61 pixels, not 12.5 of 64.

    References
    ----------
    torchvision 0.29, ``AnchorGenerator``.

    Examples
    --------
    >>> torchvision_rpn_anchors(800, 1088).shape
    (217413, 4)
    """
    sizes = [(8 * stride,) for stride in RPN_STRIDES]
    return _torchvision_pyramid(height, width, RPN_STRIDES, sizes)


def torchvision_retinanet_anchors(height: int = 800, width: int = 1344) -> Array:
    """Lay out the anchors of ``retinanet_resnet50_fpn`` for a batch of this size.

    Parameters
    ----------
    height, width : int
        The size of the padded batch in pixels; torchvision pads to multiples of 32.

    Returns
    -------
    numpy.ndarray, float32, (N, 4)

    Notes
    -----
    Sizes are cut to whole pixels, corners rounded to such, and the distance of cells is whole, as
    in `torchvision_rpn_anchors`.

    References
    ----------
    torchvision 0.29, ``AnchorGenerator`` and ``retinanet._default_anchorgen``.

    Examples
    --------
    >>> torchvision_retinanet_anchors(800, 1088).shape
    (163206, 4)
    """
    sizes = [[int(4 * s * 2 ** (octave / 3)) for octave in range(3)] for s in RETINANET_STRIDES]
    return _torchvision_pyramid(height, width, RETINANET_STRIDES, sizes)


def _torchvision_pyramid(
    height: int, width: int, strides: Sequence[int], sizes: Sequence[Sequence[float]]
) -> Array:
    levels = []
    for (rows, columns), own in zip(_maps(height, width, strides), sizes, strict=True):
        apart = (height // rows, width // columns)
        levels.append(AnchorGrid(own, RATIOS, apart, offset=0.0, rounded=True)(rows, columns))
    return np.concatenate(levels)


def torchvision_ssd300_anchors() -> Array:
    """Lay out the 8,732 default boxes of ``ssd300_vgg16``.

    Returns
    -------
    numpy.ndarray, float32, (8732, 4)

    Notes
    -----
    Scales are shares of the image, whose sides in pixels are no whole numbers: 0.07, 0.15, 0.33 and
    so on; the paper's code cuts them to whole pixels (`ssd300_anchors`). Sides are cut to those of
    the image; corners reach beyond it.

    References
    ----------
    torchvision 0.29, ``DefaultBoxGenerator`` and ``ssd300_vgg16``.

    Examples
    --------
    >>> torchvision_ssd300_anchors().shape
    (8732, 4)
    """
    aspects = ((2,), (2, 3), (2, 3), (2, 3), (2,), (2,))
    maps, steps = (38, 19, 10, 5, 3, 1), (8, 16, 32, 64, 100, 300)
    scales = (0.07, 0.15, 0.33, 0.51, 0.69, 0.87, 1.05)
    return _default_boxes(300, maps, [300 / step for step in steps], scales, aspects)


def torchvision_ssdlite320_anchors() -> Array:
    """Lay out the 3,234 default boxes of ``ssdlite320_mobilenet_v3_large``.

    Returns
    -------
    numpy.ndarray, float32, (3234, 4)

    References
    ----------
    torchvision 0.29, ``DefaultBoxGenerator`` and ``ssdlite320_mobilenet_v3_large``.

    Examples
    --------
    >>> torchvision_ssdlite320_anchors().shape
    (3234, 4)
    """
    maps = (20, 10, 5, 3, 2, 1)
    low, high = 0.2, 0.95
    scales = [low + (high - low) * k / (len(maps) - 1.0) for k in range(len(maps))] + [1.0]
    return _default_boxes(320, maps, maps, scales, ((2, 3),) * len(maps))


def _default_boxes(
    image: int,
    maps: Sequence[int],
    divisions: Sequence[float],
    scales: Sequence[float],
    aspects: Sequence[Sequence[float]],
) -> Array:
    """Return default boxes of square maps, whose cells are so many to an image's side."""
    levels = []
    for k, (count, division, ratios) in enumerate(zip(maps, divisions, aspects, strict=True)):
        shared = (scales[k] * scales[k + 1]) ** 0.5
        pairs = [(scales[k],) * 2, (shared,) * 2]
        for ratio in ratios:
            root = ratio**0.5
            wide, narrow = scales[k] * root, scales[k] / root
            pairs += [(wide, narrow), (narrow, wide)]
        sides = np.array(pairs, np.float32).clip(0, 1)
        shifts = (np.arange(count, dtype=np.float32) + np.float32(0.5)) / np.float32(division)
        centres = np.empty((count, count, len(sides), 2), np.float32)
        centres[..., 0], centres[..., 1] = shifts[None, :, None], shifts[:, None, None]
        half = np.float32(0.5) * sides
        corners = np.concatenate([centres - half, centres + half], axis=-1)
        levels.append((corners * np.float32(image)).reshape(-1, 4))
    return np.concatenate(levels)


# detectron2


def detectron2_rpn_anchors(height: int = 800, width: int = 1344) -> Array:
    """Lay out the anchors of detectron2's region proposals on a pyramid, for a batch of this size.

    Parameters
    ----------
    height, width : int
        The size of the padded batch in pixels; detectron2 pads to multiples of 32.

    Returns
    -------
    numpy.ndarray, float32, (N, 4)

    References
    ----------
    detectron2 0.6, ``DefaultAnchorGenerator`` and ``Base-RCNN-FPN.yaml``.

    Examples
    --------
    >>> detectron2_rpn_anchors(800, 1088).shape
    (217413, 4)
    """
    sizes = [(8 * stride,) for stride in RPN_STRIDES]
    return _detectron2_pyramid(height, width, RPN_STRIDES, sizes)


def detectron2_retinanet_anchors(height: int = 800, width: int = 1344) -> Array:
    """Lay out the anchors of detectron2's RetinaNet, for a batch of this size.

    In a cell they come by size, then by ratio.

    Parameters
    ----------
    height, width : int
        The size of the padded batch in pixels; detectron2 pads to multiples of 32.

    Returns
    -------
    numpy.ndarray, float32, (N, 4)

    References
    ----------
    detectron2 0.6, ``DefaultAnchorGenerator`` and ``Base-RetinaNet.yaml``.

    Examples
    --------
    >>> detectron2_retinanet_anchors(800, 1088).shape
    (163206, 4)
    """
    sizes = [[4 * s * 2 ** (octave / 3) for octave in range(3)] for s in RETINANET_STRIDES]
    return _detectron2_pyramid(height, width, RETINANET_STRIDES, sizes)


def _detectron2_pyramid(
    height: int, width: int, strides: Sequence[int], sizes: Sequence[Sequence[float]]
) -> Array:
    levels = []
    for (rows, columns), stride, own in zip(
        _maps(height, width, strides), strides, sizes, strict=True
    ):
        cell = []
        for size in own:
            for ratio in RATIOS:
                wide = (size**2.0 / ratio) ** 0.5
                high = ratio * wide
                cell.append([-wide / 2.0, -high / 2.0, wide / 2.0, high / 2.0])
        levels.append(_laid_out(np.array(cell, np.float32), rows, columns, stride))
    return np.concatenate(levels)


# mmdetection


def mmdet_rpn_anchors(height: int = 800, width: int = 1344) -> Array:
    """Lay out the anchors of mmdetection's region proposals on a pyramid, for a batch of this size.

    Parameters
    ----------
    height, width : int
        The size of the padded batch in pixels; mmdetection pads to multiples of 32.

    Returns
    -------
    numpy.ndarray, float32, (N, 4)

    References
    ----------
    mmdetection 3.3, ``AnchorGenerator`` and ``faster-rcnn_r50_fpn.py``.

    Examples
    --------
    >>> mmdet_rpn_anchors(800, 1088).shape
    (217413, 4)
    """
    return _mmdet_pyramid(height, width, RPN_STRIDES, [8.0])


def mmdet_retinanet_anchors(height: int = 800, width: int = 1344) -> Array:
    """Lay out the anchors of mmdetection's RetinaNet, for a batch of this size.

    Parameters
    ----------
    height, width : int
        The size of the padded batch in pixels; mmdetection pads to multiples of 32.

    Returns
    -------
    numpy.ndarray, float32, (N, 4)

    References
    ----------
    mmdetection 3.3, ``AnchorGenerator`` and ``retinanet_r50_fpn.py``.

    Examples
    --------
    >>> mmdet_retinanet_anchors(800, 1088).shape
    (163206, 4)
    """
    return _mmdet_pyramid(
        height, width, RETINANET_STRIDES, [4 * 2 ** (octave / 3) for octave in range(3)]
    )


def _mmdet_pyramid(
    height: int, width: int, strides: Sequence[int], scales: Sequence[float]
) -> Array:
    roots = np.sqrt(np.array(RATIOS, np.float32))
    levels = []
    for (rows, columns), stride in zip(_maps(height, width, strides), strides, strict=True):
        cell = _mmdet_cell(stride, np.array(scales, np.float32), roots, 0.0)
        levels.append(_laid_out(cell, rows, columns, stride))
    return np.concatenate(levels)


def mmdet_ssd300_anchors() -> Array:
    """Lay out the 8,732 anchors of mmdetection's SSD300, with the scales of its COCO config.

    Returns
    -------
    numpy.ndarray, float32, (8732, 4)

    References
    ----------
    mmdetection 3.3, ``SSDAnchorGenerator`` and ``ssd300.py``.

    Examples
    --------
    >>> mmdet_ssd300_anchors().shape
    (8732, 4)
    """
    maps, strides = (38, 19, 10, 5, 3, 1), (8, 16, 32, 64, 100, 300)
    aspects = ((2,), (2, 3), (2, 3), (2, 3), (2,), (2,))
    low, high, image = 15, 90, 300
    step = (high - low) // (len(maps) - 2)
    shares = [7, *range(low, high + 1, step)]  # in hundredths; the first one is COCO's
    least = [image * share // 100 for share in shares]
    largest = [image * (share + (step if k else low - 7)) // 100 for k, share in enumerate(shares)]
    levels = []
    for count, stride, ratios, size, larger in zip(
        maps, strides, aspects, least, largest, strict=True
    ):
        scales = np.array([1.0, np.sqrt(larger / size)], np.float32)
        all_ratios = [1.0]
        for ratio in ratios:
            all_ratios += [1 / ratio, ratio]
        roots = np.sqrt(np.array(all_ratios, np.float32))
        cell = _mmdet_cell(size, scales, roots, stride / 2, by_scale=True)
        # All ratios of the first scale, but for the square of the second in second place.
        order = [0, len(all_ratios), *range(1, len(all_ratios))]
        levels.append(_laid_out(cell[order], count, count, stride))
    return np.concatenate(levels)


def _mmdet_cell(
    base: float, scales: Array, roots: Array, centre: float, *, by_scale: bool = False
) -> Array:
    """Return the anchors of a cell, by ratio, or by scale: each side is a product of three."""
    base_side = np.float32(base)
    if by_scale:
        wide = (base_side * scales[:, None] * (1 / roots)[None, :]).reshape(-1)
        high = (base_side * scales[:, None] * roots[None, :]).reshape(-1)
    else:
        wide = (base_side * (1 / roots)[:, None] * scales[None, :]).reshape(-1)
        high = (base_side * roots[:, None] * scales[None, :]).reshape(-1)
    middle, half = np.float32(centre), np.float32(0.5)
    return np.stack(
        [middle - half * wide, middle - half * high, middle + half * wide, middle + half * high],
        axis=-1,
    )


def _laid_out(cell: Array, rows: int, columns: int, stride: int) -> Array:
    """Shift the anchors of the first cell to all others."""
    x = np.arange(columns, dtype=np.float32) * np.float32(stride)
    y = np.arange(rows, dtype=np.float32) * np.float32(stride)
    shift = np.empty((rows, columns, 1, 4), np.float32)
    shift[..., 0] = shift[..., 2] = x[None, :, None]
    shift[..., 1] = shift[..., 3] = y[:, None, None]
    anchors: Array = (shift + cell).reshape(-1, 4)
    return anchors
