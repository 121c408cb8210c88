"""How numbers are written in sentences."""

import math
from collections.abc import Iterable
from typing import Any

__all__ = [
    "by_how_much",
    "floored",
    "listed",
    "name_of",
    "number",
    "ordinal",
]


def number(value: float) -> str:
    """Return a number with four digits."""
    return f"{float(value):.4g}"


def by_how_much(margin: float) -> str:
    """Return by how much a threshold is reached or missed."""
    return " exactly" if margin == 0 else f" by {number(abs(margin))}"


def ordinal(place: int) -> str:
    """Return a place, counted from 1.

    Examples
    --------
    >>> ", ".join(map(ordinal, (1, 2, 3, 4, 11, 22, 113)))
    '1st, 2nd, 3rd, 4th, 11th, 22nd, 113th'
    """
    last = {1: "st", 2: "nd", 3: "rd"}.get(place % 10, "th")
    return f"{place}{'th' if place % 100 in (11, 12, 13) else last}"


def listed(items: Iterable[Any]) -> str:
    """Return things one after the other, with an "and" before the last.

    Examples
    --------
    >>> listed([3]), listed([3, 4, 7])
    ('3', '3, 4 and 7')
    """
    *most, last = map(str, items)
    return f"{', '.join(most)} and {last}" if most else last


def name_of(matcher: Any) -> str:
    """Return what a matcher of one's own is called: its class, or the function's name."""
    name = getattr(matcher, "__name__", type(matcher).__name__)
    return "a lambda" if name == "<lambda>" else str(name)


def floored(total: Any) -> str:
    """Return an exact sum in so many digits that its whole part can be seen.

    Examples
    --------
    >>> from fractions import Fraction
    >>> floored(Fraction(9, 4)), floored(Fraction(299999, 100000))
    ('2.25', 'just below 3')
    """
    told = number(total)
    return told if math.floor(float(told)) == math.floor(total) else f"just below {told}"
