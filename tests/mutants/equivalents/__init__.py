"""Generated mutants that no case can show, each with the argument why."""

from tests.mutants.equivalents import (
    anchor,
    bbox,
    blocks,
    coder,
    cost,
    matcher,
    sampler,
    suppression,
)
from tests.mutants.equivalents.equivalent import Equivalent

__all__ = ["EQUIVALENTS", "Equivalent", "why_equivalent"]

ROOMS = (bbox, matcher, sampler, coder, cost, anchor, suppression, blocks)
EQUIVALENTS = tuple(entry for room in ROOMS for entry in room.EQUIVALENTS)


def why_equivalent(file: str, before: str, after: str) -> str:
    """Return why the change of a line is declared equivalent; empty if it is not."""
    for entry in EQUIVALENTS:
        parts = before.split(entry.old)
        changed = (
            entry.old.join(parts[:i]) + entry.new + entry.old.join(parts[i:])
            for i in range(1, len(parts))
        )
        if file == entry.file and after in changed:
            return entry.why
    return ""
