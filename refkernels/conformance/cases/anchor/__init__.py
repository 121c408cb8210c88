"""Cases of grids of anchors (SPEC section 6)."""

from refkernels.conformance.model.operator import Operator

__all__ = ["OPERATORS"]

OPERATORS: tuple[Operator, ...] = ()
