"""Operators that choose the anchors a loss looks at, and the examples a worker reads (SPEC 3, 6).

Samples are +1 for a positive anchor, -1 for a negative one and 0 for one that is ignored.

A package, since its operators with their kernels are too long for one file that is to be read at
once.
"""

import numpy as np

from refkernels.sampler.balanced import BalancedSampler
from refkernels.sampler.naive import NaiveSampler
from refkernels.sampler.ohem import OHEMSampler
from refkernels.sampler.quota import QuotaSampler
from refkernels.sampler.split import SplitSampler, SplitSortedBucketSampler

__all__ = [
    "BalancedSampler",
    "NaiveSampler",
    "OHEMSampler",
    "QuotaSampler",
    "SplitSampler",
    "SplitSortedBucketSampler",
]


def warmup() -> None:
    """Compile the kernels of this module."""
    BalancedSampler(1)([1, 1, -1], rng=0)
    for dtype in (np.float32, np.float64):
        matches, ious = np.array([[0, -1, -1]]), np.zeros((1, 3, 1), dtype)
        OHEMSampler(3)(matches, np.zeros((1, 3, 2), dtype), ious)
        QuotaSampler(1, 0.5, 0.5)(matches, ious, rng=0)
