"""The verdicts on an operator, what each one means, and what they add up to."""

from collections.abc import Iterable

__all__ = ["FAILED", "VERDICTS", "exit_status", "failed"]

# A counterexample has one of the failed verdicts too; its operator has that of its first one.
VERDICTS = {
    "conforms": "no case was found in which it differs",
    "known": "it differs only as declared",
    "diverges": "a value or a decision is not what it must be",
    "wrong shape": "an output has another shape than it must",
    "wrong dtype": "an output has another dtype than it must",
    "wrong outputs": "it returns more or fewer outputs than it must, or what is no array",
    "inputs changed": "it writes to the arrays that it is given",
    "raises": "it raises an exception on valid input, or cannot be built",
    "exits": "it calls sys.exit",
    "crashes": "its process dies, of a signal or by leaving",
    "hangs": "one call takes longer than the time limit",
    "breaks a law": "what must hold over several runs does not",
    "stale": "a declared difference is no longer there",
    "absent": "the target has no operator of this name, or it is not defined in these dtypes",
    "no import": "the target cannot be imported",
    "error": "it could not be checked; the note says why",
}

FAILED = frozenset(VERDICTS) - {"conforms", "known", "absent", "no import", "error"}
UNUSABLE = frozenset({"no import", "error"})


def failed(verdict: str) -> bool:
    """Return whether a verdict says that something is wrong with the operator."""
    return verdict in FAILED


def exit_status(verdicts: Iterable[str]) -> int:
    """Return 0 if all conforms, 1 if something fails, 2 if there was something not to be checked.

    >>> exit_status(["conforms", "known", "absent"]), exit_status(["conforms", "hangs"])
    (0, 1)
    >>> exit_status(["absent", "absent"]), exit_status(["hangs", "no import"])
    (2, 2)
    """
    found = set(verdicts)
    if found & UNUSABLE or found <= {"absent"}:
        return 2
    return 1 if found & FAILED else 0
