"""Operators that drop boxes which overlap better ones (SPEC section 6).

They work on the boxes of one image; `BatchedNMS` keeps classes, or images, apart by their labels.
"""

import numpy as np

from refkernels.suppression.nms import NMS, BatchedNMS

__all__ = ["NMS", "BatchedNMS"]


def warmup() -> None:
    """Compile the kernels of this package, or load them from the cache."""
    for dtype in (np.float32, np.float64):
        boxes = np.array([[0, 0, 1, 1], [0, 0, np.finfo(dtype).max, 1]], dtype)
        for some in (boxes[:1], boxes):
            BatchedNMS(0.5)(some, some[:, 0], np.zeros(len(some), int))
