"""Cases of grids of anchors (SPEC section 6)."""

from refkernels.conformance.cases.anchor.drawn import OPERATORS

__all__ = ["OPERATORS"]
