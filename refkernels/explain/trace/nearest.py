"""Which anchors of a trace are near a decision."""

from typing import TYPE_CHECKING

import numpy as np

from refkernels.arrays import Array

if TYPE_CHECKING:
    from refkernels.explain.trace.trace import Trace

__all__ = ["NEAR", "nearest_anchors"]

# An anchor that misses what decides on it by no more IoU is near a decision.
NEAR = 0.2


def nearest_anchors(trace: "Trace", most: int) -> Array:
    """Return the anchors that are near a decision, what is matched first, then the nearest."""
    records = trace.anchors
    kept = (records["match"] >= 0) | (records["sample"] > 0)
    margin = np.abs(records["margin"])
    # What is kept comes first, then what misses by least; what overlaps nothing misses by all.
    if trace.reading is None:
        far = np.where(np.isnan(margin) | (records["iou"] == 0) | (margin > NEAR), np.inf, margin)
    else:
        far = np.where(trace.reading.near, np.nan_to_num(margin), np.inf)
    far[kept] = 0
    order = np.lexsort((far, ~kept))
    return np.asarray(order[np.isfinite(far[order])][:most])
