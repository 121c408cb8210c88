"""What a declaration of equivalence is."""

from typing import NamedTuple

__all__ = ["Equivalent"]


class Equivalent(NamedTuple):
    """A change of `old` into `new`, wherever it is all that changes in a line of the file."""

    file: str
    old: str
    new: str
    why: str
