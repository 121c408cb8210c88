"""For each operator what to draw, how to compare and what is known to differ."""

from __future__ import annotations

from difflib import get_close_matches
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from refkernels.conformance.model.operator import Operator

__all__ = ["find", "operators"]

FAMILIES = (
    "bbox",
    "cost",
    "matcher",
    "sampler",
    "coder",
    "anchor",
    "suppression",
    "predictor",
    "feature",
    "chain",
)


@cache
def operators() -> dict[str, Operator]:
    """Return how each operator is checked, by name, in the API's order."""
    return {
        operator.name: operator
        for family in FAMILIES
        for operator in import_module(f"{__name__}.{family}").OPERATORS
    }


def find(name: str) -> Operator:
    """Return the operator of this name.

    Raises
    ------
    ValueError
        If there is none; the message lists those there are.
    """
    known = operators()
    if name not in known:
        by_small = {own.lower(): own for own in known}
        close = get_close_matches(name.lower(), by_small, 1)
        hint = f"did you mean {by_small[close[0]]!r}? There are" if close else "expected one of"
        raise ValueError(f"unknown operator {name!r}, {hint}: {', '.join(known)}")
    return known[name]
