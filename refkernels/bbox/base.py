"""What the operators on boxes have in common."""

import numpy as np

from refkernels.arrays import Array, require

__all__ = ["FORMATS", "as_batch"]

FORMATS = ("corner", "center")


def as_batch(name: str, boxes: Array) -> Array:
    """Return (N, 4) or (B, N, 4) boxes as a batch."""
    require(
        boxes.ndim in (2, 3),
        f"{name}: expected a set of boxes, (N, 4), or a batch of sets, (B, N, 4), got "
        f"{boxes.ndim} axes",
    )
    return boxes if boxes.ndim == 3 else boxes[np.newaxis]
