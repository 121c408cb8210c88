"""Cases of costs and metrics (SPEC section 6)."""

from refkernels.conformance.cases.cost import detr, places, scores
from refkernels.conformance.model.operator import Operator

__all__ = ["OPERATORS"]

OPERATORS: tuple[Operator, ...] = (*places.OPERATORS, *scores.OPERATORS, *detr.OPERATORS)
