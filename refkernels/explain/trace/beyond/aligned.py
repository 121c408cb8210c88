"""TOOD and YOLO: the anchors of largest metric that are inside of a ground truth."""

from __future__ import annotations

from typing import Any

import numpy as np

from refkernels.arrays import Array
from refkernels.arrays.printing import times
from refkernels.explain.trace.beyond.reading import Reading
from refkernels.explain.trace.pairs import Pairs
from refkernels.explain.trace.phrases import listed, number, ordinal
from refkernels.explain.trace.records import Stage
from refkernels.matcher import TaskAlignedMatcher

__all__ = ["AlignedReading"]


class AlignedReading(Reading):
    """What a `TaskAlignedMatcher` decided.

    Parameters
    ----------
    matcher : TaskAlignedMatcher
    given : mapping of str to numpy.ndarray
        ``metric``, ``ious`` and ``inside`` (N, M).
    names, matches : numpy.ndarray
        As in a `Reading`.
    """

    measure = "metric"
    label = Stage.ALIGNED

    def __init__(
        self, matcher: TaskAlignedMatcher, given: Any, names: Array, matches: Array
    ) -> None:
        self.metric, self.ious = np.asarray(given["metric"]), np.asarray(given["ious"])
        super().__init__(Pairs.of(self.metric), names, matches)
        self.matcher = matcher
        self.inside = np.asarray(given["inside"], bool)
        high = self.metric > 0 if matcher.positive else self.metric >= 0
        self.counts = self.inside & high
        # Among which a ground truth selects.
        self.able = self.counts if matcher.inside_first else np.ones(self.metric.shape, bool)
        self.topk = min(matcher.topk, len(self.metric))
        self.selected = np.zeros(self.metric.shape, bool)
        self.last = np.full(len(names), np.nan)
        for column in range(len(names)):
            rows = np.flatnonzero(self.able[:, column])
            values = self.metric[rows, column]
            order = rows[np.lexsort((rows, -values.astype(np.float64)))][: self.topk]
            self.selected[order, column] = self.counts[order, column]
            if len(order):
                self.last[column] = self.metric[order[-1], column]
        self.chosen = self.selected.sum(axis=0)
        self.stage[~self.inside.any(axis=1)] = Stage.OUTSIDE
        self.stage[matches >= 0] = Stage.ALIGNED
        self.near = self.counts.any(axis=1)
        if len(names):
            miss = np.where(self.counts, self.metric.astype(np.float64) - self.last, -np.inf)
            every = np.flatnonzero(self.near)
            own = np.where(matches >= 0, matches, miss.argmax(axis=1))[self.near]
            self.threshold[self.near] = self.last[own]
            self.margin[self.near] = self.metric[every, own] - self.last[own]

    def _rank(self, anchor: int, column: int) -> int:
        """Return the place of an anchor among those that a ground truth selects from."""
        own = self.metric[:, column]
        before = (own > own[anchor]) | ((own == own[anchor]) & (np.arange(len(own)) < anchor))
        return int((before & self.able[:, column]).sum()) + 1

    def _place(self, anchor: int, column: int) -> str:
        among = "" if self.matcher.inside_first else " of all anchors"
        rank = self._rank(anchor, column)
        place = "largest" if rank == 1 else f"{ordinal(rank)} largest"
        return f"its metric {number(self.metric[anchor, column])} is the {place}{among}"

    def _least(self) -> str:
        return "not above 0" if self.matcher.positive else "below 0"

    def matched(self, anchor: int, column: int) -> list[str]:
        """Say why an anchor is matched with a ground truth."""
        others = np.flatnonzero(self.selected[anchor])
        begin, iou = self.begin(anchor, column), float(self.ious[anchor, column])
        if self.selected[anchor, column]:
            told = [
                f"{begin}: it is inside, and {self._place(anchor, column)}, among the "
                f"{self.topk} at most that this selects."
            ]
        else:
            return [
                f"{begin}, which did not select it: ground truths {listed(self.names[others])} "
                "did, and of all that it is inside of it then gets that of largest IoU, "
                f"{number(iou)}."
            ]
        for other in others[others != column]:
            less = float(self.ious[anchor, other])
            how = (
                f"with as large an IoU, {number(iou)}: the lowest index wins"
                if less == iou
                else f"with a smaller IoU, {number(less)} against {number(iou)}"
            )
            told.append(f"{self.name(other).capitalize()} selected it too, {how}.")
        return told

    def unmatched(self, anchor: int) -> list[str]:
        """Say why an anchor is not matched: of a ground truth that it is inside of."""
        begin = f"Anchor {anchor} is not matched"
        columns = np.flatnonzero(self.inside[anchor])
        if not len(columns):
            return [f"{begin}: it is inside of no ground truth."]
        counting = np.flatnonzero(self.counts[anchor])
        if not len(counting):
            where = f"{self.name(columns[0])}" if len(columns) == 1 else "each that it is inside of"
            return [f"{begin}: its metric with {where} is {self._least()}."]
        miss = self.metric[anchor, counting].astype(np.float64) - self.last[counting]
        told = f"{begin}: no ground truth selected it."
        return [told, *self.why_not(anchor, int(counting[np.argmax(miss)]))]

    def why_not(self, anchor: int, column: int) -> list[str]:
        """Say why an anchor is not matched with a ground truth."""
        name = self.name(column)
        if not self.inside[anchor, column]:
            return [f"It is not inside of {name}."]
        if not self.counts[anchor, column]:
            value = number(self.metric[anchor, column])
            return [f"It is inside of {name}, but its metric, {value}, is {self._least()}."]
        if not self.selected[anchor, column]:
            last = self.last[column]
            same = " as well: the lowest index wins" if self.metric[anchor, column] == last else ""
            return [
                f"It is inside of {name}, but {self._place(anchor, column)}: this selects "
                f"{self.topk}, down to {number(last)}{same}."
            ]
        winner = int(self.matches[anchor])
        mine, more = float(self.ious[anchor, column]), float(self.ious[anchor, winner])
        how = "as large: the lowest index wins" if mine == more else f"larger than {number(mine)}"
        return [
            f"{name.capitalize()} selected it, but its IoU with {self.name(winner)}, "
            f"{number(more)}, is {how}."
        ]

    def why_truth(self, column: int) -> list[str]:
        """Say how many anchors could count for a ground truth, and how many it selected."""
        inside, counts = int(self.inside[:, column].sum()), int(self.counts[:, column].sum())
        own, chosen = self.selected[:, column], int(self.chosen[column])
        told = [
            f"{times(inside, 'anchor')} {'is' if inside == 1 else 'are'} inside, {counts} of them "
            f"with a metric that counts; of at most {self.topk} it selected {chosen}."
        ]
        lost = int((own & (self.matches != column)).sum())
        gained = int((~own & (self.matches == column)).sum())
        if lost:
            told.append(f"{lost} of these went to other ground truths.")
        if gained:
            told.append(f"{gained} that others selected came to it, with an IoU at least as large.")
        return told
