"""Operators on bounding boxes (SPEC sections 1 and 6).

A corner box is (xmin, ymin, xmax, ymax), a centre box is (cx, cy, w, h); coordinates are
continuous, without the +1 of pixel counting, in whatever unit the caller uses.

A package, since its operators with their kernels are too long for one file that is to be read at
once.
"""

import numpy as np

from refkernels.bbox.area import BBoxArea
from refkernels.bbox.clip import BBoxClipToImage
from refkernels.bbox.forms import (
    BBoxCenterToCorner,
    BBoxCornerToCenter,
    BBoxSplit,
    NumPyBBoxCornerToCenter,
)
from refkernels.bbox.ioa import BBoxBatchIOA
from refkernels.bbox.iou import BBoxBatchIOU
from refkernels.bbox.overlaps import BBoxBatchCIOU, BBoxBatchDIOU, BBoxBatchGIOU

__all__ = [
    "BBoxArea",
    "BBoxBatchCIOU",
    "BBoxBatchDIOU",
    "BBoxBatchGIOU",
    "BBoxBatchIOA",
    "BBoxBatchIOU",
    "BBoxCenterToCorner",
    "BBoxClipToImage",
    "BBoxCornerToCenter",
    "BBoxSplit",
    "NumPyBBoxCornerToCenter",
]


def warmup() -> None:
    """Compile the kernels of this package for float32 and float64, or load them from the cache."""
    pairs = (BBoxBatchIOU(), BBoxBatchIOA(), BBoxBatchGIOU(), BBoxBatchDIOU(), BBoxBatchCIOU())
    for dtype in (np.float32, np.float64):
        boxes = np.ones((1, 1, 4), dtype)
        large = np.array([[[0, 0, np.finfo(dtype).max, np.finfo(dtype).max]]], dtype)
        for operator in (BBoxCornerToCenter(), BBoxCenterToCorner(), BBoxArea()):
            operator(boxes)
        for pair in pairs:
            pair(boxes, boxes)
            pair(large, large)  # of which the areas overflow
        BBoxClipToImage()(boxes, boxes)
