"""Cases of the feature extractors (SPEC section 5)."""

from refkernels.conformance.cases.feature.drawn import OPERATORS

__all__ = ["OPERATORS"]
