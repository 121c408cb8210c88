"""Where cython_bbox 0.1 differs, as ``refkernels check cython_bbox`` found."""

from refkernels.conformance.model.divergence import Divergence

__all__ = ["DIVERGENCES"]

DIVERGENCES: tuple[Divergence, ...] = ()
