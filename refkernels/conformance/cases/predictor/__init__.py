"""Cases of the predictors (SPEC section 5)."""

from refkernels.conformance.cases.predictor.drawn import OPERATORS

__all__ = ["OPERATORS"]
