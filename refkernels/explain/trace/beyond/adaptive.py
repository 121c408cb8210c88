"""ATSS: the candidates of each ground truth, and the threshold that their IoUs make."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from refkernels.arrays import Array
from refkernels.arrays.printing import times
from refkernels.explain.trace.beyond.reading import Reading
from refkernels.explain.trace.pairs import Pairs
from refkernels.explain.trace.phrases import by_how_much, listed, number
from refkernels.explain.trace.records import Stage
from refkernels.matcher import ATSSMatcher
from refkernels.matcher.atss import reaching

__all__ = ["AdaptiveReading", "Candidates"]


@dataclass(frozen=True)
class Candidates:
    """The candidates of one ground truth.

    Attributes
    ----------
    rows : numpy.ndarray, int64, (K,)
        Their anchors, in order.
    ious : numpy.ndarray, (K,)
    reaches, inside : numpy.ndarray, bool, (K,)
        Whether they reach the threshold, as the matcher compares it, and are inside.
    mean, deviation : float
    farthest : numpy.ndarray, (L,)
        The largest distance of a candidate on each level; -inf on one without anchors.
    """

    rows: Array
    ious: Array
    reaches: Array
    inside: Array
    mean: float
    deviation: float
    farthest: Array

    @property
    def threshold(self) -> float:
        """The mean and the deviation together."""
        return self.mean + self.deviation

    def place(self, anchor: int) -> int:
        """Return where an anchor is among them, or -1."""
        k = int(np.searchsorted(self.rows, anchor))
        return k if k < len(self.rows) and self.rows[k] == anchor else -1


class AdaptiveReading(Reading):
    """What an `ATSSMatcher` decided.

    Parameters
    ----------
    matcher : ATSSMatcher
    given : mapping of str to Pairs
        ``ious``, ``distances`` and ``inside``; and ``levels``, an array.
    names, matches : numpy.ndarray
        As in a `Reading`.
    """

    label = Stage.ADAPTIVE

    def __init__(self, matcher: ATSSMatcher, given: Any, names: Array, matches: Array) -> None:
        super().__init__(given["ious"], names, matches)
        self.levels = np.asarray(given["levels"], np.int64)
        self.distances: Pairs = given["distances"]
        self.inside: Pairs = given["inside"]
        self.topk = matcher.topk
        self.candidates = [self._candidates(matcher, column) for column in range(len(names))]
        best = np.full(self.pairs.shape[0], -np.inf)
        for column, own in enumerate(self.candidates):
            self.near[own.rows] = True
            self.chosen[column] = int((own.reaches & own.inside).sum())
            # Of candidates that are not matched, the nearest miss counts.
            margin = own.ious.astype(np.float64) - own.threshold
            better = margin > best[own.rows]
            rows = own.rows[better]
            best[rows], self.threshold[rows] = margin[better], own.threshold
        self.stage[self.near] = Stage.MISSED
        for own in self.candidates:
            self.stage[own.rows[own.reaches & ~own.inside]] = Stage.OUTSIDE
        matched = np.flatnonzero(matches >= 0)
        self.stage[matched] = Stage.ADAPTIVE
        thresholds = np.array([own.threshold for own in self.candidates])
        self.threshold[matched] = thresholds[matches[matched]] if len(matched) else 0
        best[matched] = (
            self.pairs.at(matched, matches[matched]).astype(np.float64) - self.threshold[matched]
        )
        self.margin[self.near] = best[self.near]

    def _candidates(self, matcher: ATSSMatcher, column: int) -> Candidates:
        distances = self.distances.column(column)
        rows, farthest, start = [], np.full(len(self.levels), -np.inf), 0
        for level, size in enumerate(self.levels.tolist()):
            own = distances[start : start + size]
            few = min(matcher.topk, size)
            if few:
                last = np.partition(own, few - 1)[few - 1]
                near = np.flatnonzero(own <= last)
                near = near[np.argsort(own[near], kind="stable")][:few]
                farthest[level] = last
                rows.append(start + np.sort(near))
            start += size
        chosen = np.concatenate(rows) if rows else np.zeros(0, np.int64)
        where = np.full(len(chosen), column)
        ious = self.pairs.at(chosen, where)
        reaches = ious.astype(np.float64)
        ddof = min(matcher.ddof, len(distances))
        reaching(reaches, ddof)
        values, count = ious.astype(np.float64).tolist(), len(chosen)
        mean = math.fsum(values) / count if count else 0.0
        square = math.fsum((value - mean) ** 2 for value in values)
        deviation = math.sqrt(square / (count - ddof)) if count > ddof else 0.0
        inside = self.inside.at(chosen, where)
        return Candidates(chosen, ious, reaches > 0, inside, mean, deviation, farthest)

    def matched(self, anchor: int, column: int) -> list[str]:
        """Say why an anchor is matched with a ground truth."""
        told = [f"{self.begin(anchor, column)}: {self._reaches(anchor, column)}, and it is inside."]
        value = float(self.pairs.at(np.array([anchor]), np.array([column]))[0])
        for other in self._positive(anchor):
            if other == column:
                continue
            less = float(self.pairs.at(np.array([anchor]), np.array([other]))[0])
            how = (
                "by the same IoU: the lowest index wins"
                if less == value
                else f"but by a smaller IoU, {number(less)}"
            )
            told.append(f"It is positive for {self.name(other)} too, {how}.")
        return told

    def _reaches(self, anchor: int, column: int) -> str:
        """Say how the IoU of a candidate compares with the threshold."""
        own = self.candidates[column]
        place = own.place(anchor)
        value = float(own.ious[place])
        how = "reaches" if own.reaches[place] else "misses"
        return (
            f"its IoU {number(value)} {how} {number(own.threshold)}, the mean "
            f"{number(own.mean)} of {times(len(own.rows), 'candidate')} plus their deviation "
            f"{number(own.deviation)},{by_how_much(value - own.threshold)}"
        )

    def _positive(self, anchor: int) -> list[int]:
        found = []
        for column, own in enumerate(self.candidates):
            place = own.place(anchor)
            if place >= 0 and own.reaches[place] and own.inside[place]:
                found.append(column)
        return found

    def unmatched(self, anchor: int) -> list[str]:
        """Say why an anchor is not matched: of the ground truth whose threshold is nearest."""
        own = [(c, k) for c, o in enumerate(self.candidates) if (k := o.place(anchor)) >= 0]
        begin = f"Anchor {anchor} is not matched"
        if not own:
            row = self.pairs.row(anchor)
            nearest = int(np.argmax(row))
            far = self._far(anchor, nearest)
            return [f"{begin}: it is a candidate of no ground truth.", far]
        names = listed(self.names[c] for c, _ in own)
        plural = "s" if len(own) > 1 else ""
        told = [f"{begin}, though it is a candidate of ground truth{plural} {names}."]
        best = max(own, key=lambda one: self.candidates[one[0]].ious[one[1]])[0]
        return [*told, *self.why_not(anchor, best)]

    def _far(self, anchor: int, column: int) -> str:
        """Say that others of its level are nearer."""
        level = int(np.searchsorted(np.cumsum(self.levels), anchor, side="right"))
        last = self.candidates[column].farthest[level]
        away = float(self.distances.at(np.array([anchor]), np.array([column]))[0])
        how = (
            f"it is {number(away)} away as well: the lowest index wins"
            if away == last
            else f"it is {number(away)} away"
        )
        few = min(self.topk, int(self.levels[level]))
        return (
            f"Of its level, {self.name(column)} takes the {few} nearest as candidates, up to a "
            f"distance of {number(last)}; {how}."
        )

    def why_not(self, anchor: int, column: int) -> list[str]:
        """Say why an anchor is not matched with a ground truth."""
        own = self.candidates[column]
        place = own.place(anchor)
        if place < 0:
            return [f"It is no candidate of {self.name(column)}.", self._far(anchor, column)]
        told = [f"For {self.name(column)}, {self._reaches(anchor, column)}."]
        if not own.inside[place]:
            told.append("It is not inside of it.")
        elif own.reaches[place]:
            winner = int(self.matches[anchor])
            told.append(f"So it is positive, but {self.name(winner)} comes first.")
        return told

    def why_truth(self, column: int) -> list[str]:
        """Say how the threshold of a ground truth came about, and how many reach it."""
        own = self.candidates[column]
        count, reach = len(own.rows), int(own.reaches.sum())
        if not count:
            return ["There is no anchor that could be a candidate."]
        told = [
            f"Its {times(count, 'candidate')} {'has' if count == 1 else 'have'} a mean IoU of "
            f"{number(own.mean)} and a deviation of {number(own.deviation)}: of them {reach} "
            f"reach{'es' if reach == 1 else ''} {number(own.threshold)}, and "
            f"{self.chosen[column]} of these {'is' if self.chosen[column] == 1 else 'are'} inside."
        ]
        lost = self.chosen[column] - int((self.matches == column).sum())
        if lost:
            told.append(f"Other ground truths took {lost} of them.")
        return told
