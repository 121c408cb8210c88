"""What a declaration of equivalence is."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

__all__ = ["Equivalent", "declared"]


class Equivalent(NamedTuple):
    """A change of `old` into `new`, wherever it is all that changes in a line of the file."""

    file: str
    old: str
    new: str
    why: str


def declared(changes: Mapping[str, Sequence[tuple[str, str, str]]]) -> tuple[Equivalent, ...]:
    """Return what is declared, from the reasons why and the changes of file, old and new."""
    return tuple(
        Equivalent(file, old, new, why) for why, own in changes.items() for file, old, new in own
    )
