"""Traces of one image by several assigners, compared object by object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import combinations
from typing import Any

import numpy as np

from refkernels.arrays import Array, check_numbers, require
from refkernels.arrays.printing import times
from refkernels.explain.trace.classes import label_of, named, names_of
from refkernels.explain.trace.photo import fit
from refkernels.explain.trace.phrases import listed
from refkernels.explain.trace.records import Fate
from refkernels.explain.trace.tables import as_lines, html_table
from refkernels.explain.trace.trace import Trace

__all__ = ["Comparison", "compare_traces"]

# Ground truths, and anchors, that are shown; the rest is counted.
SHOWN = 30
NAMED = 8

# Differences that are told in a notebook.
TOLD = 8

# A view of the assigners' images, which need not have the same scale.
Extents = Mapping[str, Sequence[float]]


@dataclass(frozen=True, eq=False)
class Comparison:
    """Several assignments of the same objects.

    Attributes
    ----------
    traces : dict of str to Trace
    positives : numpy.ndarray, int64, (M, T)
        How many positive anchors each ground truth has by each of them.
    extents : dict of str to (float, float) or to four float
        The width and height of the image in the unit of each one's anchors, or its corners; empty
        if not known.
    """

    traces: dict[str, Trace]
    positives: Array
    extents: dict[str, tuple[float, ...]]

    @property
    def names(self) -> list[str]:
        """What the assignments are called, in order."""
        return list(self.traces)

    def differences(self) -> list[str]:
        """Say what one takes and another does not, in sentences.

        First, of ground truths that have no positive anchor by some and have one by others, why;
        then, for every two with the same anchors, which of these only one of them takes.
        """
        told = []
        first = next(iter(self.traces.values()))
        for truth, row in enumerate(self.positives):
            if (row > 0).any() and (row == 0).any():
                own = [f"{count} by {name}" for name, count in zip(self.traces, row, strict=True)]
                told.append(
                    named(names_of(first), f"Ground truth {truth} has {listed(own)} positive.")
                    + "".join(
                        f"\n  {name}: {trace.why_truth(truth)}"
                        for (name, trace), count in zip(self.traces.items(), row, strict=True)
                        if not count
                    )
                )
        for left, right in combinations(self.traces, 2):
            told += self._anchors(left, right)
        return told

    def alone(self, left: str, right: str) -> tuple[Array, Array] | None:
        """Return the anchors that are positive by one alone, or None if anchors are not the same.

        They also count where both take an anchor for different ground truths.

        Returns
        -------
        numpy.ndarray, int64, (K,) and (L,)
        """
        one, other = self.traces[left], self.traces[right]
        if len(one.anchors) != len(other.anchors):
            return None
        own, theirs = one.anchor_boxes, other.anchor_boxes
        if own is not None and theirs is not None and not np.array_equal(own, theirs):
            return None
        mine = np.where(one.anchors["sample"] > 0, one.matches, -1)
        yours = np.where(other.anchors["sample"] > 0, other.matches, -1)
        differs = mine != yours
        return np.flatnonzero(differs & (mine >= 0)), np.flatnonzero(differs & (yours >= 0))

    def _anchors(self, left: str, right: str) -> list[str]:
        found = self.alone(left, right)
        if found is None:
            return []
        if not any(map(len, found)):
            return [f"{left} and {right} take the same anchors."]
        both = int((self.traces[left].anchors["sample"] > 0).sum()) - len(found[0])
        parts = [
            f"{len(own)} by {name} alone ({_first(own)})" if len(own) else f"none by {name} alone"
            for name, own in zip((left, right), found, strict=True)
        ]
        told = f"{left} and {right} have the same anchors: {both} are positive by both, "
        told += f"{parts[0]} and {parts[1]}."
        for name, own in zip((right, left), found, strict=True):
            if len(own):
                told += f"\n  {name}: {self.traces[name].why(int(own[0]))}"
        return [told]

    def without(self) -> Array:
        """Return how many ground truths with an extent have no positive anchor, (T,)."""
        count = [
            int(np.isin(trace.truths["fate"], (Fate.MATCHED, Fate.NO_EXTENT), invert=True).sum())
            for trace in self.traces.values()
        ]
        return np.array(count, np.int64)

    def table(self, shown: int = SHOWN) -> list[list[str]]:
        """Return a table of positives: its head, a row a ground truth, and two of sums."""
        first = next(iter(self.traces.values()))
        rows = [["truth", "class", "size", *self.traces]]
        for truth, row in enumerate(self.positives[:shown]):
            rows.append([str(truth), label_of(first, truth), self._size(truth), *map(str, row)])
        rows.append(["all", "", "", *map(str, self.positives.sum(axis=0))])
        rows.append(["without", "", "", *map(str, self.without())])
        return rows

    def _size(self, truth: int) -> str:
        """Return the size of a ground truth as shares of the image, or in the first one's unit."""
        name, trace = next(iter(self.traces.items()))
        if trace.boxes is None:
            return "-"
        width, height = trace.boxes[truth, 2:] - trace.boxes[truth, :2]
        place = fit(self.extents.get(name))
        if place is None:
            return f"{width:.4g} x {height:.4g}"
        wide, high = place[2] - place[0], place[3] - place[1]
        return f"{100 * width / wide:.1f} x {100 * height / high:.1f} %"

    def as_dict(self) -> dict[str, Any]:
        """Return it as what `json.dumps` takes."""
        return {
            "names": self.names,
            "positives": self.positives.tolist(),
            "without": self.without().tolist(),
            "differences": self.differences(),
            "truths": [
                {name: trace.why_truth(truth) for name, trace in self.traces.items()}
                for truth in range(len(self.positives))
            ],
        }

    def __str__(self) -> str:
        table = self.table()
        lines = as_lines(table, "rrr" + "r" * len(self.traces))
        lines.insert(-2, "")
        more = len(self.positives) - SHOWN
        if more > 0:
            lines.insert(-3, f"and {times(more, 'more ground truth')}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        more = len(self.positives) - SHOWN
        left = [f"<p>and {times(more, 'more ground truth')}</p>"] if more > 0 else []
        told = [escape(own).replace("\n", "<br>") for own in self.differences()[:TOLD]]
        return "\n".join([html_table(self.table()), *left, *(f"<p>{own}</p>" for own in told)])

    def __repr__(self) -> str:
        count = times(len(self.positives), "ground truth")
        return f"<Comparison of {listed(self.traces)}: {count}>"


def _first(anchors: Array) -> str:
    more = len(anchors) - NAMED
    return ", ".join(map(str, anchors[:NAMED])) + (f" and {more} more" if more > 0 else "")


def compare_traces(traces: Mapping[str, Trace], extents: Extents | None = None) -> Comparison:
    """Put traces of the same objects side by side.

    Parameters
    ----------
    traces : mapping of str to Trace
        At least two, by name, of the same ground truths in the same order, each in the unit of its
        own anchors.
    extents : mapping of str to (float, float) or to four float, optional
        The width and height of the image in these units, or its corners where something surrounds
        it.

    Returns
    -------
    Comparison

    Raises
    ------
    TypeError, ValueError
        If there are fewer than two, or they are not of as many ground truths.

    Examples
    --------
    >>> from refkernels import MaximumMatcher
    >>> from refkernels.explain import compare_traces, explain
    >>> ious = [[0.75, 0.0], [0.5, 0.0], [0.0, 0.625]]
    >>> both = {f"from {bar}": explain(MaximumMatcher(bar), ious) for bar in (0.5, 0.7)}
    >>> print(compare_traces(both))
      truth  class  size  from 0.5  from 0.7
          0      -     -         2         1
          1      -     -         1         0
    <BLANKLINE>
        all                      3         1
    without                      0         1
    >>> print(compare_traces(both).differences()[0])
    Ground truth 1 has 1 by from 0.5 and 0 by from 0.7 positive.
      from 0.7: Ground truth 1 has no anchor. Its best is anchor 2, with 0.625, which reaches no \
threshold.
    """
    for name, trace in traces.items():
        if not isinstance(trace, Trace):
            raise TypeError(f"traces: {name} is a {type(trace).__name__}, expected a Trace")
    require(len(traces) > 1, f"traces: expected at least two, got {len(traces)}")
    counts = {name: len(trace.truths) for name, trace in traces.items()}
    require(
        len(set(counts.values())) == 1,
        "traces: expected as many ground truths in each, got "
        + listed(f"{count} in {name}" for name, count in counts.items()),
    )
    sides = {
        name: check_numbers(f"extents[{name!r}]", own, 4 if len(own) == 4 else 2)
        for name, own in (extents or {}).items()
    }
    positives = [trace.truths["positives"] for trace in traces.values()]
    return Comparison(dict(traces), np.stack(positives, axis=1).astype(np.int64), sides)
