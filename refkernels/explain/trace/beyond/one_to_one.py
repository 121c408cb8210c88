"""DETR: the matching of least total cost, and what another pair would cost elsewhere."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from refkernels.arrays import Array
from refkernels.arrays.printing import times
from refkernels.explain.trace.beyond.reading import Reading
from refkernels.explain.trace.pairs import Pairs
from refkernels.explain.trace.phrases import number
from refkernels.explain.trace.records import Stage
from refkernels.matcher import HungarianMatcher

__all__ = ["OneToOneReading"]


class OneToOneReading(Reading):
    """What a `HungarianMatcher` decided.

    Parameters
    ----------
    matcher : HungarianMatcher
    given : mapping of str to numpy.ndarray
        ``cost`` (N, M).
    names, matches : numpy.ndarray
        As in a `Reading`.
    """

    measure = "cost"
    sign = -1
    label = Stage.ONE_TO_ONE

    def __init__(self, matcher: HungarianMatcher, given: Any, names: Array, matches: Array) -> None:
        self.cost = np.asarray(given["cost"])
        super().__init__(Pairs.of(self.cost), names, matches)
        self.matcher = matcher
        matched = np.flatnonzero(matches >= 0)
        self.holder = np.full(len(names), -1, np.int64)
        self.holder[matches[matched]] = matched
        self.chosen = (self.holder >= 0).astype(np.int64)
        self.stage[matched] = Stage.ONE_TO_ONE
        self.near[:] = len(names) > 0
        self.total = self._total(self.cost, matches)
        # With rounding, what is the least total may come out a little above another one.
        size = float(np.abs(self.cost[matched, matches[matched]].astype(np.float64)).sum())
        self.unsure = 8 * len(names) * 2.0**-53 * size
        self.known: dict[tuple[int, int], float] = {}

    @staticmethod
    def _total(cost: Array, matches: Array) -> float:
        rows = np.flatnonzero(matches >= 0)
        return math.fsum(cost[rows, matches[rows]].astype(np.float64).tolist())

    def more(self, anchor: int, column: int) -> float:
        """Return by how much the least total is more if this pair is to be in the matching."""
        pair = anchor, column
        if pair not in self.known:
            rest = np.delete(np.delete(self.cost, anchor, axis=0), column, axis=1)
            others = self._total(rest, self.matcher(rest)) if rest.size else 0.0
            own = math.fsum([others, float(self.cost[anchor, column]), -self.total])
            self.known[pair] = 0.0 if abs(own) <= self.unsure else own
        return self.known[pair]

    def _then(self, anchor: int, column: int) -> str:
        """Say what a pair would do to the total."""
        more = self.more(anchor, column)
        if not more:
            return "the total would be the same: it is one of several that are the cheapest"
        with_it = math.fsum([self.total, more])
        return f"the total would be {number(with_it)}, {number(more)} more"

    def _elsewhere(self, anchor: int, column: int) -> str:
        """Say what a pair that costs less than another would cost the others."""
        value, name = number(self.cost[anchor, column]), self.name(column)
        return f"With {name} it would cost {value}, but {self._then(anchor, column)}."

    def matched(self, anchor: int, column: int) -> list[str]:
        """Say why an anchor is matched with a ground truth."""
        value, count = self.cost[anchor, column], int(self.chosen.sum())
        told = [
            f"{self.begin(anchor, column)} at cost {number(value)}, in the one-to-one matching of "
            f"least total: {number(self.total)} of {times(count, 'pair')}."
        ]
        cheapest = int(np.argmin(self.cost[anchor]))
        nearest = int(np.argmin(self.cost[:, column]))
        if self.cost[anchor, cheapest] < value:
            told.append(self._elsewhere(anchor, cheapest))
        if self.cost[nearest, column] < value:
            told.append(
                f"Anchor {nearest} would cost {self.name(column)} less, "
                f"{number(self.cost[nearest, column])}, but {self._then(nearest, column)}."
            )
        if len(told) == 1:
            told.append("Neither of the two has a cheaper one.")
        return told

    def unmatched(self, anchor: int) -> list[str]:
        """Say why an anchor is not matched: of the ground truth that it would cost least."""
        more = int(np.argmin(self.cost[anchor]))
        return [
            f"Anchor {anchor} is not matched: there are fewer ground truths than anchors, and the "
            f"{times(int(self.chosen.sum()), 'pair')} of least total, {number(self.total)}, "
            f"{'is' if self.chosen.sum() == 1 else 'are'} without it.",
            self._elsewhere(anchor, more),
        ]

    def why_not(self, anchor: int, column: int) -> list[str]:
        """Say why an anchor is not matched with a ground truth."""
        told = f"With {self.name(column)} it would cost {number(self.cost[anchor, column])}; "
        told += f"then {self._then(anchor, column)}."
        holder = int(self.holder[column])
        if holder < 0:
            return [told]
        return [told, f"Anchor {holder} has it, at {number(self.cost[holder, column])}."]

    def why_truth(self, column: int) -> list[str]:
        """Say what a ground truth costs, and whether it has a cheaper anchor."""
        cheapest, holder = int(np.argmin(self.cost[:, column])), int(self.holder[column])
        least = number(self.cost[cheapest, column])
        if holder < 0:
            then = self._then(cheapest, column)
            return [
                "There are fewer anchors than ground truths.",
                f"Anchor {cheapest} would cost least, {least}, but {then}.",
            ]
        value = self.cost[holder, column]
        told = f"Anchor {holder} has it at cost {number(value)}"
        if self.cost[cheapest, column] == value:
            return [f"{told}, the least that it has with any anchor."]
        return [
            f"{told}. Anchor {cheapest} would cost less, {least}, but "
            f"{self._then(cheapest, column)}."
        ]
