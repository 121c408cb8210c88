"""Matches that hang on a hair, as a list that a notebook shows as a table."""

from collections.abc import Iterable, Sequence

from refkernels.explain.trace.classes import named
from refkernels.explain.trace.sensitivity import Flip
from refkernels.explain.trace.tables import html_table

__all__ = ["Flips"]

# Matches that a notebook shows; the rest is counted.
SHOWN = 50


class Flips(list[Flip]):
    """A list of matches that would be others.

    Parameters
    ----------
    flips : iterable of Flip
    names : sequence of (str or None)
        What the class of each ground truth is called; empty if that is not known.

    Examples
    --------
    >>> from refkernels import MaximumMatcher
    >>> from refkernels.explain import explain
    >>> flips = explain(MaximumMatcher(0.5), [[0.5], [0.49]]).sensitivity(0.02)
    >>> len(flips), flips.lines()[1]
    (2, 'Anchor 1: none -> ground truth 0 if its IoU with ground truth 0 rises by 0.01.')
    """

    def __init__(self, flips: Iterable[Flip] = (), names: Sequence[str | None] = ()) -> None:
        super().__init__(flips)
        self.names = tuple(names)

    def lines(self) -> list[str]:
        """Return each as a sentence, with the names of classes."""
        return [named(self.names, str(flip)) for flip in self]

    def _repr_html_(self) -> str:
        count = "1 match" if len(self) == 1 else f"{len(self)} matches"
        told = [f"<p>{count} would be decided otherwise by so small a change</p>"]
        if self:
            rows = [
                [str(flip.anchor), line.split(": ", 1)[1]]
                for flip, line in zip(self[:SHOWN], self.lines()[:SHOWN], strict=True)
            ]
            told.append(html_table([["anchor", "what would change, and by what"], *rows]))
        more = len(self) - SHOWN
        return "\n".join([*told, *([f"<p>and {more} more</p>"] if more > 0 else [])])
