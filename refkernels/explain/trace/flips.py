"""Matches that hang on a hair, as a list that a notebook shows as a table."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from refkernels.arrays.printing import times
from refkernels.explain.trace.classes import named
from refkernels.explain.trace.moves import Move
from refkernels.explain.trace.tables import html_table

__all__ = ["Flip", "Flips"]

# Matches that a notebook shows; the rest is counted.
SHOWN = 50


@dataclass(frozen=True)
class Flip:
    """A match that would be another one.

    Attributes
    ----------
    anchor : int
    before, after : int
        Its ground truth as it is and as it would be, -1 for none.
    changes : tuple of (int, int, float)
        A change that does it: for one or more pairs of anchor and ground truth, what is added to
        their IoU.
    """

    anchor: int
    before: int
    after: int
    changes: Move

    def __str__(self) -> str:
        names = [
            f"ground truth {truth}" if truth >= 0 else "none" for truth in (self.before, self.after)
        ]
        parts = [
            f"{'its IoU' if anchor == self.anchor else f'that of anchor {anchor}'} with ground "
            f"truth {truth} {'rises' if change > 0 else 'falls'} by {abs(change):.3g}"
            for anchor, truth, change in self.changes[:2]
        ]
        more = len(self.changes) - 2
        rest = f" (and {more} more change)" if more > 0 else ""
        return f"Anchor {self.anchor}: {names[0]} -> {names[1]} if {' and '.join(parts)}{rest}."


class Flips(list[Flip]):
    """A list of matches that would be others.

    Parameters
    ----------
    flips : iterable of Flip
    names : sequence of (str or None)
        What the class of each ground truth is called; empty if that is not known.
    left_out : int
        How many more there are than were asked for.

    Examples
    --------
    >>> from refkernels import MaximumMatcher
    >>> from refkernels.explain import explain
    >>> flips = explain(MaximumMatcher(0.5), [[0.5], [0.49]]).sensitivity(0.02)
    >>> len(flips), flips.lines()[1]
    (2, 'Anchor 1: none -> ground truth 0 if its IoU with ground truth 0 rises by 0.01.')
    """

    def __init__(
        self, flips: Iterable[Flip] = (), names: Sequence[str | None] = (), left_out: int = 0
    ) -> None:
        super().__init__(flips)
        self.names, self.left_out = tuple(names), left_out

    def __str__(self) -> str:
        more = [f"... and {self.left_out} more"] if self.left_out else []
        return "\n".join([*self.lines(), *more])

    def lines(self) -> list[str]:
        """Return each as a sentence, with the names of classes."""
        return [named(self.names, str(flip)) for flip in self]

    def _repr_html_(self) -> str:
        found = len(self) + self.left_out
        told = [f"<p>{times(found, 'match')} would be decided otherwise by so small a change</p>"]
        if self:
            rows = [
                [str(flip.anchor), line.split(": ", 1)[1]]
                for flip, line in zip(self[:SHOWN], self.lines()[:SHOWN], strict=True)
            ]
            told.append(html_table([["anchor", "what would change, and by what"], *rows]))
        more = found - min(len(self), SHOWN)
        return "\n".join([*told, *([f"<p>and {more} more</p>"] if more > 0 else [])])
