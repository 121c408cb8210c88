"""Operators that encode boxes and classes as targets, and decode predictions (SPEC 4 and 6).

A package, since its operators with their kernels are too long for one file that is to be read at
once.
"""

import numpy as np

from refkernels.coder.box_decoder import NormalizedBoxCenterDecoder
from refkernels.coder.box_encoder import (
    NormalizedBoxCenterEncoder,
    NormalizedPerClassBoxCenterEncoder,
    NumPyNormalizedBoxCenterEncoder,
)
from refkernels.coder.class_decoder import MultiClassDecoder, MultiPerClassDecoder
from refkernels.coder.class_encoder import MultiClassEncoder, SigmoidClassEncoder
from refkernels.coder.distance import DistanceDecoder, DistanceEncoder
from refkernels.coder.heatmap_decoder import CenterNetDecoder
from refkernels.coder.heatmap_encoder import CenterHeatmapEncoder

__all__ = [
    "CenterHeatmapEncoder",
    "CenterNetDecoder",
    "DistanceDecoder",
    "DistanceEncoder",
    "MultiClassDecoder",
    "MultiClassEncoder",
    "MultiPerClassDecoder",
    "NormalizedBoxCenterDecoder",
    "NormalizedBoxCenterEncoder",
    "NormalizedPerClassBoxCenterEncoder",
    "NumPyNormalizedBoxCenterEncoder",
    "SigmoidClassEncoder",
]


def warmup() -> None:
    """Compile the kernels of this package, or load them from the cache."""
    for dtype in (np.int64, np.float32, np.float64):
        whole = np.zeros((1, 1), dtype)
        MultiClassEncoder()(whole, whole, whole)
        SigmoidClassEncoder()(whole)
    for dtype in (np.float32, np.float64):
        boxes, maps = np.zeros((1, 1, 4), dtype), np.zeros((1, 2, 1, 1), dtype)
        NormalizedBoxCenterEncoder()(whole, whole, boxes, boxes)
        NormalizedPerClassBoxCenterEncoder(1)(whole, whole, boxes, whole, boxes)
        NormalizedBoxCenterDecoder()(boxes, boxes)
        MultiClassDecoder()(boxes)
        MultiPerClassDecoder(4)(boxes)
        CenterNetDecoder(topk=1)(maps, maps, maps)
        CenterHeatmapEncoder(1, (1, 1))(boxes, [[0]])
        for coder in (DistanceEncoder(), DistanceDecoder()):
            coder(boxes[0, :, :2], boxes)
