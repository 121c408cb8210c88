"""What an assignment gives: the targets of every anchor, or of those that are positive."""

from dataclasses import dataclass
from typing import Any

from refkernels.arrays import Array

__all__ = ["SparseTargets", "Targets"]


@dataclass(slots=True, eq=False)
class Targets:
    """The targets of every anchor; all arrays begin with B if a batch was given.

    Attributes
    ----------
    cls_targets : numpy.ndarray, int64, (N,)
        What the class encoder gives.
    box_targets, box_masks : numpy.ndarray, (N, 4)
        What the box encoder gives, in the assigner's dtype.
    matches : numpy.ndarray, int64, (N,)
        The number of the matched box among those given, or -1.
    samples : numpy.ndarray, int64, (N,)
        1 positive, -1 negative, 0 ignored.
    dropped : int or numpy.ndarray of int64, (B,)
        How many boxes had no extent.
    """

    cls_targets: Array
    box_targets: Array
    box_masks: Array
    matches: Array
    samples: Array
    dropped: Any = 0


@dataclass(slots=True, eq=False)
class SparseTargets:
    """The targets of one image's positive anchors, and which anchors are negative.

    Attributes
    ----------
    positives : numpy.ndarray, int64, (P,)
        Ascending indices of anchors.
    matches, cls_targets : numpy.ndarray, int64, (P,)
        Those of the positives.
    box_targets : numpy.ndarray, (P, 4)
        Those of the positives, in the assigner's dtype.
    negatives : numpy.ndarray, int64, (Q,)
        Ascending indices of anchors. What is neither positive nor negative is ignored.
    dropped : int
        How many boxes had no extent.
    """

    positives: Array
    matches: Array
    cls_targets: Array
    box_targets: Array
    negatives: Array
    dropped: int = 0
