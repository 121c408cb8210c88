"""Cases of the matchers (SPEC section 2)."""

from refkernels.conformance.cases.matcher.drawn import OPERATORS

__all__ = ["OPERATORS"]
