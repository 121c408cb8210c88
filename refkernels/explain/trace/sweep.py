"""What other thresholds would match: how many anchors each ground truth would have."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from refkernels.arrays import Array, as_real, check_integer, require
from refkernels.arrays.printing import times
from refkernels.explain.trace.classes import class_of
from refkernels.explain.trace.tables import as_lines, html_table
from refkernels.explain.trace.trace import explain
from refkernels.matcher import BipartiteMatcher, CompositeMatcher, Matcher, MaximumMatcher
from refkernels.matcher.composite import flat

__all__ = ["Sweep", "thresholds"]

# Ground truths that are shown; the rest is counted.
SHOWN = 12


@dataclass(frozen=True, eq=False)
class Sweep:
    """How many anchors each ground truth is matched with, by a matcher's threshold.

    Attributes
    ----------
    matcher : int
        The number of the matcher whose threshold it is, in a composite from 0.
    current : float
        Its own threshold.
    thresholds : numpy.ndarray, float64, (T,)
    anchors : numpy.ndarray, int64, (T, M)
        The anchors matched with each ground truth, before sampling.
    classes : tuple of str
        What the class of each ground truth is called; empty if that is not known.
    """

    matcher: int
    current: float
    thresholds: Array
    anchors: Array
    classes: tuple[str, ...] = ()

    @property
    def unmatched(self) -> Array:
        """How many ground truths have no anchor (T,)."""
        return np.asarray((self.anchors == 0).sum(axis=1))

    def table(self) -> list[list[str]]:
        """Return a head, and a row a threshold: all anchors, truths without, and of each truth."""
        shown = min(SHOWN, self.anchors.shape[1])
        names = self.classes or ("",) * shown
        truths = [f"truth {i} {name}".rstrip() for i, name in enumerate(names[:shown])]
        rows = [["threshold", "all", "without", *truths]]
        for value, row, without in zip(self.thresholds, self.anchors, self.unmatched, strict=True):
            rows.append([f"{value:.4g}", str(row.sum()), str(without), *map(str, row[:shown])])
        return rows

    def _more(self) -> list[str]:
        more = self.anchors.shape[1] - SHOWN
        return [f"and {times(more, 'more ground truth')}"] if more > 0 else []

    def __str__(self) -> str:
        table = self.table()
        return "\n".join([*as_lines(table, "r" * len(table[0])), *self._more()])

    def _repr_html_(self) -> str:
        own = f"<p>anchors matched by threshold; its own is {self.current:.4g}</p>"
        more = [f"<p>{line}</p>" for line in self._more()]
        return "\n".join([own, html_table(self.table()), *more])


def thresholds(
    operator: Any,
    given: npt.ArrayLike,
    values: npt.ArrayLike | None = None,
    *,
    matcher: int | None = None,
    labels: Any = None,
    classes: Sequence[str] | None = None,
) -> Sweep:
    """Match with other thresholds, and count the anchors of each ground truth.

    Parameters
    ----------
    operator : Matcher or TargetAssigner
    given : array_like
        IoUs or boxes, as for `explain`.
    values : array_like, real, (T,), optional
        The thresholds. By default 0.1, 0.15 and so on to 0.9.
    matcher : int, optional
        Which matcher's threshold it is, in a composite from 0, nested ones counted in order. By
        default the last `MaximumMatcher`, or else the last one with a threshold.

    labels, classes : optional
        For an assigner, as for `explain`: what ground truths are called in the table.

    Returns
    -------
    Sweep

    Raises
    ------
    TypeError, ValueError
        As `explain` does, and if there is no such matcher, or none with a threshold.

    Examples
    --------
    >>> from refkernels import MaximumMatcher
    >>> print(thresholds(MaximumMatcher(0.5), [[0.9, 0], [0.6, 0.1], [0, 0.4]], [0.3, 0.5, 0.7]))
    threshold  all  without  truth 0  truth 1
          0.3    3        0        2        1
          0.5    2        1        2        0
          0.7    1        1        1        0
    """
    trace = explain(operator, given, labels, classes=classes)
    leaves = flat(trace.matcher)
    known = {
        kind: [place for place, own in enumerate(leaves) if type(own) is kind]
        for kind in (BipartiteMatcher, MaximumMatcher)
    }
    able = sorted(known[BipartiteMatcher] + known[MaximumMatcher])
    require(bool(able), f"operator: expected a matcher with a threshold, got {trace.matcher!r}")
    if matcher is None:
        place = (known[MaximumMatcher] or able)[-1]
    else:
        place = check_integer("matcher", matcher, low=0, high=len(leaves) - 1)
        require(place in able, f"matcher: number {place}, {leaves[place]!r}, has no threshold")
    swept = as_real("values", np.linspace(0.1, 0.9, 17) if values is None else values)
    require(swept.ndim == 1, f"values: expected (T,), got shape {swept.shape}")
    anchors = np.zeros((len(swept), len(trace.truths)), np.int64)
    ious = trace.ious
    for row, value in zip(anchors, swept, strict=True):
        matches = np.asarray(_with_threshold(trace.matcher, place, float(value))(ious))
        row += np.bincount(trace.columns[matches[matches >= 0]], minlength=len(row))
    own: Any = leaves[place]
    known_as = [class_of(trace, truth) for truth in range(len(trace.truths))]
    names = tuple(name or "" for name in known_as) if any(known_as) else ()
    return Sweep(place, float(own.threshold), swept.astype(np.float64), anchors, names)


def _with_threshold(matcher: Matcher, place: int, threshold: float) -> Matcher:
    """Return a matcher with another threshold in one place."""
    if type(matcher) is not CompositeMatcher:
        return replace(matcher, threshold=threshold)  # type: ignore[type-var]
    inner = []
    for own in matcher.matchers:
        count = len(flat(own))
        inner.append(_with_threshold(own, place, threshold) if 0 <= place < count else own)
        place -= count
    return CompositeMatcher(inner)
