"""Cases of the operators on boxes (SPEC section 1)."""

from refkernels.conformance.cases.bbox.drawn import OPERATORS

__all__ = ["OPERATORS"]
