"""Calls of cython_bbox that no representation tells: boxes in double precision, as it asks.

Each has the name and parameters of an operator and does nothing but carry arrays to and fro.
"""

from typing import Any

import cython_bbox
import numpy as np

__all__ = ["bbox_overlaps"]

__refkernels_framework__ = "numpy"


def bbox_overlaps(a: Any, b: Any) -> Any:
    """Call it on boxes in double precision; others it refuses."""
    return cython_bbox.bbox_overlaps(a.astype(np.float64), b.astype(np.float64))
