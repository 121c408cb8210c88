"""What is known of the decisions of a matcher that looks at more than one matrix."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from refkernels.arrays import Array
from refkernels.explain.trace.pairs import Pairs
from refkernels.explain.trace.records import Fate, Stage

__all__ = ["Reading"]


class Reading(ABC):
    """The decisions on one image, by columns of the matrices.

    Attributes
    ----------
    measure : str
        What `pairs` are, in words.
    sign : int
        1 if more of it is better, -1 if less.
    pairs : Pairs, (N, M)
        What the matcher compares.
    names : numpy.ndarray, int64, (M,)
        The ground truth of each column.
    matches : numpy.ndarray, int64, (N,)
        The column of each anchor, or -1.
    stage : numpy.ndarray, int8, (N,)
        What decided on each anchor.
    threshold, margin : numpy.ndarray, float64, (N,)
        What `pairs` were compared with, and by how much it is reached; nan if there is nothing.
    near : numpy.ndarray, bool, (N,)
        Whether an anchor is near a decision.
    chosen : numpy.ndarray, int64, (M,)
        How many anchors a ground truth chose, before others took some of them.
    """

    measure: str = "IoU"
    sign: int = 1
    # What each is called where a stage gave a match.
    label: Stage

    def __init__(self, pairs: Pairs, names: Array, matches: Array) -> None:
        count = pairs.shape[0]
        self.pairs, self.names, self.matches = pairs, names, matches
        self.stage = np.full(count, Stage.NOT_CHOSEN, np.int8)
        self.threshold = np.full(count, np.nan)
        self.margin = np.full(count, np.nan)
        self.near = np.zeros(count, bool)
        self.chosen = np.zeros(pairs.shape[1], np.int64)

    def why(self, anchor: int) -> list[str]:
        """Say why an anchor is matched, or not."""
        column = int(self.matches[anchor])
        if column >= 0:
            return self.matched(anchor, column)
        if not len(self.names):
            return [f"Anchor {anchor} is not matched: there is no ground truth."]
        return self.unmatched(anchor)

    @abstractmethod
    def matched(self, anchor: int, column: int) -> list[str]:
        """Say why an anchor is matched with a ground truth."""

    @abstractmethod
    def unmatched(self, anchor: int) -> list[str]:
        """Say why an anchor is not matched, of some ground truth."""

    @abstractmethod
    def why_not(self, anchor: int, column: int) -> list[str]:
        """Say why an anchor is not matched with a ground truth."""

    @abstractmethod
    def why_truth(self, column: int) -> list[str]:
        """Say what a ground truth looked for, and what became of that."""

    def fates(self) -> Array:
        """Return the fate of ground truths that have no anchor, (M,)."""
        return np.where(self.chosen > 0, Fate.OUTBID, Fate.NOT_CHOSEN)

    def name(self, column: int) -> str:
        """Return what a ground truth is called."""
        return f"ground truth {self.names[column]}"

    def begin(self, anchor: int, column: int) -> str:
        """Return the beginning of a sentence about a match."""
        return f"Anchor {anchor} is matched with {self.name(column)}"

    def taken(self, anchor: int) -> str:
        """Return whom an anchor went to."""
        return f"anchor {anchor}, which {self.name(int(self.matches[anchor]))} has"
