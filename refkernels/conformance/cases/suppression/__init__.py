"""Cases of the suppression of boxes (SPEC section 6)."""

from refkernels.conformance.cases.suppression.drawn import OPERATORS

__all__ = ["OPERATORS"]
