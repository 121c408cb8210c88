"""Boxes as a corner and two sides, where that is exact: what such packages are given."""

from typing import Any

import numpy as np

from refkernels.conformance.model.case import Case

__all__ = ["has_exact_sides", "with_sides"]


def has_exact_sides(case: Case) -> bool:
    """Return whether all boxes have sides that take no rounding, neither to them nor back."""
    for boxes in case.inputs.values():
        corners = boxes.astype(np.float64)
        exact = corners.astype(np.longdouble)
        low, high = corners[..., :2], corners[..., 2:]
        sides = high - low
        if (sides != exact[..., 2:] - exact[..., :2]).any() or (low + sides != high).any():
            return False
    return True


def with_sides(boxes: Any) -> Any:
    """Return corner boxes as (x, y, width, height), in double precision and in the same layout."""
    found = np.empty_like(boxes, np.float64)
    found[:, :2] = boxes[:, :2]
    found[:, 2:] = boxes[:, 2:].astype(np.float64) - boxes[:, :2]
    return found
