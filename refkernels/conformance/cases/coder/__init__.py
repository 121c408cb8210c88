"""Cases of the coders (SPEC section 4)."""

from refkernels.conformance.cases.coder.drawn import OPERATORS

__all__ = ["OPERATORS"]
