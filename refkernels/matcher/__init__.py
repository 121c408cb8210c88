"""Matchers: which ground truth, if any, each anchor is assigned to (SPEC section 2).

A matcher takes a matrix x (..., N, M), such as the IoUs of N anchors with M ground truths, and
gives for each row the matched column, or -1.

A package, since its operators with their kernels are too long for one file that is to be read at
once.
"""

import numpy as np

from refkernels.matcher.base import Matcher
from refkernels.matcher.bipartite import BipartiteMatcher
from refkernels.matcher.composite import CompositeMatcher
from refkernels.matcher.maximum import MaximumMatcher

__all__ = ["BipartiteMatcher", "CompositeMatcher", "Matcher", "MaximumMatcher"]


def warmup() -> None:
    """Compile the kernels of this package for float32 and float64, or load them from the cache."""
    for dtype in (np.float32, np.float64):
        x = np.ones((1, 2, 2), dtype)
        BipartiteMatcher()(x)
        MaximumMatcher(0.5)(x)
