"""Coders of boxes by points: classes that are built with their parameters."""

import numpy as np


def real(x):
    x = np.asarray(x)
    return x if x.dtype.kind == "f" else x.astype(np.float64)


def prepared(points, others, sizes):
    """Return the arrays in the dtype of computing, sizes of 1 if there are none, and the dtype."""
    given = [real(x) for x in (points, others, sizes) if x is not None]
    dtype = np.result_type(*given)
    points, others, *sizes = (x.astype(np.result_type(dtype, np.float32)) for x in given)
    return points, others, sizes[0] if sizes else np.ones_like(points), dtype


class DistanceEncoder:
    def __init__(self, normalize=False):
        self.normalize = normalize

    def __call__(self, points, boxes, sizes=None):
        points, boxes, sizes, dtype = prepared(points, boxes, sizes if self.normalize else None)
        left_top = (points - boxes[..., :2]) / sizes
        right_bottom = (boxes[..., 2:] - points) / sizes
        return np.concatenate([left_top, right_bottom], -1).astype(dtype)


class DistanceDecoder:
    def __init__(self, normalize=False):
        self.normalize = normalize

    def __call__(self, points, distances, sizes=None):
        points, distances, sizes, dtype = prepared(
            points, distances, sizes if self.normalize else None
        )
        low = points - distances[..., :2] * sizes
        high = points + distances[..., 2:] * sizes
        return np.concatenate([low, high], -1).astype(dtype)
