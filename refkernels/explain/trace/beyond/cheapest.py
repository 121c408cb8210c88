"""SimOTA: how many anchors each ground truth chooses, and which are the cheapest."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np

from refkernels.arrays import Array
from refkernels.explain.trace.beyond.reading import Reading
from refkernels.explain.trace.pairs import Pairs
from refkernels.explain.trace.phrases import floored, listed, number, ordinal
from refkernels.explain.trace.records import Stage
from refkernels.matcher import SimOTAMatcher

__all__ = ["CheapestReading"]


class CheapestReading(Reading):
    """What a `SimOTAMatcher` decided.

    Parameters
    ----------
    matcher : SimOTAMatcher
    given : mapping of str to numpy.ndarray
        ``cost`` and ``ious`` (N, M), and ``valid`` (N,) or none.
    names, matches : numpy.ndarray
        As in a `Reading`.
    """

    measure = "cost"
    sign = -1
    label = Stage.CHEAPEST

    def __init__(self, matcher: SimOTAMatcher, given: Any, names: Array, matches: Array) -> None:
        self.cost = np.asarray(given["cost"])
        super().__init__(Pairs.of(self.cost), names, matches)
        self.matcher = matcher
        ious, valid = np.asarray(given["ious"]), given.get("valid")
        self.valid = np.ones(len(ious), bool) if valid is None else np.asarray(valid, bool)
        rows = np.flatnonzero(self.valid)
        top = min(matcher.candidate_topk, len(rows))
        self.summed = top
        self.sums: list[Any] = []
        self.selected = np.zeros(self.cost.shape, bool)
        # Of each ground truth, the last that it chooses.
        self.last = np.full(len(names), np.nan)
        for column in range(len(names)):
            values = np.sort(ious[rows, column])[len(rows) - top :]
            total = sum((Fraction(float(value)) for value in values), Fraction(0))
            self.sums.append(total)
            k = min(max(1, math.floor(total)), len(rows))
            self.chosen[column] = k
            order = rows[np.argsort(self.cost[rows, column], kind="stable")][:k]
            self.selected[order, column] = True
            if k:
                self.last[column] = self.cost[order[-1], column]
        matched = np.flatnonzero(matches >= 0)
        self.stage[matched] = Stage.CHEAPEST
        if len(names):
            wide = self.cost.astype(np.float64)
            miss = np.where(self.valid[:, np.newaxis], wide - self.last, np.inf)
            own = np.where(matches >= 0, matches, miss.argmin(axis=1))
            every = np.arange(len(own))
            self.threshold[self.valid] = self.last[own][self.valid]
            self.margin[self.valid] = -(wide[every, own] - self.last[own])[self.valid]
            self.near[self.valid] = True

    def _rank(self, anchor: int, column: int) -> int:
        """Return the place of a valid anchor among those that a ground truth could choose."""
        own = self.cost[:, column]
        before = (own < own[anchor]) | ((own == own[anchor]) & (np.arange(len(own)) < anchor))
        return int((before & self.valid).sum()) + 1

    def _choice(self, column: int) -> str:
        """Say how many a ground truth chooses."""
        return (
            f"the {self.chosen[column]} cheapest"
            if self.chosen[column] > 1
            else "its cheapest alone"
        )

    def _sum(self, column: int) -> str:
        """Say why a ground truth chooses so many."""
        total, count = self.sums[column], int(self.chosen[column])
        told = (
            f"its {self.summed} largest IoUs sum to {floored(total)}"
            if self.summed > 1
            else f"its largest IoU is {floored(total)}"
        )
        if total < 1:
            return f"{told}, and one is the least"
        if count < math.floor(total):
            return f"{told}, and there are no more"
        return told

    def matched(self, anchor: int, column: int) -> list[str]:
        """Say why an anchor is matched with a ground truth."""
        value, others = float(self.cost[anchor, column]), np.flatnonzero(self.selected[anchor])
        begin = f"{self.begin(anchor, column)} at cost {number(value)}"
        if self.selected[anchor, column]:
            place = "cheapest"
            if self.chosen[column] > 1:
                place = (
                    f"{ordinal(self._rank(anchor, column))} of the {self.chosen[column]} cheapest"
                )
            told = [f"{begin}: it is the {place}, which this chooses, since {self._sum(column)}."]
        else:
            names = listed(self.names[others])
            return [
                f"{begin}, which did not choose it: ground truths {names} did, and of all ground "
                "truths it then gets that of least cost."
            ]
        for other in others[others != column]:
            cost = float(self.cost[anchor, other])
            how = f"at cost {number(cost)}" + (
                ", the same: the lowest index wins" if cost == value else ", which is more"
            )
            told.append(f"{self.name(other).capitalize()} chose it too, {how}.")
        return told

    def unmatched(self, anchor: int) -> list[str]:
        """Say why an anchor is not matched: of the ground truth that it misses by least."""
        if not self.valid[anchor]:
            return [f"Anchor {anchor} is not matched: it is not valid."]
        miss = self.cost[anchor].astype(np.float64) - self.last
        told = f"Anchor {anchor} is not matched: no ground truth chose it."
        return [told, *self.why_not(anchor, int(np.argmin(miss)))]

    def why_not(self, anchor: int, column: int) -> list[str]:
        """Say why an anchor is not matched with a ground truth."""
        if not self.valid[anchor]:
            return [f"Anchor {anchor} is not valid."]
        value, winner = float(self.cost[anchor, column]), int(self.matches[anchor])
        at = f"At cost {number(value)} it is the {ordinal(self._rank(anchor, column))} of "
        at += self.name(column)
        if self.selected[anchor, column]:
            return [
                f"{at}, which chose it, but {self.name(winner)} costs "
                f"{self._against(float(self.cost[anchor, winner]), value)}."
            ]
        last = float(self.last[column])
        same = ", as much: the lowest index wins" if last == value else ""
        return [
            f"{at}, which chooses {self._choice(column)}, up to {number(last)}{same}, since "
            f"{self._sum(column)}."
        ]

    def _against(self, less: float, value: float) -> str:
        if less == value:
            return "the same: the lowest index wins"
        return f"less, {number(less)}"

    def why_truth(self, column: int) -> list[str]:
        """Say how many anchors a ground truth chose, and why so many."""
        count = int(self.chosen[column])
        if not count:
            return ["There is no valid anchor to choose."]
        told = f"It chose {self._choice(column)}, up to {number(self.last[column])}, since "
        parts = [f"{told}{self._sum(column)}."]
        own = self.selected[:, column]
        lost = int((own & (self.matches != column)).sum())
        gained = int((~own & (self.matches == column)).sum())
        if lost:
            parts.append(f"{lost} of these went to other ground truths.")
        if gained:
            parts.append(f"{gained} that others chose came to it, at no higher cost.")
        return parts
