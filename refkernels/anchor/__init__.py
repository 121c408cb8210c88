"""Operators that lay out anchors (SPEC section 6)."""

import numpy as np

from refkernels.anchor.grid import AnchorGrid

__all__ = ["AnchorGrid"]


def warmup() -> None:
    """Compile the kernels of this package, or load them from the cache."""
    for dtype in (np.float32, np.float64):
        AnchorGrid([8], [1], 8, dtype=dtype)(1, 1)
