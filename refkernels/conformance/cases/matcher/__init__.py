"""Cases of the matchers (SPEC sections 2 and 6)."""

from refkernels.conformance.cases.matcher import (
    atss,
    drawn,
    hungarian,
    point,
    simota,
    task_aligned,
    threshold,
)

__all__ = ["OPERATORS"]

OPERATORS = (
    *drawn.OPERATORS,
    *threshold.OPERATORS,
    *point.OPERATORS,
    *atss.OPERATORS,
    *simota.OPERATORS,
    *task_aligned.OPERATORS,
    *hungarian.OPERATORS,
)
