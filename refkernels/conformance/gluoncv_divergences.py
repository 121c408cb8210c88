"""What gluoncv 0.10.5 does otherwise than specified, found by ``refkernels check gluoncv.nn``."""

from refkernels.conformance.divergence import Divergence

__all__ = ["DIVERGENCES"]

DIVERGENCES: tuple[Divergence, ...] = ()
