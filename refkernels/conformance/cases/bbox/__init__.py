"""Cases of the operators on boxes (SPEC sections 1 and 6)."""

from refkernels.conformance.cases.bbox import drawn, overlaps

__all__ = ["OPERATORS"]

OPERATORS = (*drawn.OPERATORS, *overlaps.OPERATORS)
