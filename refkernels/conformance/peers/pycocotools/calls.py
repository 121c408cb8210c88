"""Calls of pycocotools that no representation tells: boxes as corner and sides, crowds.

Each has the name and parameters of an operator and does nothing but carry arrays to and fro.
"""

from typing import Any

import numpy as np
from pycocotools import mask

from refkernels.conformance.peers.corner_and_sides import with_sides

__all__ = ["iou", "iou_of_crowds"]

__refkernels_framework__ = "numpy"


def iou(a: Any, b: Any) -> Any:
    """Call ``mask.iou`` on detections and objects; without any of one it gives an empty list."""
    return np.reshape(mask.iou(with_sides(a), with_sides(b), [0] * len(b)), (len(a), len(b)))


def iou_of_crowds(a: Any, b: Any) -> Any:
    """Call ``mask.iou`` where all objects are crowds."""
    return np.reshape(mask.iou(with_sides(a), with_sides(b), [1] * len(b)), (len(a), len(b)))
