"""FCOS: which of its conditions each point meets for each box."""

from __future__ import annotations

from typing import Any

import numpy as np

from refkernels.arrays import Array, common_real, rounded_to_computing, to_computing
from refkernels.arrays.printing import times
from refkernels.explain.trace.beyond.reading import Reading
from refkernels.explain.trace.pairs import Pairs
from refkernels.explain.trace.phrases import number
from refkernels.explain.trace.records import Stage
from refkernels.matcher import PointMatcher

__all__ = ["PointReading"]


class PointReading(Reading):
    """What a `PointMatcher` decided.

    Parameters
    ----------
    matcher : PointMatcher
    given : mapping of str to numpy.ndarray
        ``points`` (N, 2), ``boxes`` (M, 4), ``strides`` (N,) and ``ranges`` (N, 2).
    names, matches : numpy.ndarray
        As in a `Reading`.
    """

    measure = "conditions met"
    label = Stage.POINT

    def __init__(self, matcher: PointMatcher, given: Any, names: Array, matches: Array) -> None:
        arrays = [np.asarray(given[name]) for name in ("points", "boxes", "strides", "ranges")]
        dtype = common_real(*arrays)
        self.points, self.boxes, self.strides, self.ranges = (
            to_computing(array, dtype) for array in arrays
        )
        self.matcher = matcher
        self.reach = None
        if matcher.radius is not None:
            with np.errstate(all="ignore"):
                self.reach = self.strides * rounded_to_computing(matcher.radius, dtype)
        self.conditions = 2 if self.reach is None else 3
        shape = len(self.points), len(self.boxes)
        wide = self.boxes.astype(np.float64)
        with np.errstate(all="ignore"):
            self.areas = (wide[:, 2] - wide[:, 0]) * (wide[:, 3] - wide[:, 1])
        super().__init__(Pairs(shape, np.float32, self._met), names, matches)
        self.stage[:] = Stage.OUTSIDE
        for first, inside in Pairs(shape, np.bool_, self._inside).blocks():
            part = slice(first, first + len(inside))
            self.near[part] = inside.any(axis=1)
            counts = inside & (self._met(part, slice(None)) == self.conditions)
            self.chosen += counts.sum(axis=0)
        self.stage[self.near] = Stage.NOT_CHOSEN
        self.stage[matches >= 0] = Stage.POINT

    def _sides(self, rows: Any, columns: Any) -> tuple[Array, Array]:
        """Return the least and the largest distance to a side of each pair."""
        x, y = self.points[rows].T[:, :, np.newaxis]
        left, top, right, bottom = self.boxes[columns].T
        with np.errstate(all="ignore"):
            sides = x - left, right - x, y - top, bottom - y
        return np.minimum.reduce(sides), np.maximum.reduce(sides)

    def _off(self, rows: Any, columns: Any) -> Array:
        """Return how far points are from the centres, in x or in y, whichever is more."""
        x, y = self.points[rows].T[:, :, np.newaxis]
        half = self.points.dtype.type(0.5)
        left, top, right, bottom = self.boxes[columns].T
        with np.errstate(all="ignore"):
            middle, centre = left * half + right * half, top * half + bottom * half
            return np.asarray(np.maximum(abs(x - middle), abs(y - centre)))

    def _inside(self, rows: Any, columns: Any) -> Array:
        return np.asarray(self._sides(rows, columns)[0] > 0)

    def _in_range(self, rows: Any, columns: Any) -> Array:
        far = self._sides(rows, columns)[1]
        low, high = self.ranges[rows].T[:, :, np.newaxis]
        if self.matcher.inclusive:
            return np.asarray((low <= far) & (far <= high))
        return np.asarray((low < far) & (far < high))

    def _near_centre(self, rows: Any, columns: Any) -> Array:
        assert self.reach is not None
        return np.asarray(self._off(rows, columns) < self.reach[rows][:, np.newaxis])

    def _met(self, rows: Any, columns: Any) -> Array:
        """Count the conditions that pairs meet."""
        met = self._inside(rows, columns).astype(np.float32) + self._in_range(rows, columns)
        if self.reach is not None:
            met += self._near_centre(rows, columns)
        return met

    def _told(self, anchor: int, column: int) -> tuple[list[str], list[str]]:
        """Return which conditions a pair meets, and which it does not, in words."""
        rows, columns = np.array([anchor]), np.array([column])
        met: tuple[list[str], list[str]] = [], []
        least, far = (float(own[0, 0]) for own in self._sides(rows, columns))
        inside = bool(self._inside(rows, columns)[0, 0])
        beyond = "on its border" if least == 0 else f"{number(-least)} beyond a side"
        met[not inside].append("inside" if inside else f"not inside, {beyond}")
        low, high = (number(own) for own in self.ranges[anchor])
        fits = bool(self._in_range(rows, columns)[0, 0])
        ends = "" if self.matcher.inclusive else ", without the ends"
        within = "within" if fits else "not within"
        met[not fits].append(
            f"{number(far)} from the farthest side ({within} its range of {low} to {high}{ends})"
        )
        if self.reach is not None:
            off, most = float(self._off(rows, columns)[0, 0]), float(self.reach[anchor])
            close = bool(self._near_centre(rows, columns)[0, 0])
            less = "less" if close else "not less"
            met[not close].append(
                f"{number(off)} off the centre ({less} than {number(most)}, which is "
                f"{number(self.matcher.radius or 0.0)} strides)"
            )
        return met

    def _counting(self, anchor: int) -> Array:
        """Return the columns that a point counts for."""
        return np.flatnonzero(self.pairs.row(anchor) == self.conditions)

    def matched(self, anchor: int, column: int) -> list[str]:
        """Say why an anchor is matched with a ground truth."""
        met, _ = self._told(anchor, column)
        told = [f"{self.begin(anchor, column)}: its point is {', '.join(met)}."]
        rest = [int(own) for own in self._counting(anchor) if own != column]
        if rest:
            nearest = min(rest, key=lambda own: (self.areas[own], own))
            told.append(
                f"It counts for {times(len(rest), 'other')} too, and gets the smallest: of area "
                f"{number(self.areas[column])}, against {number(self.areas[nearest])} of "
                f"{self.name(nearest)}" + self._tie(column, nearest) + "."
            )
        return told

    def _tie(self, column: int, other: int) -> str:
        return ": the lowest index wins" if self.areas[column] == self.areas[other] else ""

    def unmatched(self, anchor: int) -> list[str]:
        """Say why an anchor is not matched: of the box for which it meets most conditions."""
        inside = np.flatnonzero(self._inside(np.array([anchor]), slice(None))[0])
        begin = f"Anchor {anchor} is not matched"
        if not len(inside):
            return [f"{begin}: its point is inside of no ground truth."]
        met = self.pairs.row(anchor)[inside]
        # Of several, the smallest, which would take it.
        order = np.lexsort((inside, self.areas[inside], -met))
        column = int(inside[order[0]])
        return [f"{begin}.", *self.why_not(anchor, column)]

    def why_not(self, anchor: int, column: int) -> list[str]:
        """Say why an anchor is not matched with a ground truth."""
        _, failed = self._told(anchor, column)
        if failed:
            return [f"For {self.name(column)}, its point is {', and '.join(failed)}."]
        winner = int(self.matches[anchor])
        return [
            f"It counts for {self.name(column)}, of area {number(self.areas[column])}, but for "
            f"{self.name(winner)} too, of {number(self.areas[winner])}"
            f"{self._tie(winner, column)}."
        ]

    def why_truth(self, column: int) -> list[str]:
        """Say how many points meet each condition of a ground truth."""
        own = slice(column, column + 1)
        inside = self._inside(slice(None), own)[:, 0]
        fits = inside & self._in_range(slice(None), own)[:, 0]
        verb = "is" if inside.sum() == 1 else "are"
        told = f"{times(int(inside.sum()), 'point')} {verb} inside, {int(fits.sum())} of them in "
        told += "range"
        if self.reach is not None:
            close = int((fits & self._near_centre(slice(None), own)[:, 0]).sum())
            told += f", and {close} of these near the centre"
        parts = [f"{told}."]
        lost = int(self.chosen[column]) - int((self.matches == column).sum())
        if lost:
            parts.append(f"Other ground truths took {lost} of them.")
        return parts
