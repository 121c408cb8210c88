"""What the suppression of boxes means (SPEC section 6): slow, readable, and derived from it alone.

Coordinates are taken exactly as given, integers as float64, and IoUs are `fractions.Fraction`; so
whether one is over the threshold, which is a number of the boxes' dtype, is decided exactly.
"""

from fractions import Fraction

import numpy as np
import numpy.typing as npt

from refkernels.definition.bbox import exact, real

__all__ = ["NMS", "BatchedNMS", "overlap"]

Box = tuple[Fraction, Fraction, Fraction, Fraction]


def NMS(boxes: npt.ArrayLike, scores: npt.ArrayLike, *, threshold: float) -> npt.NDArray[np.int64]:
    """Define `refkernels.NMS`."""
    return BatchedNMS(boxes, scores, np.zeros(len(np.asarray(scores)), int), threshold=threshold)


def BatchedNMS(
    boxes: npt.ArrayLike, scores: npt.ArrayLike, labels: npt.ArrayLike, *, threshold: float
) -> npt.NDArray[np.int64]:
    """Define `refkernels.BatchedNMS`."""
    limit = Fraction(float(real(boxes).dtype.type(threshold)))
    corners, ranks, classes = exact(boxes), exact(scores), np.asarray(labels)
    staying: list[int] = []
    for i in sorted(range(len(corners)), key=lambda i: -ranks[i]):  # stable: lowest index first
        rivals = [j for j in staying if classes[j] == classes[i]]
        if all(overlap(corners[i], corners[j]) <= limit for j in rivals):
            staying.append(i)
    return np.array(staying, np.int64)


def overlap(a: Box, b: Box) -> Fraction:
    """Return the IoU of two boxes, which is 0 with a box that has no extent."""
    left_a, top_a, right_a, bottom_a = a
    left_b, top_b, right_b, bottom_b = b
    width = min(right_a, right_b) - max(left_a, left_b)
    if width <= 0:  # it is no wider than either box: so too where one of them has no extent
        return Fraction(0)
    height = min(bottom_a, bottom_b) - max(top_a, top_b)
    if height <= 0:
        return Fraction(0)
    inter = width * height
    areas = (right_a - left_a) * (bottom_a - top_a) + (right_b - left_b) * (bottom_b - top_b)
    return inter / (areas - inter)
