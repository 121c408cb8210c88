"""Cases of the samplers (SPEC section 3)."""

from refkernels.conformance.cases.sampler.mining import OPERATORS

__all__ = ["OPERATORS"]
