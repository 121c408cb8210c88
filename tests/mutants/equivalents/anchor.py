"""Generated mutants of anchors that no case can show, by the reason why."""

from tests.mutants.equivalents.equivalent import declared
from tests.mutants.equivalents.reasons import (
    ANY_LENGTH,
    COPIED,
    OF_ERRORS,
)

__all__ = ["EQUIVALENTS"]

EQUIVALENTS = declared(
    {
        COPIED: (("anchor/grid.py", "copy=False", "copy=True"),),
        OF_ERRORS: (("anchor/grid.py", "count - len(halves)", "count + len(halves)"),),
        ANY_LENGTH: (("anchor/grid.py", "reshape(-1, 4)", "reshape(- 2, 4)"),),
    }
)
