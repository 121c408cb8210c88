"""Operators on bounding boxes (SPEC section 1).

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
from refkernels.bbox.iou import BBoxBatchIOU

__all__ = [
    "BBoxArea",
    "BBoxBatchIOU",
    "BBoxCenterToCorner",
    "BBoxClipToImage",
    "BBoxCornerToCenter",
    "BBoxSplit",
    "NumPyBBoxCornerToCenter",
]


def warmup() -> None:
    """Compile the kernels of this package for float32 and float64, or load them from the cache."""
    for dtype in (np.float32, np.float64):
        boxes = np.ones((1, 1, 4), dtype)
        for operator in (BBoxCornerToCenter(), BBoxCenterToCorner(), BBoxArea()):
            operator(boxes)
        BBoxBatchIOU()(boxes, boxes)
        BBoxClipToImage()(boxes, boxes)
