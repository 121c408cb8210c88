"""Matchers: which ground truth, if any, each anchor is assigned to (SPEC sections 2 and 6).

A matcher takes a matrix x (..., N, M), such as the IoUs of N anchors with M ground truths, and
gives for each row the matched column, or -1.

A package, since its operators with their kernels are too long for one file that is to be read at
once.
"""

import numpy as np

from refkernels.matcher.atss import ATSSMatcher
from refkernels.matcher.base import Matcher
from refkernels.matcher.bipartite import BipartiteMatcher
from refkernels.matcher.composite import CompositeMatcher
from refkernels.matcher.hungarian import HungarianMatcher
from refkernels.matcher.maximum import MaximumMatcher
from refkernels.matcher.point import PointMatcher
from refkernels.matcher.simota import SimOTAMatcher
from refkernels.matcher.task_aligned import TaskAlignedMatcher
from refkernels.matcher.threshold import ThresholdMatcher

__all__ = [
    "ATSSMatcher",
    "BipartiteMatcher",
    "CompositeMatcher",
    "HungarianMatcher",
    "Matcher",
    "MaximumMatcher",
    "PointMatcher",
    "SimOTAMatcher",
    "TaskAlignedMatcher",
    "ThresholdMatcher",
]


def warmup() -> None:
    """Compile the kernels of this package for float32 and float64, or load them from the cache."""
    for dtype in (np.float32, np.float64):
        x = np.ones((1, 2, 2), dtype)
        BipartiteMatcher()(x)
        MaximumMatcher(0.5)(x)
        ThresholdMatcher(0.5)(x)
        ATSSMatcher()(x, x, x == x, [2])
        SimOTAMatcher()(x, x, [[True, False]])
        TaskAlignedMatcher()(x, x, x == x)
        HungarianMatcher()(x)
        PointMatcher()(x[0], np.ones((1, 4), dtype), x[0, 0], x[0])
