"""Scenes of points, for the tests of PointMatcher."""

import numpy as np

__all__ = ["scene"]


def scene(points, boxes, strides=None, ranges=None, dtype=np.float64):
    """Return the inputs of points, of stride 1 and for boxes of every size unless that is said."""
    where = np.array(points, dtype).reshape(-1, 2)
    steps = np.ones(len(where)) if strides is None else np.array(strides)
    limits = np.tile([0, np.inf], (len(where), 1)) if ranges is None else np.array(ranges)
    return where, np.array(boxes, dtype), steps.astype(dtype), limits.astype(dtype)
